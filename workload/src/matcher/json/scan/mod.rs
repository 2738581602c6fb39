//! Where tokens begin: 64 bytes at a time, as bits (Langdale and Lemire, "Parsing gigabytes of JSON per second", 2019).
//!
//! For each block of a window this says at which bytes tokens begin, outside of strings. On the way it checks what is
//! inside strings, except UTF-8. It only ever accepts: where something is wrong it says so, and not where or what.

#![expect(
    clippy::inline_always,
    reason = "what is generic over `Vector` must become part of a function that may use the instructions"
)]

mod portable;
#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code, reason = "SIMD, each use argued in place")]
mod x86;

use super::prefilter::Prefilter;
use super::string::hex_digit;

/// Bytes per block. The positions of a block's tokens stay in the first level cache, or almost. Small in tests, so that
/// small documents have many.
pub(super) const BLOCK: usize = if cfg!(test) { 128 } else { 16 << 10 };

/// The instructions that are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Backend {
    /// None but what Rust has everywhere.
    Portable,
    /// AVX2 and PCLMULQDQ.
    #[cfg(target_arch = "x86_64")]
    Avx2(x86::Avx2),
    /// AVX-512 F, BW and VBMI2, and PCLMULQDQ.
    #[cfg(target_arch = "x86_64")]
    Avx512(x86::Avx512),
}

impl Backend {
    /// All that this CPU can do, the best one first.
    pub fn all() -> Vec<Self> {
        let mut all = vec![];
        #[cfg(target_arch = "x86_64")]
        {
            all.extend(x86::Avx512::detect().map(Self::Avx512));
            all.extend(x86::Avx2::detect().map(Self::Avx2));
        }
        all.push(Self::Portable);
        all
    }

    /// The best that this CPU can do.
    pub fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(avx512) = x86::Avx512::detect() {
                return Self::Avx512(avx512);
            }
            if let Some(avx2) = x86::Avx2::detect() {
                return Self::Avx2(avx2);
            }
        }
        Self::Portable
    }

    /// Scans `window[block]`. Where tokens begin is added to `tokens`.
    pub(super) fn scan(
        self,
        scan: &mut Scan,
        window: &[u8],
        block: std::ops::Range<usize>,
        filter: Option<&Prefilter>,
    ) {
        match self {
            Self::Portable => scan_with(portable::Portable, scan, window, block, filter),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.scan(scan, window, block, filter),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.scan(scan, window, block, filter),
        }
    }

    /// How many bytes come before the first quote, backslash or control character.
    pub(super) fn plain(self, bytes: &[u8]) -> usize {
        match self {
            Self::Portable => plain_with(portable::Portable, bytes),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2(avx2) => avx2.plain(bytes),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512(avx512) => avx512.plain(bytes),
        }
    }
}

/// Bit `i` says something of byte `i`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Classes {
    quote: u64,
    backslash: u64,
    /// Below 0x20.
    control: u64,
    /// `{}[]:,`, and maybe control characters.
    punctuation: u64,
    /// What JSON calls whitespace.
    whitespace: u64,
    /// From 0x80 on.
    high: u64,
}

/// What a set of instructions can do. A value of an implementing type is the proof that the CPU has them.
trait Vector: Copy {
    fn classify(self, bytes: &[u8; 64]) -> Classes;
    /// The bytes that may follow a backslash.
    fn escapable(self, bytes: &[u8; 64]) -> u64;
    /// Bit `i` is set if an odd number of bits in `0..=i` is.
    fn prefix_xor(self, bits: u64) -> u64;

    /// Writes `origin` plus the place of each set bit, from the lowest on, and anything behind that.
    #[inline(always)]
    fn positions(self, mut bits: u64, origin: u32, into: &mut [u32; 64]) {
        // Eight at a time whether there are so many or not: that is cheaper than asking each time.
        for eight in into.chunks_exact_mut(8).take(bits.count_ones().div_ceil(8) as usize) {
            for slot in eight {
                *slot = origin + bits.trailing_zeros();
                bits &= bits.wrapping_sub(1);
            }
        }
    }
}

