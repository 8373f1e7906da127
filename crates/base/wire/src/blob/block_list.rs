//! The body of Put Block List, and of the answer to Get Block List.

use std::fmt::Write;

use quick_xml::{Reader, events::Event};

/// Why a body is not a block list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BlockListError {
    /// Not XML, or another document.
    #[error("the block list is not XML of the form <BlockList><Latest>id</Latest></BlockList>: {0}")]
    Form(String),
    /// More blocks than a blob may have.
    #[error("the block list names more than {max} blocks")]
    TooLong {
        /// The bound.
        max: usize,
    },
}

/// The ids of a block list, in base64 still, in its order; at most `blocks_max`.
///
/// Shape: `<?xml version="1.0" encoding="utf-8"?><BlockList><Latest>MDAwMDAw</Latest><Uncommitted>…</Uncommitted></BlockList>`.
/// Where a block is looked for is not told apart: what was committed earlier is kept no more, but for a repeated list.
/// Source: docs, "Put Block List"; captured from Python and Node
pub fn parse(body: &[u8], blocks_max: usize) -> Result<Vec<String>, BlockListError> {
    let form = |error: &dyn std::fmt::Display| BlockListError::Form(error.to_string());
    let text = std::str::from_utf8(body).map_err(|error| form(&error))?;
    let mut reader = Reader::from_str(text.trim_start_matches('\u{feff}'));
    let mut ids = Vec::new();
    // How deep we are: 1 inside the list, 2 inside one of its entries.
    let (mut depth, mut id, mut ended) = (0, String::new(), false);
    loop {
        match reader.read_event().map_err(|error| form(&error))? {
            Event::Start(start) => {
                depth += 1;
                match (depth, start.local_name().as_ref()) {
                    (1, b"BlockList") if !ended => {}
                    (2, b"Latest" | b"Uncommitted" | b"Committed") => id.clear(),
                    _ => return Err(form(&"an element that does not belong there")),
                }
            }
            Event::Empty(empty) if depth == 0 && !ended && empty.local_name().as_ref() == b"BlockList" => ended = true,
            Event::Text(text) if depth == 2 => id.push_str(&text.decode().map_err(|error| form(&error))?),
            Event::Text(text) if text.iter().all(u8::is_ascii_whitespace) => {}
            Event::End(_) => {
                if depth == 2 {
                    if ids.len() == blocks_max {
                        return Err(BlockListError::TooLong { max: blocks_max });
                    }
                    ids.push(id.trim().to_owned());
                }
                depth -= 1;
                ended = depth == 0;
            }
            Event::Decl(_) | Event::Comment(_) => {}
            Event::Eof if ended => return Ok(ids),
            Event::Eof => return Err(form(&"it ends too early")),
            _ => return Err(form(&"something that does not belong there")),
        }
    }
}

/// Which blocks Get Block List asks for. Absent: `Committed`. Source: docs, "Get Block List"
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockListType {
    /// Those that the blob is made of.
    Committed,
    /// Those that wait for a list.
    Uncommitted,
    All,
}

impl BlockListType {
    /// Reads the argument `blocklisttype`. `None` for another word.
    pub fn parse(text: Option<&str>) -> Option<Self> {
        match text.unwrap_or("committed") {
            "committed" => Some(Self::Committed),
            "uncommitted" => Some(Self::Uncommitted),
            "all" => Some(Self::All),
            _ => None,
        }
    }
}

/// The answer to Get Block List: ids in base64, with the bytes of each block. Which blocks a blob is made of is not known, since
/// they are kept as one: that list is always empty.
///
/// Shape: `<BlockList><CommittedBlocks /><UncommittedBlocks><Block><Name>MDAw</Name><Size>4</Size></Block></UncommittedBlocks></BlockList>`.
/// Source: docs, "Get Block List"
pub fn write(which: BlockListType, waiting: impl Iterator<Item = (String, u64)>) -> String {
    let mut body = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>".to_owned();
    if which != BlockListType::Uncommitted {
        body.push_str("<CommittedBlocks />");
    }
    if which != BlockListType::Committed {
        body.push_str("<UncommittedBlocks>");
        for (id, bytes) in waiting {
            // Base64 needs no escaping.
            let _ = write!(body, "<Block><Name>{id}</Name><Size>{bytes}</Size></Block>");
        }
        body.push_str("</UncommittedBlocks>");
    }
    body.push_str("</BlockList>");
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_told() {
        let waiting = || [("MDA=".to_owned(), 4), ("MDE=".to_owned(), 0)].into_iter();
        let blocks = "<UncommittedBlocks><Block><Name>MDA=</Name><Size>4</Size></Block><Block><Name>MDE=</Name><Size>0</Size></Block></UncommittedBlocks>";
        for (asked, inner) in [
            (None, Some("<CommittedBlocks />".to_owned())),
            (Some("committed"), Some("<CommittedBlocks />".to_owned())),
            (Some("uncommitted"), Some(blocks.to_owned())),
            (Some("all"), Some(format!("<CommittedBlocks />{blocks}"))),
            (Some("latest"), None),
        ] {
            let body = BlockListType::parse(asked).map(|which| super::write(which, waiting()));
            let expected =
                inner.map(|inner| format!("<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>{inner}</BlockList>"));
            assert_eq!(body, expected, "{asked:?}");
        }
    }

    fn ids(body: &str) -> Result<Vec<String>, BlockListError> {
        parse(body.as_bytes(), 3)
    }

    #[test]
    fn lists_as_sdks_send_them() {
        for body in [
            "<?xml version='1.0' encoding='utf-8'?>\n<BlockList><Latest>MDA=</Latest><Latest>MDE=</Latest></BlockList>",
            "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?><BlockList><Latest>MDA=</Latest><Latest>MDE=</Latest></BlockList>",
            "\u{feff}<BlockList>\r\n  <Uncommitted>MDA=</Uncommitted>\r\n  <Committed> MDE= </Committed>\r\n</BlockList>\n",
        ] {
            assert_eq!(ids(body).unwrap(), ["MDA=", "MDE="], "{body}");
        }
        for body in ["<BlockList/>", "<BlockList></BlockList>", "<?xml version='1.0'?><!-- none --><BlockList />"] {
            assert_eq!(ids(body).unwrap(), Vec::<String>::new(), "{body}");
        }
    }

    #[test]
    fn other_documents_are_refused() {
        for body in [
            "",
            "MDA=",
            "<BlockList>",
            "<BlockList><Latest>MDA=</BlockList>",
            "<BlockList><Latest>MDA=</Latest>",
            "<BlockList>MDA=</BlockList>",
            "<BlockList><Latest><Latest>MDA=</Latest></Latest></BlockList>",
            "<BlockList><Last>MDA=</Last></BlockList>",
            "<Blocks><Latest>MDA=</Latest></Blocks>",
            "<BlockList/><BlockList/>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><BlockList><Latest>&b;</Latest></BlockList>",
            "<BlockList><Latest>&b;</Latest></BlockList>",
        ] {
            assert!(matches!(ids(body), Err(BlockListError::Form(_))), "{body}: {:?}", ids(body));
        }
        assert!(parse(b"<BlockList>\xff</BlockList>", 3).is_err());
    }

    #[test]
    fn the_number_of_blocks_is_bounded() {
        let body = |count| format!("<BlockList>{}</BlockList>", "<Latest>MDA=</Latest>".repeat(count));
        assert_eq!(ids(&body(3)).unwrap().len(), 3);
        assert_eq!(ids(&body(4)), Err(BlockListError::TooLong { max: 3 }));
    }
}
