//! The answers: what a search must find in a corpus, as a file.

use crate::{Error, Kind};
use serde::{Deserialize, Serialize};
use std::{
    ffi::OsStr,
    fs::{self, File},
    io::{BufWriter, Write as _},
    os::unix::ffi::OsStrExt as _,
    path::Path,
};

/// What a search through a corpus must find. Stands beside the tree as `expected.json`.
///
/// Texts that may be other than UTF-8 (needle, paths) are JSON strings if they are UTF-8, and `{"hex": "..."}`
/// otherwise. A location is `[line, column]`, or `[line, column, pointer]` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// [`crate::GENERATOR`] at the time of writing.
    pub generator: u32,
    /// The kind of corpus.
    pub kind: Kind,
    /// Its seed.
    pub seed: u64,
    /// Its scale; 1 is the usual size.
    pub scale: f64,
    /// What is to be searched for.
    #[serde(with = "text_or_hex")]
    pub needle: Vec<u8>,
    /// What the tree is made of.
    pub totals: Totals,
    /// The files that hold the needle, by path in byte order.
    pub matches: Vec<FileMatches>,
    /// The malformed files, by path in byte order.
    pub errors: Vec<FileError>,
}

/// What a tree is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Directories, the tree's root among them.
    pub directories: u64,
    /// Regular files named `*.txt`.
    pub text: Tally,
    /// Regular files named `*.json`.
    pub json: Tally,
    /// Other regular files: a search skips them.
    pub other: Tally,
    /// Symbolic links, FIFOs and sockets, whatever their names: a search skips them.
    pub special: u64,
}

/// A number of files and their sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// How many.
    pub files: u64,
    /// How many bytes they have together, holes included.
    pub bytes: u64,
}

/// A file that holds the needle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileMatches {
    /// Its path from the tree's root: any bytes, and maybe longer than `PATH_MAX`.
    #[serde(with = "text_or_hex")]
    pub path: Vec<u8>,
    /// All occurrences, in the order in which they stand in the file.
    pub at: Vec<Location>,
}

/// A malformed JSON file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FileError {
    /// Its path from the tree's root, as in [`FileMatches`].
    #[serde(with = "text_or_hex")]
    pub path: Vec<u8>,
    /// Line of the first byte that cannot be, from 1. May be that of the end of the file.
    pub line: u64,
    /// Byte in that line, from 1.
    pub column: u64,
}

/// Where an occurrence of the needle begins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(from = "Place", into = "Place")]
pub struct Location {
    /// Line, from 1. Lines end with `\n`.
    pub line: u64,
    /// Byte in the line, from 1. In JSON that of the character or escape that stands for the first decoded one.
    pub column: u64,
    /// In JSON, which string value (RFC 6901); `None` in text.
    pub pointer: Option<String>,
}

/// A location, as short as JSON can say it: there may be very many.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Place {
    Json(u64, u64, String),
    Text(u64, u64),
}

impl From<Place> for Location {
    fn from(place: Place) -> Self {
        match place {
            Place::Text(line, column) => Self { line, column, pointer: None },
            Place::Json(line, column, pointer) => Self { line, column, pointer: Some(pointer) },
        }
    }
}

impl From<Location> for Place {
    fn from(at: Location) -> Self {
        match at.pointer {
            None => Self::Text(at.line, at.column),
            Some(pointer) => Self::Json(at.line, at.column, pointer),
        }
    }
}

impl FileMatches {
    /// The path, for the standard library.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }
}

impl FileError {
    /// The path, for the standard library.
    pub fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }
}

impl Expected {
    /// How many occurrences there are in all files together.
    pub fn occurrences(&self) -> u64 {
        self.matches.iter().map(|file| file.at.len() as u64).sum()
    }

    /// Reads the answers from the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`] if the file can't be read, [`Error::Expected`] if it isn't one that [`crate::Corpus::write`]
    /// wrote.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let bytes = fs::read(path).map_err(Error::io(|| format!("cannot read {}", path.display())))?;
        serde_json::from_slice(&bytes).map_err(|source| Error::Expected { path: path.to_owned(), source })
    }

    /// Writes the answers to `path`, all or nothing: under another name first.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Error> {
        let unfinished = path.with_extension("json.unfinished");
        let write = || {
            let mut out = BufWriter::new(File::create(&unfinished)?);
            serde_json::to_writer(&mut out, self)?;
            out.write_all(b"\n")?;
            out.flush()?;
            fs::rename(&unfinished, path)
        };
        write().map_err(Error::io(|| format!("cannot write {}", path.display())))
    }
}

/// Bytes as text where they are UTF-8, and as hexadecimal digits where not.
pub(crate) mod text_or_hex {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
    use std::fmt::Write as _;

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum TextOrHex {
        Text(String),
        Hex { hex: String },
    }

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return serializer.serialize_str(text);
        }
        let mut hex = String::new();
        for byte in bytes {
            write!(hex, "{byte:02x}").map_err(serde::ser::Error::custom)?;
        }
        TextOrHex::Hex { hex }.serialize(serializer)
    }

    pub(crate) fn deserialize<'d, D: Deserializer<'d>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match TextOrHex::deserialize(deserializer)? {
            TextOrHex::Text(text) => Ok(text.into_bytes()),
            TextOrHex::Hex { hex } => {
                let digits: Option<Vec<u8>> =
                    hex.chars().map(|digit| digit.to_digit(16).map(|value| value as u8)).collect();
                let digits = digits.filter(|digits| digits.len() % 2 == 0);
                let digits =
                    digits.ok_or_else(|| D::Error::custom("expected pairs of hexadecimal digits"))?;
                Ok(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_places_survive_the_file() {
        let matches = FileMatches {
            path: b"a\n\xff.txt".to_vec(),
            at: vec![
                Location { line: 1, column: 2, pointer: None },
                Location { line: 3, column: 4, pointer: Some("/a~1b".into()) },
            ],
        };
        let json = serde_json::to_string(&matches).unwrap();
        assert_eq!(json, r#"{"path":{"hex":"610aff2e747874"},"at":[[1,2],[3,4,"/a~1b"]]}"#);
        assert_eq!(serde_json::from_str::<FileMatches>(&json).unwrap(), matches);
        for bad in ["6", "6g", "é"] {
            let json = format!(r#"{{"path":{{"hex":"{bad}"}},"at":[]}}"#);
            assert!(serde_json::from_str::<FileMatches>(&json).is_err(), "{bad}");
        }
    }
}
