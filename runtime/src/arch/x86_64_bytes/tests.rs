//! Every length and distance that takes another path, and the page behind.

use super::*;
use core::ffi::c_int;
use proptest::prelude::*;

// SAFETY: the assembly's, which keep to the types of `memmove`, `memset`, `memcmp` and `strlen`.
unsafe extern "C" {
    fn __vthread_memmove(to: *mut u8, from: *const u8, len: usize) -> *mut u8;
    fn __vthread_memset(to: *mut u8, byte: c_int, len: usize) -> *mut u8;
    fn __vthread_memcmp(a: *const u8, b: *const u8, len: usize) -> c_int;
    fn __vthread_strlen(text: *const u8) -> usize;
}

fn noise(len: usize, seed: u64) -> Vec<u8> {
    let mut x = seed | 1;
    let mut next = || {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (x >> 56) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn check_move(from: usize, to: usize, len: usize) {
    let mut ours = noise(from.max(to) + len + 64, len as u64);
    let mut expected = ours.clone();
    expected.copy_within(from..from + len, to);
    // SAFETY: both ranges lie inside.
    let result = unsafe {
        let base = ours.as_mut_ptr();
        __vthread_memmove(base.add(to), base.add(from), len) as usize - base as usize
    };
    assert_eq!(result, to);
    assert!(ours == expected, "memmove from {from} to {to}, {len} bytes");
}

#[test]
fn memmove_of_every_short_length_at_every_distance() {
    tune();
    for len in 0..200 {
        for distance in [0, 1, 2, 3, 7, 8, 15, 16, 17, 31, 33, 63, 64, 65, 127, 150, 300] {
            check_move(40, 40 + distance, len);
            check_move(40 + distance, 40, len);
        }
    }
}

#[test]
fn the_string_instructions_are_right_too() {
    tune();
    for len in [4095, 4096, 4097, 5000, 70_001] {
        for (from, to) in [(0, 80_000), (80_000, 3), (10, 11), (11, 10), (5, 4500), (4500, 5)] {
            check_move(from, to, len);
        }
        let mut ours = noise(len + 2, 3);
        // SAFETY: inside.
        unsafe { __vthread_memset(ours.as_mut_ptr().add(1), 0x77, len) };
        assert!(ours[1..=len].iter().all(|&b| b == 0x77));
        assert_eq!((ours[0], ours[len + 1]), (noise(1, 3)[0], noise(len + 2, 3)[len + 1]));
    }
}

#[test]
fn memset_of_every_short_length() {
    for len in 0..300 {
        for at in 0..17 {
            let mut ours = noise(400, 7);
            let mut expected = ours.clone();
            expected[at..at + len].fill(0xfe);
            // SAFETY: inside. The high bits of the argument are to be ignored.
            let result = unsafe { __vthread_memset(ours.as_mut_ptr().add(at), 0x1234_56fe, len) };
            assert_eq!((result as usize - ours.as_ptr() as usize, &ours), (at, &expected));
        }
    }
}

/// A page that an inaccessible one follows: who reads or writes a byte too many faults.
fn last_page() -> *mut u8 {
    let at = crate::sys::reserve(8192).expect("memory").as_ptr();
    // SAFETY: our own new mapping.
    unsafe { crate::sys::unprotect(at, 4096) }.expect("protection");
    at
}

#[test]
fn nothing_touches_the_page_behind() {
    let page = last_page();
    for len in 0..=300usize {
        // SAFETY: all inside of the page.
        unsafe {
            let end = page.add(4096);
            let text = end.sub(len + 1);
            __vthread_memset(text, c_int::from(b'x'), len);
            text.add(len).write(0);
            assert_eq!(__vthread_strlen(text), len);
            __vthread_memmove(page, text, len + 1);
            assert_eq!(__vthread_memcmp(page, text, len + 1), 0);
            __vthread_memmove(text, page, len + 1);
            assert_eq!(__vthread_strlen(text), len);
        }
    }
}

proptest! {
    #[test]
    fn memmove_like_copy_within(from in 0usize..3000, to in 0usize..3000, len in 0usize..9000) {
        tune();
        check_move(from, to, len);
    }

    #[test]
    fn memcmp_like_cmp(len in 0usize..200, differ in any::<prop::sample::Index>(), by in any::<u8>(), at in 0usize..17) {
        let a = noise(len + at, 5);
        let mut b = a.clone();
        if len > 0 {
            let i = at + differ.index(len);
            b[i] = b[i].wrapping_add(by);
            // Only the first difference counts.
            if let Some(last) = b.last_mut() { *last = last.wrapping_sub(by / 2); }
        }
        // SAFETY: inside.
        let sign = unsafe { __vthread_memcmp(a.as_ptr().add(at), b.as_ptr().add(at), len) }.signum();
        prop_assert_eq!(sign, a[at..].cmp(&b[at..]) as c_int);
    }
}
