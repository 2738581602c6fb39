use super::*;
use proptest::prelude::*;

/// What [`Vector::classify`] has to say, except that it may take control characters for punctuation.
fn naive(bytes: &[u8; 64]) -> Classes {
    let bits = |is: &dyn Fn(u8) -> bool| (0..64).fold(0, |bits, i| bits | u64::from(is(bytes[i])) << i);
    Classes {
        quote: bits(&|b| b == b'"'),
        backslash: bits(&|b| b == b'\\'),
        control: bits(&|b| b < 0x20),
        punctuation: bits(&|b| b"{}[]:,".contains(&b)),
        whitespace: bits(&|b| b" \t\n\r".contains(&b)),
        high: bits(&|b| b >= 0x80),
    }
}

fn check(vector: impl Vector, bytes: &[u8; 64]) {
    let mut classes = vector.classify(bytes);
    let expected = naive(bytes);
    assert_eq!(classes.punctuation & !expected.punctuation & !expected.control, 0);
    classes.punctuation &= !expected.control;
    assert_eq!(classes, expected);
    let escapable = (0..64).fold(0, |bits, i| bits | u64::from(b"\"\\/bfnrtu".contains(&bytes[i])) << i);
    assert_eq!(vector.escapable(bytes), escapable);
    let bits = expected.quote | expected.high;
    let parity = (0..64).fold(0, |parity, i| parity | u64::from((bits << (63 - i)).count_ones() % 2) << i);
    assert_eq!(vector.prefix_xor(bits), parity);
    for bits in [bits, expected.whitespace | expected.control, 0, !0] {
        let places: Vec<u32> =
            (0..64).filter(|place| bits >> place & 1 == 1).map(|place| 1000 + place).collect();
        let mut written = [0; 64];
        vector.positions(bits, 1000, &mut written);
        assert_eq!(written[..places.len()], places);
    }
}

fn check_all(bytes: &[u8; 64]) {
    for backend in Backend::all() {
        match backend {
            Backend::Portable => check(portable::Portable, bytes),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx2(avx2) => check(avx2, bytes),
            #[cfg(target_arch = "x86_64")]
            Backend::Avx512(avx512) => check(avx512, bytes),
        }
    }
}

#[test]
fn every_byte_is_classified_alike() {
    for first in (0..=255u8).step_by(64) {
        check_all(&std::array::from_fn(|i| first + i as u8));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_classified_alike(bytes in any::<[u8; 64]>()) {
        check_all(&bytes);
    }

    #[test]
    fn plain_stops_at_the_first_special_byte(
        length in 0usize..200,
        special in prop_oneof![Just(b'"'), Just(b'\\'), 0u8..0x20],
        at in 0usize..200,
    ) {
        let mut bytes = vec![0xE9; length];
        if let Some(byte) = bytes.get_mut(at) {
            *byte = special;
        }
        for backend in Backend::all() {
            prop_assert_eq!(backend.plain(&bytes), at.min(length));
        }
    }

    #[test]
    fn escapes_are_found(
        text in proptest::collection::vec(prop_oneof![Just(b'\\'), Just(b'a')], 128),
    ) {
        let (mut carry, mut naive) = (0, false);
        for half in text.as_chunks::<64>().0 {
            let backslash = (0..64).fold(0, |bits, i| bits | u64::from(half[i] == b'\\') << i);
            let escaped;
            (escaped, carry) = escaped_bytes(backslash, carry);
            for (i, byte) in half.iter().enumerate() {
                prop_assert_eq!(escaped >> i & 1 == 1, naive);
                naive = *byte == b'\\' && !naive;
            }
        }
    }
}
