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
    /// A hub cannot be reached now. `guess (?)`
    Unavailable = 503_001,
}

impl DpsCode {
    /// Every code, by number.
    pub const ALL: [Self; 16] = [
        Self::BadRequest,
        Self::CustomAllocationFailed,
        Self::HubNotSpecified,
        Self::HubUnauthorized,
        Self::NoCredential,
        Self::Unauthorized,
        Self::EnrollmentNotFound,
        Self::RegistrationNotFound,
        Self::MethodNotAllowed,
        Self::EnrollmentExists,
        Self::ConcurrentRegistration,
        Self::EtagMismatch,
        Self::UnsupportedMediaType,
        Self::Throttled,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The code of that number.
    pub fn of_number(number: u32) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// Six digits: `401002`.
    pub fn number(self) -> u32 {
        self as u32
    }

    /// The first three digits.
    pub fn http_status(self) -> u16 {
        (self.number() / 1000) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_find_their_code() {
        assert!(DpsCode::ALL.is_sorted_by_key(|code| code.number()));
        for code in DpsCode::ALL {
            assert_eq!(DpsCode::of_number(code.number()), Some(code));
        }
        assert_eq!(DpsCode::of_number(1), None);
    }
}
