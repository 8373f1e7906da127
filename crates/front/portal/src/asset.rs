//! What pages load: one style sheet, one script, one picture, under names that change with their content.

use aws_lc_rs::digest::{SHA256, digest};
use http::header::HeaderValue;

/// Hex digits of a content's digest in its name.
const NAME_DIGITS: usize = 16;

/// Something that does not change while the process runs.
#[derive(Debug)]
pub(crate) struct Asset {
    /// `portal-0123456789abcdef.css`
    pub(crate) name: String,
    pub(crate) content_type: HeaderValue,
    pub(crate) bytes: &'static [u8],
}

/// All of them.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) style: Asset,
    pub(crate) script: Asset,
    pub(crate) picture: Asset,
}

impl Assets {
    pub(crate) fn new() -> Self {
        let asset = |end: &str, content_type: &'static str, bytes: &'static [u8]| {
            let digest = digest(&SHA256, bytes);
            let hex: String = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).take(NAME_DIGITS / 2).collect();
            Asset { name: format!("portal-{hex}.{end}"), content_type: HeaderValue::from_static(content_type), bytes }
        };
        Self {
            style: asset("css", "text/css; charset=utf-8", include_bytes!("../assets/portal.css")),
            script: asset("js", "text/javascript; charset=utf-8", include_bytes!("../assets/portal.js")),
            picture: asset("svg", "image/svg+xml", include_bytes!("../assets/anchor.svg")),
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<&Asset> {
        [&self.style, &self.script, &self.picture].into_iter().find(|asset| asset.name == name)
    }
}
