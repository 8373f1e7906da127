//! How near the end of a certificate is.

use crate::limits::EXPIRY_NOTICE_DAYS;
use crate::moment::{Moment, second};
use roadstead_model::UnixMillis;

/// How near an end is, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Past,
    Soon,
    Far,
}

impl End {
    pub(crate) fn is_past(self) -> bool {
        self == Self::Past
    }

    pub(crate) fn is_soon(self) -> bool {
        self == Self::Soon
    }

    pub(crate) fn of(until: Option<&Moment>, now: UnixMillis) -> Self {
        let soon = now.plus_ms(EXPIRY_NOTICE_DAYS * 24 * 60 * 60 * 1000);
        match until.map(|until| second(&until.iso)) {
            Some(until) if until < second(&now.iso()) => Self::Past,
            Some(until) if until < second(&soon.iso()) => Self::Soon,
            _ => Self::Far,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_near_or_far() {
        let now = UnixMillis(1_795_291_370_516);
        for (days, end) in [(-1, End::Past), (0, End::Soon), (29, End::Soon), (31, End::Far)] {
            let until = Moment::parse(&now.plus_ms(days * 86_400_000 + 1000).iso());
            assert_eq!(End::of(until.as_ref(), now), end, "{days}");
        }
        assert_eq!(End::of(None, now), End::Far);
    }
}
