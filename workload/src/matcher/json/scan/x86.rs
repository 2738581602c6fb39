//! With AVX2 and with AVX-512.
//!
//! All `unsafe` of the JSON matcher is here. What it relies on is one thing: an [`Avx2`] or an [`Avx512`] exists only
//! where `detect` has found the instructions, so whoever has one may use them. Functions that take one are inlined into
//! the `#[target_feature]` functions `scan` and `plain`, so that the instructions are, too.

use super::{Classes, Prefilter, Scan, Vector, plain_with, scan_with};
use std::arch::x86_64::{
    __m128i, __m256i, _mm_clmulepi64_si128, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_loadu_si128,
    _mm_set1_epi8, _mm256_and_si256, _mm256_broadcastsi128_si256, _mm256_cmpeq_epi8, _mm256_loadu_si256,
    _mm256_max_epu8, _mm256_movemask_epi8, _mm256_or_si256, _mm256_set1_epi8, _mm256_setzero_si256,
    _mm256_shuffle_epi8, _mm256_srli_epi16, _mm512_add_epi32, _mm512_and_si512, _mm512_broadcast_i32x4,
    _mm512_castsi512_si128, _mm512_cmpeq_epi8_mask, _mm512_cmplt_epu8_mask, _mm512_cvtepu8_epi32,
    _mm512_extracti32x4_epi32, _mm512_loadu_si512, _mm512_maskz_compress_epi8, _mm512_movepi8_mask,
    _mm512_or_si512, _mm512_set1_epi8, _mm512_set1_epi32, _mm512_shuffle_epi8, _mm512_srli_epi16,
    _mm512_storeu_si512, _mm512_test_epi8_mask,
};
use std::ops::Range;

/// Proof that the CPU has AVX2, PCLMULQDQ, BMI 1 and 2, LZCNT and POPCNT.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Avx2(());

/// Proof that the CPU has AVX-512 F, BW and VBMI2 besides (Intel's Ice Lake, AMD's Zen 4, and later).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Avx512(());

// A shuffle by a byte takes the entry of its low four bits, or 0 if its high bit is set. So a byte is one of a set
// whose members differ in their low four bits just if it is equal to what the shuffle takes from a table of them.
// 0xFF fills up: only 0xFF is equal to it, and for 0xFF the shuffle takes 0.

/// Space, tab, line feed, carriage return.
const WHITESPACE: [u8; 16] = {
    let mut table = [0xFF; 16];
    table[0x0] = b' ';
    table[0x9] = b'\t';
    table[0xA] = b'\n';
    table[0xD] = b'\r';
    table
};

/// `{}[]:,` with bit 5 set, where `{` and `[` are the same, and `}` and `]`. So are `:` and 0x1A, `,` and 0x0C, which the
/// grammar has to tell apart.
const PUNCTUATION: [u8; 16] = {
    let mut table = [0xFF; 16];
    table[0xA] = b':';
    table[0xB] = b'{';
    table[0xC] = b',';
    table[0xD] = b'}';
    table
};

/// The bytes `"\/bfnrtu` by their low four bits: one bit for each high four bits that occur with them (2, 5, 6, 7).
const ESCAPABLE_LOW: [u8; 16] = {
    let mut table = [0; 16];
    let escapable = b"\"\\/bfnrtu";
    let mut i = 0;
    while i < escapable.len() {
        table[(escapable[i] & 15) as usize] |= ESCAPABLE_HIGH[(escapable[i] >> 4) as usize];
        i += 1;
    }
    table
};
const ESCAPABLE_HIGH: [u8; 16] = [0, 0, 1, 0, 0, 2, 4, 8, 0, 0, 0, 0, 0, 0, 0, 0];

/// What [`Avx512::positions`] picks from.
static PLACES: [u8; 64] = {
    let mut places = [0; 64];
    let mut i = 0;
    while i < 64 {
        places[i] = i as u8;
        i += 1;
    }
    places
};

#[inline(always)]
fn table(bytes: &'static [u8; 16]) -> __m128i {
    // SAFETY: 16 bytes are read from a reference to 16 bytes, at any alignment; SSE2 is part of x86-64.
    unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }
}

/// Carry-less multiplication by all ones.
///
/// # Safety
/// The CPU has PCLMULQDQ.
#[inline(always)]
unsafe fn prefix_xor(bits: u64) -> u64 {
    // SAFETY: the caller vouches for PCLMULQDQ; SSE2 is part of x86-64.
    unsafe {
        let product = _mm_clmulepi64_si128::<0>(_mm_cvtsi64_si128(bits.cast_signed()), _mm_set1_epi8(-1));
        _mm_cvtsi128_si64(product).cast_unsigned()
    }
}

