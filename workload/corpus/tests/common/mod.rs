//! A naive search: slow, and without a line from the generator or the search program.

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::{
    fmt, fs,
    os::unix::ffi::OsStringExt as _,
    path::{Path, PathBuf},
};
use zork_corpus::{Expected, FileError, FileMatches, Location, Totals};

/// What the naive search finds.
#[derive(Debug, Default)]
pub struct Found {
    pub totals: Totals,
    pub matches: Vec<FileMatches>,
    pub errors: Vec<FileError>,
}

/// Searches `tree` and compares with `expected`.
pub fn check(tree: &Path, expected: &Expected) {
    let mut found = search(tree, &expected.needle);
    found.matches.sort();
    found.errors.sort();
    assert_eq!(found.totals, expected.totals);
    assert_eq!(found.errors, expected.errors);
    assert_eq!(found.matches.len(), expected.matches.len());
    for (found, expected) in found.matches.iter().zip(&expected.matches) {
        assert_eq!(found, expected, "{}", expected.path().display());
    }
}

/// Paths are too long for the kernel, so a directory is entered by changing to it: through the `/proc` name of a
/// descriptor, which keeps every path short.
fn search(tree: &Path, needle: &[u8]) -> Found {
    let mut found = Found::default();
    let mut todo = vec![(fs::File::open(tree).unwrap(), vec![])];
    while let Some((folder, prefix)) = todo.pop() {
        found.totals.directories += 1;
        let here = PathBuf::from(format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&folder)));
        for entry in fs::read_dir(&here).unwrap() {
            let name = entry.unwrap().file_name();
            let (name, short) = (name.clone().into_vec(), here.join(&name));
            let path: Vec<u8> = [&prefix[..], &name].concat();
            let kind = fs::symlink_metadata(&short).unwrap();
            if kind.is_dir() {
                todo.push((fs::File::open(&short).unwrap(), [&path[..], b"/"].concat()));
            } else if !kind.is_file() {
                found.totals.special += 1;
            } else {
                found.file(&short, path, &name, kind.len(), needle);
            }
        }
    }
    found
}

impl Found {
    fn file(&mut self, short: &Path, path: Vec<u8>, name: &[u8], size: u64, needle: &[u8]) {
        let json = name.ends_with(b".json");
        let tally = match (json, name.ends_with(b".txt")) {
            (true, _) => &mut self.totals.json,
            (_, true) => &mut self.totals.text,
            _ => &mut self.totals.other,
        };
        tally.files += 1;
        tally.bytes += size;
        if !json && !name.ends_with(b".txt") {
            return;
        }
        let bytes = fs::read(short).unwrap();
        assert_eq!(bytes.len() as u64, size);
        let at = if json { self.json(&path, &bytes, needle) } else { text(&bytes, needle) };
        if !at.is_empty() {
            self.matches.push(FileMatches { path, at });
        }
    }

    /// Decoding is serde's; where the raw strings are is found by looking at every byte. Both have to agree.
    fn json(&mut self, path: &[u8], bytes: &[u8], needle: &[u8]) -> Vec<Location> {
        let marked = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let body = &bytes[marked..];
        let mut values = vec![];
        let fault = parse(body, &mut values).err().map(|_| fault_of(body));
        if let Some(fault) = fault {
            let (line, column) = line_and_column(bytes, marked + fault);
            self.errors.push(FileError { path: path.to_owned(), line, column });
        }
        let raw = raw_values(&body[..fault.unwrap_or(body.len())]);
        assert_eq!(raw.len(), values.len(), "{}", path.escape_ascii());
        let mut at = vec![];
        for ((start, raw), (pointer, text)) in raw.into_iter().zip(values) {
            let offsets = offsets_of_decoded(raw, &text);
            for occurrence in occurrences(text.as_bytes(), needle) {
                let (line, column) = line_and_column(bytes, marked + start + offsets[occurrence]);
                at.push(Location { line, column, pointer: Some(pointer.clone()) });
            }
        }
        at
    }
}

/// Byte for byte.
fn occurrences(bytes: &[u8], needle: &[u8]) -> Vec<usize> {
    let (mut at, mut found) = (0, vec![]);
    while at + needle.len() <= bytes.len() {
        if bytes[at] == needle[0] && &bytes[at..at + needle.len()] == needle {
            found.push(at);
            at += needle.len();
        } else {
            at += 1;
        }
    }
    found
}

fn text(bytes: &[u8], needle: &[u8]) -> Vec<Location> {
    let (mut line, mut column, mut counted) = (1, 1, 0);
    let mut found = vec![];
    for at in occurrences(bytes, needle) {
        for byte in &bytes[counted..at] {
            (line, column) = if *byte == b'\n' { (line + 1, 1) } else { (line, column + 1) };
        }
        counted = at;
        found.push(Location { line, column, pointer: None });
    }
    found
}

