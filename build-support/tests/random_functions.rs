//! Random functions, analysed and then executed on painted stacks: what they use is never more than their bound.
//!
//! The functions do what compilers do with a stack: pushes, frames with and without rbp, realignment, the red zone, probe loops,
//! branches, jump tables, arguments that are pushed, calls, and tail calls.

#[path = "random/elf.rs"]
mod elf;
#[path = "random/functions.rs"]
mod functions;

use functions::{Random, program};
use std::arch::naked_asm;
use vale_threads_build::frames::Place;
use vale_threads_build::program::Loaded;

const PAINT: u8 = 0xa5;
const STACK: usize = 1 << 20;

/// Calls `f(argument)` with rsp = `top`.
///
/// # Safety
/// At `f` is a function that takes an integer and keeps to the ABI. `top` ends a stack that is large enough for it and that nobody else uses,
/// and is a multiple of 16.
// SAFETY: rbp, the one register that is changed and that callers keep, is saved and given back; by it rsp comes back, too.
#[unsafe(naked)]
unsafe extern "C" fn call_on(f: u64, argument: u32, top: *mut u8) {
    naked_asm!(
        "push rbp",
        "mov rbp, rsp",
        "mov rsp, rdx",
        "mov rax, rdi",
        "mov edi, esi",
        "call rax",
        "mov rsp, rbp",
        "pop rbp",
        "ret"
    )
}

/// Puts code at the address it was made for.
fn load(code: &[u8], address: u64) {
    let len = code.len().next_multiple_of(4096);
    // SAFETY: a fresh mapping at an address where nothing is (else the call fails), filled with code.
    unsafe {
        let at = libc::mmap(
            address as *mut _,
            len,
            libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC,
            libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE,
            -1,
            0,
        );
        assert_eq!(at as u64, address, "the address is taken");
        std::ptr::copy_nonoverlapping(code.as_ptr(), at.cast(), code.len());
    }
}

fn unload(code: &[u8], address: u64) {
    // SAFETY: what `load` mapped; nothing runs there any more.
    unsafe { libc::munmap(address as *mut _, code.len().next_multiple_of(4096)) };
}

/// Bytes that `f(argument)` uses below the top of a stack, its return address included, as far as `window` shows.
fn used(stack: &mut [u128], f: u64, argument: u32, window: u64) -> u64 {
    let words = (window as usize / 16 + 1).min(stack.len());
    let from = stack.len() - words;
    stack[from..].fill(u128::from_ne_bytes([PAINT; 16]));
    let top: *mut u8 = stack.as_mut_ptr_range().end.cast();
    // SAFETY: the stack is ours, aligned, and larger than any function made here needs.
    unsafe { call_on(f, argument, top) };
    let mut untouched = 0;
    for word in &stack[from..] {
        let painted = word.to_ne_bytes().iter().take_while(|b| **b == PAINT).count();
        untouched += painted;
        if painted < 16 {
            break;
        }
    }
    (16 * words - untouched) as u64
}

#[test]
fn nothing_uses_more_than_its_bound() {
    let rounds = if std::env::var_os("VTHREAD_LONG_TESTS").is_some() { 2000 } else { 40 };
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    let mut stack = vec![0_u128; STACK / 16];
    let (mut functions, mut tight, mut unknown) = (0, 0, 0);
    for _ in 0..rounds {
        let made = program(&mut random);
        let file = elf::executable(&made.code, functions::BASE, &made.functions, &[]);
        let loaded = Loaded::read(&file).expect("a well-formed executable");
        let solved = loaded.every_function();
        load(&made.code, functions::BASE);
        for (start, _) in &made.functions {
            let node = solved.graph.entry(*start, Place::Anywhere).expect("it was found");
            functions += 1;
            let Some(bound) = solved.needs[node].bound() else {
                unknown += 1;
                eprintln!("{:?}", solved.graph.nodes[node].reasons);
                continue;
            };
            let most = (0..24)
                .map(|_| used(&mut stack, *start, random.next() as u32, bound + 4096))
                .max()
                .unwrap_or(0);
            assert!(most <= bound, "a function used {most} bytes, its bound was {bound}");
            tight += u64::from(most + 64 >= bound);
        }
        unload(&made.code, functions::BASE);
    }
    eprintln!("{functions} functions, {tight} within 64 bytes of their bound, {unknown} unknown");
    assert_eq!(unknown, 0, "of {functions}");
    assert!(tight * 2 > functions, "the bounds are far off: {tight} of {functions} tight");
}