impl Avx2 {
    /// The proof, if there is one. std remembers the answer.
    pub(super) fn detect() -> Option<Self> {
        (is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("pclmulqdq")
            && is_x86_feature_detected!("bmi1")
            && is_x86_feature_detected!("bmi2")
            && is_x86_feature_detected!("lzcnt")
            && is_x86_feature_detected!("popcnt"))
        .then_some(Self(()))
    }

    pub(super) fn scan(
        self,
        scan: &mut Scan,
        window: &[u8],
        block: Range<usize>,
        filter: Option<&Prefilter>,
    ) {
        #[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
        fn inner(
            this: Avx2,
            scan: &mut Scan,
            window: &[u8],
            block: Range<usize>,
            filter: Option<&Prefilter>,
        ) {
            scan_with(this, scan, window, block, filter);
        }
        // SAFETY: `self` proves that the CPU has these features.
        unsafe { inner(self, scan, window, block, filter) }
    }

    pub(super) fn plain(self, bytes: &[u8]) -> usize {
        #[target_feature(enable = "avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
        fn inner(this: Avx2, bytes: &[u8]) -> usize {
            plain_with(this, bytes)
        }
        // SAFETY: `self` proves that the CPU has these features.
        unsafe { inner(self, bytes) }
    }
}

/// Both halves of 64 bytes.
#[inline(always)]
fn halves(_: Avx2, bytes: &[u8; 64]) -> [__m256i; 2] {
    // SAFETY: twice 32 bytes are read from a reference to 64, at any alignment; the proof is handed in that there is AVX.
    unsafe { [_mm256_loadu_si256(bytes.as_ptr().cast()), _mm256_loadu_si256(bytes[32..].as_ptr().cast())] }
}

impl Vector for Avx2 {
    #[inline(always)]
    fn classify(self, bytes: &[u8; 64]) -> Classes {
        let [low, high] = halves(self, bytes);
        // SAFETY: `self` proves that the CPU has AVX2. The operations are on values only.
        unsafe {
            let mask = |low, high| join(_mm256_movemask_epi8(low), _mm256_movemask_epi8(high));
            let equal = |byte: u8| {
                let byte = _mm256_set1_epi8(byte.cast_signed());
                mask(_mm256_cmpeq_epi8(low, byte), _mm256_cmpeq_epi8(high, byte))
            };
            let last_control = _mm256_set1_epi8(0x1F);
            let control = |v| _mm256_cmpeq_epi8(_mm256_max_epu8(v, last_control), last_control);
            let spaces = _mm256_broadcastsi128_si256(table(&WHITESPACE));
            let whitespace = |v| _mm256_cmpeq_epi8(v, _mm256_shuffle_epi8(spaces, v));
            let marks = _mm256_broadcastsi128_si256(table(&PUNCTUATION));
            let bit5 = _mm256_set1_epi8(0x20);
            let punctuation = |v| _mm256_cmpeq_epi8(_mm256_or_si256(v, bit5), _mm256_shuffle_epi8(marks, v));
            Classes {
                quote: equal(b'"'),
                backslash: equal(b'\\'),
                control: mask(control(low), control(high)),
                punctuation: mask(punctuation(low), punctuation(high)),
                whitespace: mask(whitespace(low), whitespace(high)),
                high: mask(low, high),
            }
        }
    }

    #[inline(always)]
    fn escapable(self, bytes: &[u8; 64]) -> u64 {
        let [low, high] = halves(self, bytes);
        // SAFETY: `self` proves that the CPU has AVX2. The operations are on values only.
        unsafe {
            let by_low = _mm256_broadcastsi128_si256(table(&ESCAPABLE_LOW));
            let by_high = _mm256_broadcastsi128_si256(table(&ESCAPABLE_HIGH));
            let refused = |v| {
                let high = _mm256_and_si256(_mm256_srli_epi16::<4>(v), _mm256_set1_epi8(15));
                let common =
                    _mm256_and_si256(_mm256_shuffle_epi8(by_low, v), _mm256_shuffle_epi8(by_high, high));
                _mm256_movemask_epi8(_mm256_cmpeq_epi8(common, _mm256_setzero_si256()))
            };
            !join(refused(low), refused(high))
        }
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: `self` proves that the CPU has PCLMULQDQ.
        unsafe { prefix_xor(bits) }
    }
}

/// One mask from two.
#[inline(always)]
fn join(low: i32, high: i32) -> u64 {
    u64::from(low.cast_unsigned()) | u64::from(high.cast_unsigned()) << 32
}

