//! JSON byte by byte, in pieces of any size: what is right, what is wrong and exactly where, and every occurrence.
//!
//! This alone would be a whole matcher. It is used where speed matters less than the exact answer: for what lies
//! across the windows' borders, for strings that may hold the needle, and for documents in which the fast scan has
//! seen that something is wrong.

use super::super::text::Position;
use super::super::{Detail, Found, Malformed, Needle, OnFound};
use super::grammar::{self, Nesting, State};
use super::number::{Next, Number};
use super::pointer::Path;
use super::scan::Backend;
use super::search::Search;
use super::string::{self, Ignore, Read, Sink, Text};
use std::ops::ControlFlow::{self, Break, Continue};

/// Why reading stops.
#[derive(Debug)]
pub(super) enum Halt {
    /// Nobody wants to hear more of this file.
    Enough,
    /// Something is wrong.
    Malformed(Malformed),
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug)]
enum Lexeme {
    /// Nothing has been read.
    Start,
    /// A byte order mark, of which so much is to come.
    Mark(&'static [u8]),
    /// Whatever the grammar's state allows.
    Between,
    /// `true`, `false` or `null`, of which so much is to come.
    Literal(&'static str, &'static [u8]),
    Number(Number),
    Text(Purpose),
}

/// What a string is read for, besides being checked.
#[derive(Clone, Copy, Debug)]
enum Purpose {
    Nothing,
    /// It is a key, and part of pointers.
    Key,
    /// It is a value, and may hold the needle.
    Value,
}

/// A file that is being read.
#[derive(Clone, Debug)]
pub(super) struct Exact {
    detail: Detail,
    backend: Backend,
    /// What the grammar allows behind the last token that has begun.
    pub(super) state: State,
    pub(super) nesting: Nesting,
    lexeme: Lexeme,
    text: Text,
    search: Search,
    /// The needle can be in JSON, and further occurrences are wanted.
    pub(super) searching: bool,
    /// The way to the value at hand, if it is to be told.
    pub(super) path: Option<Path>,
    /// Where the byte `located` of the window is.
    position: Position,
    located: usize,
    /// Where the window begins in the file.
    place: u64,
    quote: Quote,
}

/// Where the string at hand begins.
#[derive(Clone, Copy, Debug)]
struct Quote {
    place: u64,
    position: Position,
}

impl Exact {
    pub(super) fn new(needle: &Needle, detail: Detail, backend: Backend) -> Self {
        Self {
            detail,
            backend,
            state: grammar::VALUE,
            nesting: Nesting::default(),
            lexeme: Lexeme::Start,
            text: Text::new(),
            search: Search::new(needle),
            searching: false,
            path: (detail == Detail::Locations).then(Path::default),
            position: Position::START,
            located: 0,
            place: 0,
            quote: Quote { place: 0, position: Position::START },
        }
    }

    /// Another file begins.
    pub(super) fn start(&mut self, searching: bool) {
        self.state = grammar::VALUE;
        self.nesting.clear();
        self.lexeme = Lexeme::Start;
        self.searching = searching;
        if let Some(path) = &mut self.path {
            path.clear();
        }
        (self.position, self.located, self.place) = (Position::START, 0, 0);
    }

    /// Whether the next byte is the first of a token, or between tokens.
    pub(super) fn is_between_tokens(&self) -> bool {
        matches!(self.lexeme, Lexeme::Between)
    }

    /// Reads `window[from..to]`, or to where the first token in it is over, and returns how far it came.
    pub(super) fn read_token(
        &mut self,
        window: &[u8],
        from: usize,
        to: usize,
        on: &mut OnFound<'_>,
    ) -> Result<usize, Halt> {
        let mut at = from;
        while at < to {
            at = self.read_some(window, at, to, on)?;
            if self.is_between_tokens() {
                break;
            }
        }
        Ok(at)
    }

    /// Reads `window[from..to]`.
    pub(super) fn read(
        &mut self,
        window: &[u8],
        from: usize,
        to: usize,
        on: &mut OnFound<'_>,
    ) -> Result<(), Halt> {
        let mut at = from;
        while at < to {
            at = self.read_some(window, at, to, on)?;
        }
        Ok(())
    }

