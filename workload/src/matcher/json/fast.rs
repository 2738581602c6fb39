//! The fast way through a window: from token to token as the scan has found them.
//!
//! It only accepts. Strings that may hold the needle, and all from the first token on that looks wrong, are left to
//! [`Exact`](super::exact::Exact), which starts between tokens and so needs nothing but the grammar's state.

use super::super::OnFound;
use super::exact::{Exact, Halt};
use super::grammar::{self, Step};
use super::number;
use super::prefilter::Prefilter;
use super::scan::{BLOCK, Backend, Scan};

/// A fast reader, for file after file.
#[derive(Clone, Debug)]
pub(super) struct Fast {
    backend: Backend,
    scan: Scan,
    /// `None` if the needle cannot be in JSON at all.
    filter: Option<Prefilter>,
}

impl Fast {
    pub(super) fn new(backend: Backend, filter: Option<Prefilter>) -> Self {
        Self { backend, scan: Scan::new(), filter }
    }

    /// Whether the needle can be in JSON.
    pub(super) fn can_match(&self) -> bool {
        self.filter.is_some()
    }

    /// Reads `window[from..]`, which begins between tokens, as far as it can and returns how far that is: to the
    /// beginning of a token, or to the end.
    pub(super) fn read(
        &mut self,
        exact: &mut Exact,
        window: &[u8],
        from: usize,
        on: &mut OnFound<'_>,
    ) -> Result<usize, Halt> {
        self.scan.start();
        let mut block = from;
        // All tokens before this are done with.
        let mut done = from;
        while block < window.len() {
            let end = window.len().min(block + BLOCK);
            let filter = self.filter.as_ref().filter(|_| exact.searching);
            self.backend.scan(&mut self.scan, window, block..end, filter);
            if self.scan.wrong {
                break;
            }
            // The last token may go on in the next block.
            if let Some(last) = self.scan.tokens().last().map(|last| *last as usize) {
                if self.scan.high && simdutf8::basic::from_utf8(&window[done..last]).is_err() {
                    break;
                }
                let stopped = match exact.path {
                    None => self.tokens::<false>(exact, window, on)?,
                    Some(_) => self.tokens::<true>(exact, window, on)?,
                };
                if let Some(token) = stopped {
                    return Ok(token);
                }
                done = last;
                self.scan.keep_last();
            } else {
                done = end;
            }
            block = end;
        }
        Ok(done)
    }

    /// Goes through all tokens but the last. Returns where one begins that is not acceptable, if there is one.
    fn tokens<const PATH: bool>(
        &mut self,
        exact: &mut Exact,
        window: &[u8],
        on: &mut OnFound<'_>,
    ) -> Result<Option<usize>, Halt> {
        let tokens = self.scan.tokens();
        let [first, others @ ..] = tokens else { return Ok(None) };
        let mut token = *first as usize;
        let last = others.last().map_or(token, |last| *last as usize);
        let filter = self.filter.as_ref().filter(|_| exact.searching);
        let mut suspects = Suspects::new(filter, &window[..last], &self.scan.suspects);
        let mut suspect = suspects.next(token);
        let mut state = exact.state;
        for next in others {
            let (this, next) = (std::mem::replace(&mut token, *next as usize), *next as usize);
            let byte = window[this];
            if suspect < next {
                if suspect < this {
                    suspect = suspects.next(this);
                }
                if suspect < next && byte == b'"' && !grammar::wants_key(state) {
                    exact.state = state;
                    exact.read(window, this, next, on)?;
                    state = exact.state;
                    suspect = if exact.searching { suspects.next(next) } else { usize::MAX };
                    continue;
                }
            }
            let step = grammar::step(state, byte);
            if step < grammar::OPEN_OBJECT {
                if PATH && let Some(path) = &mut exact.path {
                    if step == grammar::ELEMENT {
                        path.next_element();
                    } else if step == grammar::COLON {
                        let key = &window[this + 1..next];
                        let end = key.iter().rposition(|byte| *byte == b'"').map_or(0, |quote| quote + 1);
                        path.whole_key(&key[..end], self.backend);
                    }
                }
                state = step;
                continue;
            }
            state = match step {
                grammar::OPEN_OBJECT | grammar::OPEN_ARRAY => {
                    let object = step == grammar::OPEN_OBJECT;
                    if PATH && let Some(path) = &mut exact.path {
                        path.open(object);
                    }
                    exact.nesting.open(object)
                }
                grammar::CLOSE => {
                    if PATH && let Some(path) = &mut exact.path {
                        path.close();
                    }
                    exact.nesting.close()
                }
                _ if is_scalar(step, &window[this..]) => grammar::after_scalar(state),
                _ => {
                    exact.state = state;
                    return Ok(Some(this));
                }
            };
        }
        exact.state = state;
        Ok(None)
    }
}

/// Whether `bytes` begin with a number or literal, as `step` says, and with something behind it that may be there.
#[inline]
fn is_scalar(step: Step, bytes: &[u8]) -> bool {
    let length = match step {
        grammar::NUMBER => number::whole(bytes),
        grammar::LITERAL if bytes.starts_with(b"true") || bytes.starts_with(b"null") => Some(4),
        grammar::LITERAL if bytes.starts_with(b"false") => Some(5),
        _ => None,
    };
    length.and_then(|length| bytes.get(length)).is_some_and(|byte| grammar::ends_scalar(*byte))
}

/// The places that make the strings suspect in which they are, in order.
struct Suspects<'a> {
    filter: Option<&'a Prefilter>,
    raw: &'a [u8],
    /// The next place of the needle's bytes, as they are.
    as_is: usize,
    escapes: std::iter::Peekable<std::iter::Copied<std::slice::Iter<'a, u32>>>,
}

impl<'a> Suspects<'a> {
    fn new(filter: Option<&'a Prefilter>, raw: &'a [u8], escapes: &'a [u32]) -> Self {
        Self { filter, raw, as_is: 0, escapes: escapes.iter().copied().peekable() }
    }

    /// The first one that is not before `from`.
    #[inline(never)]
    fn next(&mut self, from: usize) -> usize {
        let Some(filter) = self.filter else { return usize::MAX };
        if self.as_is <= from {
            let found = self.raw.get(from..).and_then(|raw| filter.find(raw));
            self.as_is = found.map_or(usize::MAX, |found| from + found);
        }
        while self.escapes.next_if(|escape| (*escape as usize) < from).is_some() {}
        self.as_is.min(self.escapes.peek().map_or(usize::MAX, |escape| *escape as usize))
    }
}