impl Avx512 {
    /// The proof, if there is one. std remembers the answer.
    pub(super) fn detect() -> Option<Self> {
        (Avx2::detect().is_some()
            && is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vbmi2"))
        .then_some(Self(()))
    }

    pub(super) fn scan(
        self,
        scan: &mut Scan,
        window: &[u8],
        block: Range<usize>,
        filter: Option<&Prefilter>,
    ) {
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
        fn inner(
            this: Avx512,
            scan: &mut Scan,
            window: &[u8],
            block: Range<usize>,
            filter: Option<&Prefilter>,
        ) {
            scan_with(this, scan, window, block, filter);
        }
        // SAFETY: `self` proves that the CPU has these features.
        unsafe { inner(self, scan, window, block, filter) }
    }

    pub(super) fn plain(self, bytes: &[u8]) -> usize {
        #[target_feature(enable = "avx512f,avx512bw,avx512vbmi2,avx2,pclmulqdq,bmi1,bmi2,lzcnt,popcnt")]
        fn inner(this: Avx512, bytes: &[u8]) -> usize {
            plain_with(this, bytes)
        }
        // SAFETY: `self` proves that the CPU has these features.
        unsafe { inner(self, bytes) }
    }
}

impl Vector for Avx512 {
    #[inline(always)]
    fn classify(self, bytes: &[u8; 64]) -> Classes {
        // SAFETY: `self` proves that the CPU has AVX-512 F and BW. 64 bytes are read from a reference to 64, at any
        // alignment; the other operations are on values only.
        unsafe {
            let v = _mm512_loadu_si512(bytes.as_ptr().cast());
            let equal = |byte: u8| _mm512_cmpeq_epi8_mask(v, _mm512_set1_epi8(byte.cast_signed()));
            let spaces = _mm512_broadcast_i32x4(table(&WHITESPACE));
            let marks = _mm512_broadcast_i32x4(table(&PUNCTUATION));
            let with_bit5 = _mm512_or_si512(v, _mm512_set1_epi8(0x20));
            Classes {
                quote: equal(b'"'),
                backslash: equal(b'\\'),
                control: _mm512_cmplt_epu8_mask(v, _mm512_set1_epi8(0x20)),
                punctuation: _mm512_cmpeq_epi8_mask(with_bit5, _mm512_shuffle_epi8(marks, v)),
                whitespace: _mm512_cmpeq_epi8_mask(v, _mm512_shuffle_epi8(spaces, v)),
                high: _mm512_movepi8_mask(v),
            }
        }
    }

    #[inline(always)]
    fn escapable(self, bytes: &[u8; 64]) -> u64 {
        // SAFETY: as in `classify`.
        unsafe {
            let v = _mm512_loadu_si512(bytes.as_ptr().cast());
            let high = _mm512_and_si512(_mm512_srli_epi16::<4>(v), _mm512_set1_epi8(15));
            let by_low = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table(&ESCAPABLE_LOW)), v);
            let by_high = _mm512_shuffle_epi8(_mm512_broadcast_i32x4(table(&ESCAPABLE_HIGH)), high);
            _mm512_test_epi8_mask(by_low, by_high)
        }
    }

    #[inline(always)]
    fn positions(self, bits: u64, origin: u32, into: &mut [u32; 64]) {
        let count = bits.count_ones();
        // SAFETY: `self` proves that the CPU has AVX-512 F and VBMI2. 64 bytes are read from `PLACES`, which has so many;
        // each quarter is written to one of the four sixteens of `into`.
        unsafe {
            let origin = _mm512_set1_epi32(origin.cast_signed());
            let places = _mm512_loadu_si512(PLACES.as_ptr().cast());
            let places = _mm512_maskz_compress_epi8(bits, places);
            let mut put = |quarter: usize, places: __m128i| {
                let places = _mm512_add_epi32(_mm512_cvtepu8_epi32(places), origin);
                _mm512_storeu_si512(into.as_chunks_mut::<16>().0[quarter].as_mut_ptr().cast(), places);
            };
            put(0, _mm512_castsi512_si128(places));
            if count > 16 {
                put(1, _mm512_extracti32x4_epi32::<1>(places));
            }
            if count > 32 {
                put(2, _mm512_extracti32x4_epi32::<2>(places));
                put(3, _mm512_extracti32x4_epi32::<3>(places));
            }
        }
    }

    #[inline(always)]
    fn prefix_xor(self, bits: u64) -> u64 {
        // SAFETY: `self` proves that the CPU has PCLMULQDQ.
        unsafe { prefix_xor(bits) }
    }
}