    /// Reads at least one byte, or finds that a token is over before it.
    fn read_some(
        &mut self,
        window: &[u8],
        at: usize,
        to: usize,
        on: &mut OnFound<'_>,
    ) -> Result<usize, Halt> {
        let byte = window[at];
        match self.lexeme {
            Lexeme::Start if byte == 0xEF => self.lexeme = Lexeme::Mark(b"\xBB\xBF"),
            Lexeme::Start => {
                self.lexeme = Lexeme::Between;
                return Ok(at);
            }
            Lexeme::Mark(rest) => {
                if byte != rest[0] {
                    return Err(self.malformed(window, at, "expected the rest of a UTF-8 byte order mark"));
                }
                self.lexeme = if rest.len() == 1 { Lexeme::Between } else { Lexeme::Mark(&rest[1..]) };
            }
            Lexeme::Between => self.begin(window, at)?,
            Lexeme::Literal(name, rest) => {
                if byte != rest[0] {
                    return Err(self.malformed(window, at, &format!("expected `{name}`")));
                }
                self.lexeme =
                    if rest.len() == 1 { Lexeme::Between } else { Lexeme::Literal(name, &rest[1..]) };
            }
            Lexeme::Number(number) => match number.next(byte) {
                Next::Part(next) => self.lexeme = Lexeme::Number(next),
                Next::Wrong => return Err(self.malformed(window, at, number.expected())),
                Next::Ends => {
                    self.lexeme = Lexeme::Between;
                    return Ok(at);
                }
            },
            Lexeme::Text(purpose) => return self.read_text(purpose, window, at, to, on),
        }
        Ok(at + 1)
    }

    /// The first byte of a token, or whitespace.
    fn begin(&mut self, window: &[u8], at: usize) -> Result<(), Halt> {
        let byte = window[at];
        if grammar::is_whitespace(byte) {
            return Ok(());
        }
        match grammar::step(self.state, byte) {
            grammar::WRONG => return Err(self.malformed(window, at, grammar::expected(self.state))),
            step @ (grammar::OPEN_OBJECT | grammar::OPEN_ARRAY) => {
                let object = step == grammar::OPEN_OBJECT;
                self.state = self.nesting.open(object);
                if let Some(path) = &mut self.path {
                    path.open(object);
                }
            }
            grammar::CLOSE => {
                self.state = self.nesting.close();
                if let Some(path) = &mut self.path {
                    path.close();
                }
            }
            grammar::NUMBER => {
                self.state = grammar::after_scalar(self.state);
                self.lexeme = Lexeme::Number(Number::begin(byte));
            }
            grammar::LITERAL => {
                self.state = grammar::after_scalar(self.state);
                self.lexeme = match byte {
                    b't' => Lexeme::Literal("true", b"rue"),
                    b'f' => Lexeme::Literal("false", b"alse"),
                    _ => Lexeme::Literal("null", b"ull"),
                };
            }
            next => {
                if byte == b'"' {
                    self.begin_text(window, at);
                } else if let (grammar::ELEMENT, Some(path)) = (next, &mut self.path) {
                    path.next_element();
                }
                self.state = next;
            }
        }
        Ok(())
    }

    /// An opening quote.
    fn begin_text(&mut self, window: &[u8], at: usize) {
        self.text = Text::new();
        let purpose = match &mut self.path {
            Some(path) if grammar::wants_key(self.state) => {
                path.begin_key();
                Purpose::Key
            }
            _ if grammar::wants_key(self.state) || !self.searching => Purpose::Nothing,
            _ => Purpose::Value,
        };
        if matches!(purpose, Purpose::Value) {
            self.search.gap();
            if self.detail == Detail::Locations {
                self.locate(window, at);
                self.quote = Quote { place: self.place + at as u64, position: self.position };
            }
        }
        self.lexeme = Lexeme::Text(purpose);
    }

