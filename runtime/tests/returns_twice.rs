//! C code that leaves by `longjmp` what it has entered by `setjmp` (libpng, Lua): on a chunk as elsewhere.
#![cfg(vthread_native)]

use std::hint::black_box;

core::arch::global_asm!(
    // As a C compiler has it:
    //   long parse(long n) { if (setjmp(env)) return -1; if (n) fail(); return n; }
    //   void fail() { longjmp(env, 1); }
    ".pushsection .bss.returns_twice_env, \"aw\", @nobits",
    ".p2align 4",
    "returns_twice_env: .skip 256",
    ".popsection",
    ".pushsection .text.returns_twice, \"ax\", @progbits",
    ".globl returns_twice_parse",
    ".type returns_twice_parse, @function",
    "returns_twice_parse:",
    ".cfi_startproc",
    "push rbx",
    ".cfi_def_cfa_offset 16",
    ".cfi_offset rbx, -16",
    "mov rbx, rdi",
    "lea rdi, [rip + returns_twice_env]",
    "call _setjmp@PLT",
    "test eax, eax",
    "jne 2f",
    "test rbx, rbx",
    "je 3f",
    "call returns_twice_fail",
    "3: mov rax, rbx",
    "pop rbx",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_def_cfa_offset 16",
    "2: mov rax, -1",
    "pop rbx",
    ".cfi_def_cfa_offset 8",
    "ret",
    ".cfi_endproc",
    ".size returns_twice_parse, . - returns_twice_parse",
    ".type returns_twice_fail, @function",
    "returns_twice_fail:",
    ".cfi_startproc",
    "push rax",
    ".cfi_def_cfa_offset 16",
    "lea rdi, [rip + returns_twice_env]",
    "mov esi, 1",
    "call longjmp@PLT",
    "ud2",
    ".cfi_endproc",
    ".size returns_twice_fail, . - returns_twice_fail",
    ".popsection",
);

// SAFETY: the above.
unsafe extern "C" {
    fn returns_twice_parse(n: i64) -> i64;
}

fn both() -> [i64; 3] {
    // SAFETY: one thread at a time has the buffer, and `longjmp` leaves nothing but the frames above.
    [0, 7, 8].map(|n| unsafe { returns_twice_parse(black_box(n)) })
}

#[test]
fn control_comes_back_to_the_frame_that_called() {
    assert_eq!(both(), [0, -1, -1]);
    vthread::run(|| {
        assert_eq!(both(), [0, -1, -1]);
        vthread::yield_now();
        assert_eq!(both(), [0, -1, -1]);
    });
}
