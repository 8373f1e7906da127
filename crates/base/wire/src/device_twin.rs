//! A twin as its device reads it: without tags and metadata. Source: `reference/hub-device.md` 1.7

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

use crate::ascii_json;

/// The properties of a section and its version; also what a device is told of a change of desired properties.
///
/// Shape: `{"rate":5,"old":null,"$version":4}`
#[derive(Debug, Clone, Copy)]
pub struct DeviceSection<'a> {
    pub properties: &'a Map<String, Value>,
    pub version: i64,
}

/// The answer to a device that asks for its twin.
///
/// Shape: `{"desired":{"rate":5,"$version":4},"reported":{"$version":1}}`
#[derive(Debug, Clone, Copy, Serialize)]
pub struct DeviceTwin<'a> {
    pub desired: DeviceSection<'a>,
    pub reported: DeviceSection<'a>,
}

impl Serialize for DeviceSection<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(self.properties.len() + 1))?;
        for (key, value) in self.properties {
            members.serialize_entry(key, value)?;
        }
        members.serialize_entry("$version", &self.version)?;
        members.end()
    }
}

impl DeviceSection<'_> {
    /// The body, in ASCII.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

impl DeviceTwin<'_> {
    /// The body, in ASCII.
    pub fn to_json(&self) -> Vec<u8> {
        to_json(self)
    }
}

fn to_json(body: &impl Serialize) -> Vec<u8> {
    ascii_json::to_vec(body).expect("all keys are text")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn bodies() {
        let properties = json!({"rate": 5, "cfg": {"grün": null}});
        let section = DeviceSection { properties: properties.as_object().unwrap(), version: 4 };
        let text = |body| String::from_utf8(body).unwrap();
        assert_eq!(text(section.to_json()), r#"{"rate":5,"cfg":{"gr\u00fcn":null},"$version":4}"#);
        let empty = Map::new();
        let twin = DeviceTwin { desired: section, reported: DeviceSection { properties: &empty, version: 1 } };
        assert_eq!(
            text(twin.to_json()),
            r#"{"desired":{"rate":5,"cfg":{"gr\u00fcn":null},"$version":4},"reported":{"$version":1}}"#
        );
    }
}
