"""Logging in with azure-identity, as it is."""

from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AioCredential

# With the authority that `az cloud register` finds; `/adfs` keeps MSAL from asking the public cloud.
TENANT = "adfs"


def credential(service_principal: dict, endpoint: str, kind=ClientSecretCredential):
    """For what `roadstead service-principal create` printed."""
    given = (TENANT, service_principal["appId"], service_principal["password"])
    return kind(*given, authority=endpoint, disable_instance_discovery=True)


def aio_credential(service_principal: dict, endpoint: str):
    return credential(service_principal, endpoint, AioCredential)