fn line_and_column(bytes: &[u8], at: usize) -> (u64, u64) {
    let lines: Vec<&[u8]> = bytes[..at].split(|byte| *byte == b'\n').collect();
    (lines.len() as u64, lines.last().unwrap().len() as u64 + 1)
}

/// All string values with their pointers, in order; those before an error remain.
fn parse(bytes: &[u8], values: &mut Vec<(String, String)>) -> serde_json::Result<()> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    deserializer.disable_recursion_limit();
    Values { pointer: String::new(), values }.deserialize(&mut deserializer)?;
    deserializer.end()
}

/// Where the first byte is that cannot be: the shortest beginning that no continuation can save. What comes before it
/// is good as far as it goes.
fn fault_of(bytes: &[u8]) -> usize {
    let hopeless = |length: usize| {
        let beginning = &bytes[..length];
        // serde judges UTF-8 only at a string's end.
        let encoding = std::str::from_utf8(beginning).err().is_some_and(|error| error.error_len().is_some());
        // And the four digits of an escape only together: so they are completed, also to half of a surrogate pair.
        let saved = ["", "0000", "DC00"].iter().any(|digits| {
            let mut whole = beginning.to_owned();
            let missing = digits.len().saturating_sub(escape_digits(beginning).unwrap_or(4));
            whole.extend_from_slice(&digits.as_bytes()[digits.len() - missing..]);
            let needed = digits.is_empty() && escape_digits(beginning).is_some();
            !needed && parse(&whole, &mut vec![]).map_or_else(|error| error.is_eof(), |()| true)
        });
        encoding || !saved
    };
    let (mut good, mut bad) = (0, bytes.len() + 1);
    while bad - good > 1 {
        let middle = good.midpoint(bad);
        if hopeless(middle) { bad = middle } else { good = middle }
    }
    good
}

/// If `bytes` end inside a `\u` escape, how many digits it has so far.
fn escape_digits(bytes: &[u8]) -> Option<usize> {
    let escape = bytes.iter().rposition(|byte| *byte == b'\\')?;
    let backslashes = bytes[..=escape].iter().rev().take_while(|byte| **byte == b'\\').count();
    let digits = bytes[escape..].strip_prefix(b"\\u")?.len();
    (backslashes % 2 == 1 && digits < 4).then_some(digits)
}

struct Values<'v> {
    pointer: String,
    values: &'v mut Vec<(String, String)>,
}

impl<'de> DeserializeSeed<'de> for Values<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Values<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.values.push((self.pointer, text.to_owned()));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        for number in 0.. {
            let inner = Values { pointer: format!("{}/{number}", self.pointer), values: self.values };
            if seq.next_element_seed(inner)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let key = key.replace('~', "~0").replace('/', "~1");
            map.next_value_seed(Values { pointer: format!("{}/{key}", self.pointer), values: self.values })?;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }
    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }
    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }
    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }
    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Where the inside of each complete string value begins, and its bytes. A string before a colon is a key.
fn raw_values(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let (mut at, mut values) = (0, vec![]);
    while at < bytes.len() {
        if bytes[at] != b'"' {
            at += 1;
            continue;
        }
        let start = at + 1;
        let mut end = start;
        while end < bytes.len() && bytes[end] != b'"' {
            end += if bytes[end] == b'\\' { 2 } else { 1 };
        }
        if end >= bytes.len() {
            break;
        }
        at = end + 1;
        let behind = bytes[at..].iter().find(|byte| !byte.is_ascii_whitespace());
        // A string that the error follows at once may have been meant as a key; serde_json decides by context.
        if behind != Some(&b':') && !(behind.is_none() && is_key(bytes, start - 1)) {
            values.push((start, &bytes[start..end]));
        }
    }
    values
}

/// Whether the string whose quote is at `quote`, the last thing in `bytes`, follows `{`, or `,` in an object.
fn is_key(bytes: &[u8], quote: usize) -> bool {
    bytes[..quote].iter().rfind(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

/// For each byte of the decoded text where its character begins in the raw string.
fn offsets_of_decoded(raw: &[u8], text: &str) -> Vec<usize> {
    let (mut at, mut offsets) = (0, vec![]);
    for character in text.chars() {
        offsets.resize(offsets.len() + character.len_utf8(), at);
        at += match raw.get(at..at + 2) {
            Some(b"\\u") => 6 * character.len_utf16(),
            Some([b'\\', _]) => 2,
            _ => character.len_utf8(),
        };
    }
    assert_eq!(at, raw.len());
    offsets
}

/// Runs `test` with a stack for the deepest documents.
pub fn with_large_stack(test: impl FnOnce() + Send + 'static) {
    let run = std::thread::Builder::new().stack_size(1 << 30).spawn(test).unwrap();
    if let Err(panic) = run.join() {
        std::panic::resume_unwind(panic);
    }
}
