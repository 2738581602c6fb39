//! What an entry is, as far as the search is concerned.

use rustix::fs::FileType;

/// What is searched, and how.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A regular file named `*.txt`: its bytes.
    Text,
    /// A regular file named `*.json`: its string values.
    Json,
    /// A directory: its entries.
    Directory,
}

impl Kind {
    /// The kind of an entry of this type and name; `None` for all that is skipped.
    pub fn of(file_type: FileType, name: &[u8]) -> Option<Self> {
        match file_type {
            FileType::Directory => Some(Self::Directory),
            FileType::RegularFile => Self::of_file_named(name),
            _ => None,
        }
    }

    /// The kind of a regular file of this name. Extensions match exactly: `a.TXT` is skipped, `.txt` is not.
    pub fn of_file_named(name: &[u8]) -> Option<Self> {
        // In chunks of known size: a comparison each, no call.
        if name.last_chunk() == Some(b".txt") {
            Some(Self::Text)
        } else if name.last_chunk() == Some(b".json") {
            Some(Self::Json)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_match_exactly() {
        let kind = |name: &str| Kind::of(FileType::RegularFile, name.as_bytes());
        assert_eq!(kind("a.txt"), Some(Kind::Text));
        assert_eq!(kind("a.b.json"), Some(Kind::Json));
        assert_eq!(kind(".txt"), Some(Kind::Text));
        for skipped in ["a.TXT", "txt", "a.txt~", "a.jsonl", "a.txt.gz", "json"] {
            assert_eq!(kind(skipped), None, "{skipped}");
        }
        assert_eq!(Kind::of(FileType::Directory, b"a.txt"), Some(Kind::Directory));
        assert_eq!(Kind::of(FileType::Fifo, b"a.txt"), None);
    }
}
