//! How matches, errors and the summary are written: lines for people and pipes, or JSON lines for programs.

use super::{Problem, Summary};
use crate::matcher::Found;
use serde_json::{Map, Value, json};

/// What a line of output looks like.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Style {
    /// Paths as raw bytes.
    Plain {
        /// A NUL behind each path, instead of the newline or colon.
        null: bool,
    },
    /// One JSON object a line.
    JsonLines,
}

/// What is written for a file that matches.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Says {
    /// Its path.
    Path,
    /// Its path and how many matches it has.
    Count,
    /// Its path and where, for each match.
    Locations,
    /// Nothing.
    Nothing,
}

/// How matches are written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Format {
    /// The look.
    pub style: Style,
    /// The content.
    pub says: Says,
}

impl Format {
    /// Appends the line for a file that matches.
    pub fn path(&self, path: &[u8], out: &mut Vec<u8>) {
        match self.style {
            Style::Plain { null } => {
                out.extend_from_slice(path);
                out.push(if null { 0 } else { b'\n' });
            }
            Style::JsonLines => line(object("match", path), out),
        }
    }

    /// Appends the line for a file with so many matches.
    pub fn count(&self, path: &[u8], count: u64, out: &mut Vec<u8>) {
        match self.style {
            Style::Plain { null } => {
                out.extend_from_slice(path);
                out.push(if null { 0 } else { b':' });
                out.extend_from_slice(format!("{count}\n").as_bytes());
            }
            Style::JsonLines => {
                let mut object = object("match", path);
                object.insert("count".into(), json!(count));
                line(object, out);
            }
        }
    }

    /// Appends the line for one match.
    pub fn location(&self, path: &[u8], found: &Found<'_>, out: &mut Vec<u8>) {
        match self.style {
            Style::Plain { null } => {
                out.extend_from_slice(path);
                out.push(if null { 0 } else { b':' });
                out.extend_from_slice(format!("{}:{}", found.line, found.column).as_bytes());
                if let Some(pointer) = found.pointer {
                    out.push(b':');
                    escape_line(pointer, out);
                }
                out.push(b'\n');
            }
            Style::JsonLines => {
                let mut object = object("match", path);
                object.insert("line".into(), json!(found.line));
                object.insert("column".into(), json!(found.column));
                if let Some(pointer) = found.pointer {
                    object.insert("pointer".into(), json!(pointer));
                }
                line(object, out);
            }
        }
    }
}

/// A key may hold a newline: in a line it is written as `\n`, so that a line stays a line, and a backslash as two, so that no other key looks like it.
fn escape_line(pointer: &str, out: &mut Vec<u8>) {
    for c in pointer.chars() {
        if c.is_control() || c == '\\' {
            out.extend(c.escape_default().map(|c| c as u8));
        } else {
            out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

/// The line of JSON for a problem.
pub(super) fn json_problem(path: &[u8], problem: &Problem) -> Vec<u8> {
    let mut object = object("error", path);
    if let Problem::Malformed(m) = problem {
        object.insert("line".into(), json!(m.line));
        object.insert("column".into(), json!(m.column));
    }
    object.insert("message".into(), json!(problem.to_string()));
    let mut out = vec![];
    line(object, &mut out);
    out
}

/// The line of JSON that closes the output.
pub(super) fn json_summary(summary: &Summary) -> Vec<u8> {
    let mut out = vec![];
    if let Ok(Value::Object(fields)) = serde_json::to_value(summary) {
        let mut object = Map::from_iter([("type".to_owned(), json!("summary"))]);
        object.extend(fields);
        line(object, &mut out);
    }
    out
}

/// An object of this type about this path: `{"text": ...}`, or `{"bytes": BASE64}` if it is not UTF-8.
fn object(kind: &str, path: &[u8]) -> Map<String, Value> {
    let path = match std::str::from_utf8(path) {
        Ok(text) => json!({ "text": text }),
        Err(_) => json!({ "bytes": base64(path) }),
    };
    // One by one: collecting sorts first, with 4 KiB on the stack, which would be the largest frame of the search.
    let mut object = Map::new();
    object.insert("type".to_owned(), json!(kind));
    object.insert("path".to_owned(), path);
    object
}

fn base64(bytes: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(bytes)
}

fn line(object: Map<String, Value>, out: &mut Vec<u8>) {
    out.extend_from_slice(Value::Object(object).to_string().as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(style: Style, by: impl Fn(&Format, &mut Vec<u8>)) -> String {
        let mut out = vec![];
        by(&Format { style, says: Says::Path }, &mut out);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn lines_are_what_grep_users_expect() {
        let plain = Style::Plain { null: false };
        let null = Style::Plain { null: true };
        let found = Found { line: 3, column: 9, pointer: Some("/a\nb/0") };
        assert_eq!(written(plain.clone(), |f, o| f.path(b"a b", o)), "a b\n");
        assert_eq!(written(null.clone(), |f, o| f.path(b"a\nb", o)), "a\nb\0");
        assert_eq!(written(plain.clone(), |f, o| f.count(b"a", 12, o)), "a:12\n");
        assert_eq!(written(null, |f, o| f.count(b"a", 12, o)), "a\x0012\n");
        let located = |found| written(plain.clone(), |f, o| f.location(b"a", found, o));
        assert_eq!(located(&found), "a:3:9:/a\\nb/0\n");
        let backslash = Found { pointer: Some("/a\\nb/0"), ..found };
        assert_eq!(located(&backslash), "a:3:9:/a\\\\nb/0\n");
    }

    #[test]
    fn json_lines_say_the_same() {
        let found = Found { line: 3, column: 9, pointer: Some("/a\n") };
        assert_eq!(
            written(Style::JsonLines, |f, o| f.location(b"a", &found, o)),
            "{\"column\":9,\"line\":3,\"path\":{\"text\":\"a\"},\"pointer\":\"/a\\n\",\"type\":\"match\"}\n"
        );
        assert_eq!(
            written(Style::JsonLines, |f, o| f.path(b"\xff", o)),
            "{\"path\":{\"bytes\":\"/w==\"},\"type\":\"match\"}\n"
        );
    }
}
