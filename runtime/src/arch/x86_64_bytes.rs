//! `memcpy` and its relatives, so that they need no hop and no more stack than their return address.
//!
//! libc's are chosen when a program starts, by the machine it runs on, so that no bound can be given for them at link time;
//! and a hop would cost more than most calls of them. These use SSE2, which every x86-64 has, and string
//! instructions above a length that is set once ([`tune`]). The technique is the usual one: short lengths by two
//! overlapping accesses from both ends, long ones by 64 bytes a turn with both ends held in registers, so that
//! `memmove` needs no second thought about overlap.

use core::arch::global_asm;
use core::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use vale_threads_abi as abi;

/// Lengths from here on use `rep movsb` and `rep stosb`: never, until [`tune`] has looked.
static REP_FROM: AtomicUsize = AtomicUsize::new(usize::MAX);

/// Chooses by what this processor is fast at.
pub(crate) fn tune() {
    use core::arch::x86_64::__cpuid_count;
    let leaf7 = __cpuid_count(7, 0);
    // ERMS: "rep movsb" is fast from some hundred bytes on; below a page the loop wins or draws.
    if leaf7.ebx & (1 << 9) != 0 {
        REP_FROM.store(4096, Relaxed);
    }
}

global_asm!(
    ".pushsection .text.vthread_bytes, \"ax\", @progbits",
    // --- memcpy and memmove: rdi = to, rsi = from, rdx = length; rax = to ---------------------------------------------
    ".globl __vthread_memmove",
    ".hidden __vthread_memmove",
    ".type __vthread_memmove, @function",
    ".p2align 5",
    "__vthread_memmove:",
    ".cfi_startproc",
    "mov rax, rdi",
    "cmp rdx, 16",
    "jb 20f",
    "cmp rdx, 32",
    "ja 32f",
    // 16 to 32: both ends, read before either is written.
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + rdx - 16]",
    "movups [rdi], xmm0",
    "movups [rdi + rdx - 16], xmm1",
    "ret",
    "20: cmp edx, 8",
    "jb 21f",
    "mov rcx, [rsi]",
    "mov r8, [rsi + rdx - 8]",
    "mov [rdi], rcx",
    "mov [rdi + rdx - 8], r8",
    "ret",
    "21: cmp edx, 4",
    "jb 22f",
    "mov ecx, [rsi]",
    "mov r8d, [rsi + rdx - 4]",
    "mov [rdi], ecx",
    "mov [rdi + rdx - 4], r8d",
    "ret",
    "22: test edx, edx",
    "je 23f",
    // 1 to 3: first, middle, last.
    "movzx ecx, byte ptr [rsi]",
    "movzx r8d, byte ptr [rsi + rdx - 1]",
    "mov r9, rdx",
    "shr r9",
    "movzx r10d, byte ptr [rsi + r9]",
    "mov [rdi + r9], r10b",
    "mov [rdi], cl",
    "mov [rdi + rdx - 1], r8b",
    "23: ret",
    ".p2align 4",
    "32: cmp rdx, 64",
    "ja 33f",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + 16]",
    "movups xmm2, [rsi + rdx - 32]",
    "movups xmm3, [rsi + rdx - 16]",
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm1",
    "movups [rdi + rdx - 32], xmm2",
    "movups [rdi + rdx - 16], xmm3",
    "ret",
    ".p2align 4",
    // Above 64: the ends into registers.
    "33: movups xmm4, [rsi + rdx - 64]",
    "movups xmm5, [rsi + rdx - 48]",
    "movups xmm6, [rsi + rdx - 32]",
    "movups xmm7, [rsi + rdx - 16]",
    "movups xmm8, [rsi]",
    "movups xmm9, [rsi + 16]",
    "movups xmm10, [rsi + 32]",
    "movups xmm11, [rsi + 48]",
    "lea r8, [rdi + rdx]",
    "cmp rdx, 128",
    "jbe 39f",
    // Does the target start inside of the source? Then from the high end down.
    "mov rcx, rdi",
    "sub rcx, rsi",
    "cmp rcx, rdx",
    "jb 36f",
    "cmp rdx, qword ptr [rip + {rep_from}]",
    "jae 38f",
    // Forwards: from the first multiple of 64 of the target on. What lies before is held.
    "34: mov r9, rdi",
    "or r9, 63",
    "inc r9",
    "mov rcx, r9",
    "sub rcx, rdi",
    "add rsi, rcx",
    "lea rdx, [r8 - 64]",
    ".p2align 4",
    "35: cmp r9, rdx",
    "ja 39f",
    "movups xmm0, [rsi]",
    "movups xmm1, [rsi + 16]",
    "movups xmm2, [rsi + 32]",
    "movups xmm3, [rsi + 48]",
    "movaps [r9], xmm0",
    "movaps [r9 + 16], xmm1",
    "movaps [r9 + 32], xmm2",
    "movaps [r9 + 48], xmm3",
    "add rsi, 64",
    "add r9, 64",
    "jmp 35b",
    // Backwards: from the last multiple of 64 of the target down.
    "36: mov r9, r8",
    "and r9, -64",
    "mov rcx, r9",
    "sub rcx, rdi",
    "add rsi, rcx",
    "lea rdx, [rdi + 64]",
    ".p2align 4",
    "37: cmp r9, rdx",
    "jb 39f",
    "movups xmm0, [rsi - 16]",
    "movups xmm1, [rsi - 32]",
    "movups xmm2, [rsi - 48]",
    "movups xmm3, [rsi - 64]",
    "movaps [r9 - 16], xmm0",
    "movaps [r9 - 32], xmm1",
    "movaps [r9 - 48], xmm2",
    "movaps [r9 - 64], xmm3",
    "sub rsi, 64",
    "sub r9, 64",
    "jmp 37b",
    // Long: only where the two do not overlap at all, or the processor goes byte by byte.
    "38: mov r9, rsi",
    "sub r9, rdi",
    "cmp r9, rdx",
    "jb 34b",
    "mov rcx, rdx",
    "rep movsb",
    "ret",
    // The ends, last: what they were read from may have been written by now.
    "39: movups [rax], xmm8",
    "movups [rax + 16], xmm9",
    "movups [rax + 32], xmm10",
    "movups [rax + 48], xmm11",
    "movups [r8 - 64], xmm4",
    "movups [r8 - 48], xmm5",
    "movups [r8 - 32], xmm6",
    "movups [r8 - 16], xmm7",
    "ret",
    ".cfi_endproc",
    ".size __vthread_memmove, . - __vthread_memmove",
    // --- memset: rdi = to, sil = byte, rdx = length; rax = to ---------------------------------------------------------
    ".globl __vthread_memset",
    ".hidden __vthread_memset",
    ".type __vthread_memset, @function",
    ".p2align 5",
    "__vthread_memset:",
    ".cfi_startproc",
    "mov rax, rdi",
    // The byte eight times.
    "movzx esi, sil",
    "movabs rcx, 0x0101010101010101",
    "imul rcx, rsi",
    "cmp rdx, 16",
    "jb 20f",
    "movq xmm0, rcx",
    "punpcklqdq xmm0, xmm0",
    "lea r8, [rdi + rdx]",
    "cmp rdx, 64",
    "ja 30f",
    "movups [rdi], xmm0",
    "movups [r8 - 16], xmm0",
    "cmp rdx, 32",
    "jbe 29f",
    "movups [rdi + 16], xmm0",
    "movups [r8 - 32], xmm0",
    "29: ret",
    "20: cmp edx, 8",
    "jb 21f",
    "mov [rdi], rcx",
    "mov [rdi + rdx - 8], rcx",
    "ret",
    "21: cmp edx, 4",
    "jb 22f",
    "mov [rdi], ecx",
    "mov [rdi + rdx - 4], ecx",
    "ret",
    "22: test edx, edx",
    "je 23f",
    "mov r9, rdx",
    "shr r9",
    "mov [rdi], cl",
    "mov [rdi + r9], cl",
    "mov [rdi + rdx - 1], cl",
    "23: ret",
    ".p2align 4",
    "30: cmp rdx, qword ptr [rip + {rep_from}]",
    "jae 33f",
    // The ends first, then whole lines between them.
    "movups [rdi], xmm0",
    "movups [rdi + 16], xmm0",
    "movups [rdi + 32], xmm0",
    "movups [rdi + 48], xmm0",
    "movups [r8 - 64], xmm0",
    "movups [r8 - 48], xmm0",
    "movups [r8 - 32], xmm0",
    "movups [r8 - 16], xmm0",
    "or rdi, 63",
    "inc rdi",
    "sub r8, 64",
    ".p2align 4",
    "31: cmp rdi, r8",
    "ja 32f",
    "movaps [rdi], xmm0",
    "movaps [rdi + 16], xmm0",
    "movaps [rdi + 32], xmm0",
    "movaps [rdi + 48], xmm0",
    "add rdi, 64",
    "jmp 31b",
    "32: ret",
    "33: mov r9, rax",
    "mov eax, esi",
    "mov rcx, rdx",
    "rep stosb",
    "mov rax, r9",
    "ret",
    ".cfi_endproc",
    ".size __vthread_memset, . - __vthread_memset",
    // --- memcmp and bcmp: rdi, rsi, rdx = length; eax = sign of the first difference -------------------------------------
    ".globl __vthread_memcmp",
    ".hidden __vthread_memcmp",
    ".type __vthread_memcmp, @function",
    ".p2align 5",
    "__vthread_memcmp:",
    ".cfi_startproc",
    "cmp rdx, 16",
    "jb 20f",
    // rdx = where the last 16 start.
    "sub rdx, 16",
    "xor ecx, ecx",
    ".p2align 4",
    "10: cmp rcx, rdx",
    "jae 11f",
    "movups xmm0, [rdi + rcx]",
    "movups xmm1, [rsi + rcx]",
    "pcmpeqb xmm0, xmm1",
    "pmovmskb eax, xmm0",
    "xor eax, 0xffff",
    "jne 12f",
    "add rcx, 16",
    "jmp 10b",
    // The last 16, which may overlap what was compared.
    "11: mov rcx, rdx",
    "movups xmm0, [rdi + rcx]",
    "movups xmm1, [rsi + rcx]",
    "pcmpeqb xmm0, xmm1",
    "pmovmskb eax, xmm0",
    "xor eax, 0xffff",
    "jne 12f",
    "ret",
    "12: bsf eax, eax",
    "add rcx, rax",
    "movzx eax, byte ptr [rdi + rcx]",
    "movzx edx, byte ptr [rsi + rcx]",
    "sub eax, edx",
    "ret",
    "20: cmp edx, 8",
    "jb 21f",
    "mov rax, [rdi]",
    "mov rcx, [rsi]",
    "cmp rax, rcx",
    "jne 24f",
    "mov rax, [rdi + rdx - 8]",
    "mov rcx, [rsi + rdx - 8]",
    "cmp rax, rcx",
    "jne 24f",
    "xor eax, eax",
    "ret",
    "21: cmp edx, 4",
    "jb 22f",
    "mov eax, [rdi]",
    "mov ecx, [rsi]",
    "cmp eax, ecx",
    "jne 24f",
    "mov eax, [rdi + rdx - 4]",
    "mov ecx, [rsi + rdx - 4]",
    "cmp eax, ecx",
    "jne 24f",
    "xor eax, eax",
    "ret",
    // 0 to 3, byte by byte.
    "22: xor r8d, r8d",
    "23: cmp r8, rdx",
    "jae 25f",
    "movzx eax, byte ptr [rdi + r8]",
    "movzx ecx, byte ptr [rsi + r8]",
    "inc r8",
    "sub eax, ecx",
    "je 23b",
    "ret",
    // Words that differ: the lowest byte that does decides, so compare them with that byte on top.
    "24: bswap rax",
    "bswap rcx",
    "cmp rax, rcx",
    "sbb eax, eax",
    "or eax, 1",
    "ret",
    "25: xor eax, eax",
    "ret",
    ".cfi_endproc",
    ".size __vthread_memcmp, . - __vthread_memcmp",
    // --- strlen: rdi; rax = length -----------------------------------------------------------------------------------
    ".globl __vthread_strlen",
    ".hidden __vthread_strlen",
    ".type __vthread_strlen, @function",
    ".p2align 5",
    "__vthread_strlen:",
    ".cfi_startproc",
    // Aligned reads never cross into a page that the text does not reach.
    "mov rdx, rdi",
    "and rdx, -16",
    "pxor xmm1, xmm1",
    "movaps xmm0, [rdx]",
    "pcmpeqb xmm0, xmm1",
    "pmovmskb eax, xmm0",
    // Without the bytes before the text.
    "mov ecx, edi",
    "and ecx, 15",
    "shr eax, cl",
    "shl eax, cl",
    "test eax, eax",
    "jne 11f",
    "10: add rdx, 16",
    "movaps xmm0, [rdx]",
    "pcmpeqb xmm0, xmm1",
    "pmovmskb eax, xmm0",
    "test eax, eax",
    "je 10b",
    "11: bsf eax, eax",
    "add rax, rdx",
    "sub rax, rdi",
    "ret",
    ".cfi_endproc",
    ".size __vthread_strlen, . - __vthread_strlen",
    abi::record!(9, "__vthread_memmove", "0", "0", "0", "memcpy"),
    abi::record!(9, "__vthread_memmove", "0", "0", "0", "memmove"),
    abi::record!(9, "__vthread_memset", "0", "0", "0", "memset"),
    abi::record!(9, "__vthread_memcmp", "0", "0", "0", "memcmp"),
    abi::record!(9, "__vthread_memcmp", "0", "0", "0", "bcmp"),
    abi::record!(9, "__vthread_strlen", "0", "0", "0", "strlen"),
    ".popsection",
    rep_from = sym REP_FROM,
);

#[cfg(test)]
mod tests {
    use super::*;
    use core::ffi::c_int;
    use proptest::prelude::*;

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
}
