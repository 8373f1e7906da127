//! Enumerations as Azure spells them in JSON.

use std::fmt;

use roadstead_model::{Ack, AllocationPolicy, DeviceStatus, MessageOutcome, ProvisioningStatus, Substatus};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// An enumeration of which every value has one spelling.
pub trait Words: Copy + PartialEq + 'static {
    /// What is enumerated, for refusals: `status`.
    const KIND: &'static str;
    /// Every value with its spelling.
    const WORDS: &'static [(Self, &'static str)];

    /// The spelling: `geoLatency`.
    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }

    /// The value, whatever the case of `text`: clients capitalise at will. `None` when there is no such word.
    fn parse_word(text: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, word)| word.eq_ignore_ascii_case(text)).map(|(value, _)| *value)
    }
}

/// A value that is written in JSON as its word.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Word<T>(pub T);

impl<T: Words> fmt::Debug for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.word())
    }
}

impl<T: Words> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.word())
    }
}

impl<T: Words> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.word())
    }
}

impl<'de, T: Words> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        T::parse_word(&text).map(Self).ok_or_else(|| {
            let words: Vec<_> = T::WORDS.iter().map(|(_, word)| *word).collect();
            de::Error::custom(format_args!("`{text}` is no {}: {}", T::KIND, words.join(", ")))
        })
    }
}

macro_rules! words {
    ($kind:literal, $type:ty { $($value:ident = $word:literal),+ $(,)? }) => {
        impl $crate::word::Words for $type {
            const KIND: &'static str = $kind;
            const WORDS: &'static [(Self, &'static str)] = &[$((<$type>::$value, $word)),+];
        }
    };
}
pub(crate) use words;

words!("status", DeviceStatus { Enabled = "enabled", Disabled = "disabled" });
words!("iothub-ack", Ack { None = "none", Positive = "positive", Negative = "negative", Full = "full" });
words!("statusCode", MessageOutcome {
    Success = "Success",
    Expired = "Expired",
    DeliveryCountExceeded = "DeliveryCountExceeded",
    Rejected = "Rejected",
    Purged = "Purged",
});
words!("provisioningStatus", ProvisioningStatus { Enabled = "enabled", Disabled = "disabled" });
words!("allocationPolicy", AllocationPolicy {
    Hashed = "hashed",
    GeoLatency = "geoLatency",
    Static = "static",
    Custom = "custom",
});
words!("substatus", Substatus {
    InitialAssignment = "initialAssignment",
    DeviceDataMigrated = "deviceDataMigrated",
    DeviceDataReset = "deviceDataReset",
    ReprovisionedToInitialAssignment = "reprovisionedToInitialAssignment",
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_written_exactly_and_read_in_any_case() {
        let json = serde_json::to_string(&Word(AllocationPolicy::GeoLatency)).unwrap();
        assert_eq!(json, "\"geoLatency\"");
        for text in ["\"geoLatency\"", "\"geolatency\"", "\"GeoLatency\"", "\"geo\\u004catency\""] {
            assert_eq!(serde_json::from_str::<Word<AllocationPolicy>>(text).unwrap().0, AllocationPolicy::GeoLatency);
        }
        for text in ["\"\"", "\"geo\"", "3", "null"] {
            assert!(serde_json::from_str::<Word<AllocationPolicy>>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn refusals_name_the_words() {
        let error = serde_json::from_str::<Word<DeviceStatus>>("\"on\"").unwrap_err().to_string();
        assert!(error.starts_with("`on` is no status: enabled, disabled"), "{error}");
    }
}
