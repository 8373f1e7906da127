"""The application properties by which the vendor's end-to-end suites ask a hub for a fault."""

from urllib.parse import quote


def fault(kind: str, delay_s: int = 1) -> dict[str, str]:
    return {
        "AzIoTHub_FaultOperationType": kind,
        "AzIoTHub_FaultOperationCloseReason": f" {kind} asked for by a test ",
        "AzIoTHub_FaultOperationDelayInSecs": str(delay_s),
    }


def bag(properties: dict[str, str]) -> str:
    """Application properties as they stand in an MQTT topic."""
    return "&".join(f"{quote(name)}={quote(value)}" for name, value in properties.items())
