//! Why a storage request is refused.

use quick_xml::{
    Reader,
    escape::{escape, unescape},
    events::Event,
};

macro_rules! blob_codes {
    ($($name:ident = $status:literal),+ $(,)?) => {
        /// Why the blob endpoint refuses, named as Azure Storage names it. Source: docs, "Blob service error codes" and "Common
        /// REST API error codes"
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum BlobCode {
            $($name),+
        }

        impl BlobCode {
            /// Every code.
            pub const ALL: &'static [Self] = &[$(Self::$name),+];

            /// As in the header `x-ms-error-code`: `BlobNotFound`.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name)),+
                }
            }

            /// `404`
            pub fn http_status(self) -> u16 {
                match self {
                    $(Self::$name => $status),+
                }
            }
        }
    };
}

blob_codes! {
    InvalidBlockId = 400,
    InvalidBlockList = 400,
    InvalidHeaderValue = 400,
    InvalidMd5 = 400,
    InvalidMetadata = 400,
    InvalidQueryParameterValue = 400,
    InvalidResourceName = 400,
    InvalidXmlDocument = 400,
    BlockListTooLong = 400,
    Md5Mismatch = 400,
    MetadataTooLarge = 400,
    MissingRequiredHeader = 400,
    MissingRequiredQueryParameter = 400,
    UnsupportedQueryParameter = 400,
    AuthenticationFailed = 403,
    BlobNotFound = 404,
    ContainerNotFound = 404,
    UnsupportedHttpVerb = 405,
    OperationTimedOut = 408,
    BlobAlreadyExists = 409,
    ConditionNotMet = 412,
    RequestBodyTooLarge = 413,
    InvalidRange = 416,
    InternalError = 500,
    ServerBusy = 503,
}

impl BlobCode {
    /// The body of a refusal. `request_id` is the answer's `x-ms-request-id`, `time` ISO 8601.
    ///
    /// Shape: `<?xml version="1.0" encoding="utf-8"?><Error><Code>BlobNotFound</Code><Message>text\nRequestId:…\nTime:…</Message></Error>`.
    /// Source: docs, "Status and error codes"
    pub fn body(self, message: &str, request_id: &str, time: &str) -> String {
        let (code, message) = (self.name(), escape(message));
        format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{code}</Code><Message>{message}\nRequestId:{request_id}\nTime:{time}</Message></Error>"
        )
    }
}

/// What the body of a refusal says: its code, and the cause in words, without what is told of the request. `None` for anything else.
pub fn read_refusal(body: &[u8]) -> Option<(String, String)> {
    let text = std::str::from_utf8(body).ok()?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let (mut within, mut code, mut message) = (Vec::new(), String::new(), String::new());
    loop {
        let (into, more) = match reader.read_event().ok()? {
            Event::Start(start) => {
                within.push(start.local_name().as_ref().to_vec());
                continue;
            }
            Event::End(_) => {
                within.pop();
                continue;
            }
            Event::Text(text) => (within.last(), text.decode().ok()?.into_owned()),
            Event::GeneralRef(entity) => {
                (within.last(), unescape(&format!("&{};", entity.decode().ok()?)).ok()?.into_owned())
            }
            Event::Eof => break,
            _ => continue,
        };
        match into.map(Vec::as_slice) {
            Some(b"Code") => code += &more,
            Some(b"Message") => message += &more,
            _ => {}
        }
    }
    let words = message.lines().next().unwrap_or_default().to_owned();
    (!code.is_empty()).then_some((code, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_xml_whatever_they_say() {
        let body = BlobCode::BlobNotFound.body("no blob `a<b>&\"c`", "r-1", "2026-11-21T20:02:50.5160000Z");
        let expected = "<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>BlobNotFound</Code><Message>no blob `a&lt;b&gt;&amp;&quot;c`\nRequestId:r-1\nTime:2026-11-21T20:02:50.5160000Z</Message></Error>";
        assert_eq!(body, expected);
        let (code, message) = read_refusal(body.as_bytes()).unwrap();
        assert_eq!((&*code, &*message), ("BlobNotFound", "no blob `a<b>&\"c`"));
        for other in ["", "<html>nginx</html>", "<Error><Code></Code></Error>", "{}", "\u{0}"] {
            assert_eq!(read_refusal(other.as_bytes()), None, "{other}");
        }
        assert_eq!(read_refusal(b"<Error><Code>A"), Some(("A".to_owned(), String::new())), "cut off");
        assert!(BlobCode::ALL.iter().all(|code| (400..=503).contains(&code.http_status())));
    }
}