/// The tokens of a block, and what goes on from block to block.
#[derive(Clone, Debug)]
pub(super) struct Scan {
    /// Where tokens begin, as offsets in the window. Sixty-four more than a block can have; none before the first start.
    tokens: Box<[u32]>,
    count: usize,
    /// Escapes in strings that make them suspect, as offsets in the window.
    pub(super) suspects: Vec<u32>,
    /// Something in a string is wrong, or looks like it.
    pub(super) wrong: bool,
    /// There is more than ASCII.
    pub(super) high: bool,
    /// The next byte is escaped (0 or 1).
    escaped: u64,
    /// The next byte is in a string (0 or all ones).
    in_string: u64,
    /// The last byte belongs to a number or literal, or what looks like it (0 or 1).
    in_scalar: u64,
}

impl Scan {
    pub(super) fn new() -> Self {
        Self {
            tokens: Box::default(),
            count: 0,
            suspects: vec![],
            wrong: false,
            high: false,
            escaped: 0,
            in_string: 0,
            in_scalar: 0,
        }
    }

    /// To be called between tokens.
    pub(super) fn start(&mut self) {
        if self.tokens.is_empty() {
            // Not before there is JSON: the kernel would fill 64 KiB for each worker. One token is kept from the block before.
            self.tokens = vec![0; 1 + BLOCK + 64].into_boxed_slice();
        }
        self.count = 0;
        self.suspects.clear();
        (self.wrong, self.high) = (false, false);
        (self.escaped, self.in_string, self.in_scalar) = (0, 0, 0);
    }

    /// Where tokens begin.
    pub(super) fn tokens(&self) -> &[u32] {
        &self.tokens[..self.count]
    }

    /// Forgets all tokens but the last, which may go on in the next block.
    pub(super) fn keep_last(&mut self) {
        if let Some(last) = self.count.checked_sub(1) {
            self.tokens[0] = self.tokens[last];
            self.count = 1;
            let from = self.tokens[0];
            // One is enough to make the last one suspect.
            let kept = self.suspects.iter().copied().find(|suspect| *suspect >= from);
            self.suspects.clear();
            self.suspects.extend(kept);
        }
    }

    /// Adds a token at each of the `bits`, which stand for the bytes from `origin` on.
    #[inline(always)]
    fn push(&mut self, vector: impl Vector, bits: u64, origin: u32) {
        if let Some(free) = self.tokens[self.count..].first_chunk_mut() {
            vector.positions(bits, origin, free);
            self.count += bits.count_ones() as usize;
        } else {
            // A block never has so many. If it had, nobody should rely on what is here.
            self.wrong = true;
        }
    }
}

#[inline(always)]
fn scan_with<V: Vector>(
    vector: V,
    scan: &mut Scan,
    window: &[u8],
    block: std::ops::Range<usize>,
    filter: Option<&Prefilter>,
) {
    let (chunks, rest) = window[block.clone()].as_chunks::<64>();
    let mut origin = block.start as u32;
    for chunk in chunks {
        scan_chunk(vector, scan, window, origin, chunk, !0, filter);
        origin += 64;
    }
    if !rest.is_empty() {
        let mut chunk = [b' '; 64];
        chunk[..rest.len()].copy_from_slice(rest);
        scan_chunk(vector, scan, window, origin, &chunk, (1 << rest.len()) - 1, filter);
    }
}

