//! The error codes of DPS.

/// Why DPS refuses. Source: `reference/dps.md` 3.7; numbers marked there with (?) are `guess (?)`
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum DpsCode {
    BadRequest = 400_004,
    /// Only inside `registrationState`.
    CustomAllocationFailed = 400_207,
    /// Only inside `registrationState`: no hub is linked or eligible.
    HubNotSpecified = 400_208,
    /// Only inside `registrationState`: the linked hub refused DPS's credentials.
    HubUnauthorized = 400_209,
    /// No credential at all.
    NoCredential = 401_000,
    Unauthorized = 401_002,
    EnrollmentNotFound = 404_201,
    RegistrationNotFound = 404_202,
    MethodNotAllowed = 405_000,
    EnrollmentExists = 409_201,
    /// Two registrations of one device at once.
    ConcurrentRegistration = 409_203,
    EtagMismatch = 412_201,
    UnsupportedMediaType = 415_001,
    Throttled = 429_001,
    Internal = 500_001,
}

impl DpsCode {
    /// Six digits: `401002`.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The first three digits.
    pub fn http_status(self) -> u16 {
        (self.number() / 1000) as u16
    }
}
