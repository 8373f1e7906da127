//! The error codes of a hub.

macro_rules! hub_codes {
    ($($name:ident = $number:literal),+ $(,)?) => {
        /// Why a hub refuses, named as Azure names it.
        /// Source: `reference/hub-device.md` 7.4, `reference/hub-service.md` 1.3; 403100: Azure/iotedge #7035; `guess (?)`:
        /// the names of 403100 and 429002, the number of 502001 (azure-iot-sdk-c #6 has its name), the numbers of 400029 and 400030 (Azure lists the names in order, beside 400026 and 400027)
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u32)]
        pub enum HubCode {
            $($name = $number),+
        }

        impl HubCode {
            /// Every code, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// As in the header `iothub-errorcode`: `DeviceNotFound`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),+
                }
            }
        }
    };
}

hub_codes! {
    InvalidProtocolVersion = 400_001,
    InvalidOperation = 400_003,
    ArgumentInvalid = 400_004,
    ArgumentNull = 400_005,
    IotHubFormatError = 400_006,
    DeviceDefinedMultipleTimes = 400_011,
    DeserializationError = 400_012,
    BulkRegistryOperationFailure = 400_013,
    DefaultStorageEndpointNotConfigured = 400_014,
    InvalidFileUploadCorrelationId = 400_015,
    ExpiredFileUploadCorrelationId = 400_016,
    InvalidFileUploadCompletionStatus = 400_019,
    NullMessage = 400_026,
    ConnectionForcefullyClosedOnNewConnection = 400_027,
    ConnectionForcefullyClosedOnFaultInjection = 400_029,
    ConnectionRejectedOnFaultInjection = 400_030,
    InvalidContentEncodingOrType = 400_103,
    CannotRegisterModuleToModule = 400_301,
    IotHubNotFound = 401_001,
    IotHubUnauthorizedAccess = 401_002,
    IotHubUnauthorized = 401_003,
    IotHubSuspended = 403_001,
    IotHubQuotaExceeded = 403_002,
    JobQuotaExceeded = 403_003,
    DeviceMaximumQueueDepthExceeded = 403_004,
    IotHubMaxCbsTokenExceeded = 403_005,
    DeviceMaximumActiveFileUploadLimitExceeded = 403_006,
    InvalidMessageExpiryTime = 403_009,
    OperationNotAvailableInCurrentTier = 403_010,
    DeviceDisabled = 403_012,
    TwinSizeExceeded = 403_100,
    DeviceNotFound = 404_001,
    JobNotFound = 404_002,
    AmqpAddressNotFound = 404_006,
    ModuleNotFound = 404_010,
    DeviceNotOnline = 404_103,
    DeviceConnectionClosedRemotely = 404_104,
    DeviceAlreadyExists = 409_001,
    LinkCreationConflict = 409_002,
    ModuleAlreadyExistsOnDevice = 409_301,
    PreconditionFailed = 412_001,
    DeviceMessageLockLost = 412_002,
    MessageTooLarge = 413_001,
    TooManyDevices = 413_002,
    TooManyModulesOnDevice = 413_003,
    UnsupportedMediaType = 415_000,
    ThrottlingException = 429_001,
    ThrottleBacklogLimitExceeded = 429_002,
    ServerError = 500_001,
    InvalidResponseWhileProxying = 502_001,
    ServiceUnavailable = 503_001,
    PartitionNotFound = 503_003,
    ServerBusy = 503_005,
    ReceiveLinkOpensThrottled = 503_008,
    GatewayTimeout = 504_101,
}

impl HubCode {
    /// Six digits: `404001`.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The first three digits.
    pub fn http_status(self) -> u16 {
        (self.number() / 1000) as u16
    }

    /// The code of that name. Exact, as the C# SDK compares.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// The code of that number.
    pub fn of_number(number: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.number() == number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_find_their_code() {
        for code in HubCode::ALL.iter().copied() {
            assert_eq!(HubCode::of_name(code.name()), Some(code));
            assert_eq!(HubCode::of_number(code.number()), Some(code));
            assert!((400..=504).contains(&code.http_status()), "{code:?}");
        }
        assert_eq!((HubCode::DeviceNotFound.name(), HubCode::DeviceNotFound.number()), ("DeviceNotFound", 404_001));
        assert_eq!(HubCode::GatewayTimeout.http_status(), 504);
        assert!(HubCode::ALL.is_sorted_by_key(|code| code.number()));
        assert_eq!((HubCode::of_name("devicenotfound"), HubCode::of_number(1)), (None, None));
    }
}