#[inline(always)]
fn scan_chunk<V: Vector>(
    vector: V,
    scan: &mut Scan,
    window: &[u8],
    origin: u32,
    chunk: &[u8; 64],
    real: u64,
    filter: Option<&Prefilter>,
) {
    let classes = vector.classify(chunk);
    scan.high |= classes.high != 0;
    let mut escaped = 0;
    if classes.backslash | scan.escaped != 0 {
        (escaped, scan.escaped) = escaped_bytes(classes.backslash, scan.escaped);
    }
    // From each opening quote up to its closing quote, which is not included.
    let quote = classes.quote & !escaped;
    let inside = vector.prefix_xor(quote) ^ scan.in_string;
    scan.in_string = (inside.cast_signed() >> 63).cast_unsigned();
    scan.wrong |= classes.control & inside & real != 0;
    if escaped & inside & real != 0 {
        scan.wrong |= escaped & inside & real & !vector.escapable(chunk) != 0;
        check_escapes(scan, window, origin, chunk, escaped & inside & real, filter);
    }
    // A token begins at punctuation, at an opening quote, and at what is neither that nor whitespace nor follows its
    // like. What follows a closing quote directly begins a token, too, which the grammar will refuse.
    let scalar = !(classes.punctuation | classes.whitespace);
    let unquoted = scalar & !quote;
    let follows = unquoted << 1 | scan.in_scalar;
    scan.in_scalar = unquoted >> 63;
    let string_tail = inside ^ quote;
    scan.push(vector, (classes.punctuation | scalar & !follows) & !string_tail & real, origin);
}

/// Which bytes are behind an unescaped backslash, and whether the next chunk's first byte is (1 or 0).
#[inline(always)]
fn escaped_bytes(backslash: u64, escaped_before: u64) -> (u64, u64) {
    const EVEN: u64 = 0x5555_5555_5555_5555;
    let backslash = backslash & !escaped_before;
    let follows = backslash << 1 | escaped_before;
    // Adding a run's first bit carries to behind its end; runs that begin at odd places are added, the others stay.
    let odd_starts = backslash & !EVEN & !follows;
    let (ends, overflow) = odd_starts.overflowing_add(backslash);
    ((EVEN ^ ends << 1) & follows, u64::from(overflow))
}

/// Looks at the characters behind backslashes in strings.
fn check_escapes(
    scan: &mut Scan,
    window: &[u8],
    origin: u32,
    chunk: &[u8; 64],
    mut escaped: u64,
    filter: Option<&Prefilter>,
) {
    let short = filter.is_some_and(Prefilter::short_escapes);
    while escaped != 0 {
        let bit = escaped.trailing_zeros();
        escaped &= escaped - 1;
        let at = origin + bit;
        let byte = chunk[bit as usize];
        let suspect = if byte == b'u' {
            let behind = &window[at as usize + 1..];
            let unit = match behind.first_chunk() {
                Some(digits) => code_unit(*digits),
                // The window ends within the escape, or should: then it is for the exact reader.
                None if behind.iter().all(u8::is_ascii_hexdigit) => continue,
                None => None,
            };
            let Some(unit) = unit else {
                scan.wrong = true;
                continue;
            };
            filter.is_some_and(|filter| filter.suspects_unit(unit))
        } else {
            short && filter.is_some_and(|filter| filter.suspects_short(byte))
        };
        if suspect {
            scan.suspects.push(at);
        }
    }
}

/// The value of four hexadecimal digits.
#[inline]
fn code_unit(digits: [u8; 4]) -> Option<u16> {
    let mut unit = 0;
    for digit in digits {
        unit = unit << 4 | u16::from(hex_digit(digit)?);
    }
    Some(unit)
}

#[inline(always)]
fn plain_with<V: Vector>(vector: V, bytes: &[u8]) -> usize {
    let (chunks, rest) = bytes.as_chunks::<64>();
    let special = |chunk| {
        let classes = vector.classify(chunk);
        classes.quote | classes.backslash | classes.control
    };
    for (i, chunk) in chunks.iter().enumerate() {
        let special = special(chunk);
        if special != 0 {
            return i * 64 + special.trailing_zeros() as usize;
        }
    }
    let mut chunk = [b'"'; 64];
    chunk[..rest.len()].copy_from_slice(rest);
    // There is at least one quote.
    bytes.len() - rest.len() + special(&chunk).trailing_zeros() as usize
}

#[cfg(test)]
mod tests;
