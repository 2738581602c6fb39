//! The rules once more, as plainly as can be: the whole document at once, by recursive descent, one byte at a time.
//! It shares nothing with the matcher.

/// An occurrence: its place in the file, and the pointer to its string.
pub type Occurrence = (usize, String);

/// All occurrences before the first error, and where that is.
pub fn search(bytes: &[u8], needle: &[u8]) -> (Vec<Occurrence>, Option<usize>) {
    let mut reader = Reader { bytes, at: 0, path: vec![], needle, found: vec![] };
    let error = reader.document().err();
    (reader.found, error.map(|Wrong| reader.at))
}

/// Line and column, from 1.
pub fn line_and_column(bytes: &[u8], place: usize) -> (u64, u64) {
    let before = &bytes[..place];
    let lines: Vec<_> = before.split(|byte| *byte == b'\n').collect();
    (lines.len() as u64, lines[lines.len() - 1].len() as u64 + 1)
}

/// The byte at hand cannot be there.
struct Wrong;

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    path: Vec<String>,
    needle: &'a [u8],
    found: Vec<Occurrence>,
}

/// A string as decoded so far: characters (`None` for a lone surrogate) and where they begin.
type Decoded = Vec<(Option<char>, usize)>;

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn take(&mut self, is: impl Fn(u8) -> bool) -> Result<u8, Wrong> {
        let byte = self.peek().filter(|byte| is(*byte)).ok_or(Wrong)?;
        self.at += 1;
        Ok(byte)
    }

    fn space(&mut self) {
        while self.take(|b| b" \t\n\r".contains(&b)).is_ok() {}
    }

    fn document(&mut self) -> Result<(), Wrong> {
        if self.peek() == Some(0xEF) {
            for byte in [0xEF, 0xBB, 0xBF] {
                self.take(|b| b == byte)?;
            }
        }
        self.value()?;
        self.space();
        if self.peek().is_none() { Ok(()) } else { Err(Wrong) }
    }

    fn value(&mut self) -> Result<(), Wrong> {
        self.space();
        match self.peek() {
            Some(b'{') => self.container(b'}'),
            Some(b'[') => self.container(b']'),
            Some(b'"') => {
                let mut text = vec![];
                let result = self.string(&mut text);
                self.report(&text);
                result
            }
            Some(b't') => self.literal(b"true"),
            Some(b'f') => self.literal(b"false"),
            Some(b'n') => self.literal(b"null"),
            _ => self.number(),
        }
    }

    fn container(&mut self, close: u8) -> Result<(), Wrong> {
        self.at += 1;
        self.space();
        if self.take(|b| b == close).is_ok() {
            return Ok(());
        }
        for index in 0.. {
            self.space();
            let token = if close == b'}' {
                let mut key = vec![];
                self.string(&mut key)?;
                self.space();
                self.take(|b| b == b':')?;
                let key: String = key.iter().map(|(c, _)| c.unwrap_or('\u{FFFD}')).collect();
                key.replace('~', "~0").replace('/', "~1")
            } else {
                index.to_string()
            };
            self.path.push(token);
            self.value()?;
            self.path.pop();
            self.space();
            if self.take(|b| b == b',').is_err() {
                break;
            }
        }
        self.take(|b| b == close).map(drop)
    }

    fn literal(&mut self, name: &[u8]) -> Result<(), Wrong> {
        name.iter().try_for_each(|byte| self.take(|b| b == *byte).map(drop))
    }

    fn digits(&mut self) -> Result<(), Wrong> {
        self.take(|b| b.is_ascii_digit())?;
        while self.take(|b| b.is_ascii_digit()).is_ok() {}
        Ok(())
    }

    fn number(&mut self) -> Result<(), Wrong> {
        let _ = self.take(|b| b == b'-');
        if self.take(|b| b == b'0').is_err() {
            self.digits()?;
        }
        if self.take(|b| b == b'.').is_ok() {
            self.digits()?;
        }
        if self.take(|b| b == b'e' || b == b'E').is_ok() {
            let _ = self.take(|b| b == b'+' || b == b'-');
            self.digits()?;
        }
        Ok(())
    }

    fn string(&mut self, text: &mut Decoded) -> Result<(), Wrong> {
        self.take(|b| b == b'"')?;
        // The units of escapes that follow each other directly.
        let mut units: Vec<(u16, usize)> = vec![];
        loop {
            let place = self.at;
            let before = text.len();
            match self.peek().ok_or(Wrong) {
                Ok(b'\\') => {
                    self.at += 1;
                    match self.take(|b| b"\"\\/bfnrtu".contains(&b)) {
                        Ok(b'u') => {
                            let mut unit = 0;
                            for _ in 0..4 {
                                let Ok(digit) = self.take(|b| b.is_ascii_hexdigit()) else {
                                    flush(&mut units, text);
                                    return Err(Wrong);
                                };
                                unit = unit << 4 | char::from(digit).to_digit(16).unwrap() as u16;
                            }
                            units.push((unit, place));
                            continue;
                        }
                        Ok(byte) => {
                            let decoded = match byte {
                                b'b' => '\u{8}',
                                b'f' => '\u{C}',
                                b'n' => '\n',
                                b'r' => '\r',
                                b't' => '\t',
                                _ => char::from(byte),
                            };
                            text.push((Some(decoded), place));
                        }
                        Err(wrong) => {
                            flush(&mut units, text);
                            return Err(wrong);
                        }
                    }
                }
                Ok(b'"') => {
                    flush(&mut units, text);
                    self.at += 1;
                    return Ok(());
                }
                Ok(_) if self.character(text).is_ok() => {}
                _ => {
                    flush(&mut units, text);
                    return Err(Wrong);
                }
            }
            let last = text.split_off(before);
            flush(&mut units, text);
            text.extend(last);
        }
    }

    /// A character that is not escaped.
    fn character(&mut self, text: &mut Decoded) -> Result<(), Wrong> {
        let place = self.at;
        loop {
            self.take(|b| b >= 0x20)?;
            match std::str::from_utf8(&self.bytes[place..self.at]) {
                Ok(character) => {
                    text.push((character.chars().next(), place));
                    return Ok(());
                }
                Err(error) if error.error_len().is_none() => {}
                Err(_) => {
                    self.at -= 1;
                    return Err(Wrong);
                }
            }
        }
    }

    fn report(&mut self, text: &Decoded) {
        let Ok(needle) = std::str::from_utf8(self.needle) else { return };
        let needle: Vec<_> = needle.chars().map(Some).collect();
        let mut at = 0;
        while at + needle.len() <= text.len() {
            if text[at..at + needle.len()].iter().map(|(c, _)| *c).eq(needle.iter().copied()) {
                let pointer = self.path.iter().fold(String::new(), |all, token| all + "/" + token);
                self.found.push((text[at].1, pointer));
                at += needle.len();
            } else {
                at += 1;
            }
        }
    }
}

fn flush(units: &mut Vec<(u16, usize)>, text: &mut Decoded) {
    let mut at = 0;
    let mut decoded = vec![];
    for unit in char::decode_utf16(units.iter().map(|(unit, _)| *unit)) {
        decoded.push((unit.as_ref().ok().copied(), units[at].1));
        at += unit.map_or(1, char::len_utf16);
    }
    text.extend(decoded);
    units.clear();
}
