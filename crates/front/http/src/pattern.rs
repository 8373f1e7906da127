//! Paths with names in them, taken apart by the compiler: comparing one with a request allocates nothing.

/// Segments of a path at most.
pub(crate) const PARTS_MAX: usize = 6;

/// What stands for one segment of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// This word, in any case.
    Word(&'static str),
    /// Any one segment, under this name.
    Name(&'static str),
    /// This segment and all that follow.
    Rest,
}

/// A path, taken apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pattern {
    parts: [Part; PARTS_MAX],
    len: usize,
}

impl Pattern {
    /// Shape: `/devices/{device}/files/{*name}`. Panics, which the compiler reports, when there are too many segments.
    pub(crate) const fn parse(path: &'static str) -> Self {
        let mut parts = [Part::Rest; PARTS_MAX];
        let (mut len, mut rest) = (0, path);
        while !rest.is_empty() {
            let (segment, after) = rest.split_at(1).1.split_at(segment_len(rest) - 1);
            parts[len] = part(segment);
            (len, rest) = (len + 1, after);
        }
        Self { parts, len }
    }

    /// How many segments it has, the rest counted as one.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn parts(&self) -> &[Part] {
        self.parts.get(..self.len).unwrap_or_default()
    }

    /// Whether these segments are such a path.
    pub(crate) fn matches(&self, segments: &[String]) -> bool {
        let parts = self.parts();
        let fits = match parts.last() {
            Some(Part::Rest) => segments.len() >= parts.len(),
            _ => segments.len() == parts.len(),
        };
        fits && parts.iter().zip(segments).all(|(part, segment)| match part {
            Part::Word(word) => word.eq_ignore_ascii_case(segment),
            Part::Name(_) | Part::Rest => true,
        })
    }

    /// Where the segment of this name stands.
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.parts().iter().position(|part| matches!(part, Part::Name(found) if *found == name))
    }
}

/// Bytes of the first segment with the slash before it.
const fn segment_len(path: &str) -> usize {
    let bytes = path.as_bytes();
    let mut len = 1;
    while len < bytes.len() && bytes[len] != b'/' {
        len += 1;
    }
    len
}

const fn part(segment: &'static str) -> Part {
    match segment.as_bytes() {
        [b'{', b'*', .., b'}'] => Part::Rest,
        [b'{', .., b'}'] => Part::Name(segment.split_at(1).1.split_at(segment.len() - 2).0),
        _ => Part::Word(segment),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_and_compared() {
        const SHOW: Pattern = Pattern::parse("/devices/{device}");
        const FILE: Pattern = Pattern::parse("/devices/{device}/files/{*name}");
        assert_eq!(SHOW.parts(), [Part::Word("devices"), Part::Name("device")]);
        assert_eq!((FILE.position("device"), FILE.position("name"), FILE.parts().len()), (Some(1), None, 4));
        for (path, is_device, is_file) in [
            ("devices/a", true, false),
            ("DEVICES/A", true, false),
            ("devices", false, false),
            ("devices/a/b", false, false),
            ("twins/a", false, false),
            ("devices/a/files", false, false),
            ("devices/a/Files/b", false, true),
            ("devices/a/files/b/c/d/e/f", false, true),
        ] {
            let segments: Vec<String> = path.split('/').map(str::to_owned).collect();
            assert_eq!((SHOW.matches(&segments), FILE.matches(&segments)), (is_device, is_file), "{path}");
        }
    }
}