    /// Reads on in a string.
    fn read_text(
        &mut self,
        purpose: Purpose,
        window: &[u8],
        from: usize,
        to: usize,
        on: &mut OnFound<'_>,
    ) -> Result<usize, Halt> {
        let piece = &window[from..to];
        let place = self.place + from as u64;
        let Self { text, backend, path, search, searching, detail, quote, .. } = self;
        let read = match (purpose, path) {
            (Purpose::Key, Some(path)) => text.read(piece, place, *backend, path),
            (Purpose::Value, path) if *searching => {
                let mut values = Values { detail: *detail, quote: *quote, path, search, searching, on };
                text.read(piece, place, *backend, &mut values)
            }
            _ => text.read(piece, place, *backend, &mut Ignore),
        };
        match read {
            Ok(Read::All) => Ok(to),
            Ok(Read::Closed(length)) => {
                self.lexeme = Lexeme::Between;
                Ok(from + length)
            }
            Err(string::Stop::Enough) => Err(Halt::Enough),
            Err(string::Stop::Wrong(at, what)) => Err(self.malformed(window, from + at, what)),
        }
    }

    /// The file ends with `window`, which has been read.
    pub(super) fn finish(&mut self, window: &[u8]) -> Result<(), Halt> {
        let lacks = match self.lexeme {
            Lexeme::Number(number) if !number.is_complete() => number.expected().to_owned(),
            Lexeme::Literal(name, _) => format!("expected `{name}`"),
            Lexeme::Text(_) => self.text.expected().to_owned(),
            _ if self.state == grammar::DONE => return Ok(()),
            Lexeme::Mark(_) => "expected the rest of a UTF-8 byte order mark".to_owned(),
            _ => grammar::expected(self.state).to_owned(),
        };
        Err(self.malformed(window, window.len(), &format!("{lacks}, but the file ends")))
    }

    /// The next window follows `window`, which has been read.
    pub(super) fn leave(&mut self, window: &[u8]) {
        self.locate(window, window.len());
        self.located = 0;
        self.place += window.len() as u64;
    }

    /// Makes `position` that of `window[at]`.
    fn locate(&mut self, window: &[u8], at: usize) {
        self.position.advance(&window[self.located..at]);
        self.located = at;
    }

    #[cold]
    fn malformed(&mut self, window: &[u8], at: usize, what: &str) -> Halt {
        self.locate(window, at);
        let Position { line, column } = self.position;
        Halt::Malformed(Malformed { line, column, what: what.to_owned() })
    }
}

/// Searches a string value, and reports.
struct Values<'a, 'on> {
    detail: Detail,
    quote: Quote,
    path: &'a mut Option<Path>,
    search: &'a mut Search,
    searching: &'a mut bool,
    on: &'a mut OnFound<'on>,
}

impl Values<'_, '_> {
    /// Lets `take` search, if that is still wanted.
    fn search(
        &mut self,
        take: impl FnOnce(&mut Search, &mut dyn FnMut(u64) -> ControlFlow<()>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !*self.searching {
            return Continue(());
        }
        let flow = take(self.search, &mut |place| {
            let found = match self.path {
                Some(path) => Found {
                    line: self.quote.position.line,
                    // There are no line ends in strings.
                    column: self.quote.position.column + (place - self.quote.place),
                    pointer: Some(path.pointer()),
                },
                None => Found { line: 0, column: 0, pointer: None },
            };
            (self.on)(found).map_break(|()| *self.searching = true)?;
            // One was enough: leave the search, but not the file.
            *self.searching = self.detail != Detail::First;
            if *self.searching { Continue(()) } else { Break(()) }
        });
        if *self.searching { flow } else { Continue(()) }
    }
}

impl Sink for Values<'_, '_> {
    fn text(&mut self, text: &[u8], place: u64) -> ControlFlow<()> {
        self.search(|search, on| search.text(text, place, on))
    }

    fn escaped(&mut self, character: char, place: u64) -> ControlFlow<()> {
        self.search(|search, on| search.character(character, place, on))
    }

    fn lone_surrogate(&mut self) {
        self.search.gap();
    }
}
