//! The assembly, piece by piece. The link step's part of the stubs is played by the tests, with the last stubs of each pool:
//! the link step fills the first.

use super::{x86_64::*, x86_64_switch::*, x86_64_words::*};
use crate::call::{Enter, RunSlot, Slot, call_on_slot};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::atomic::Ordering::Relaxed;

/// Words of stack arguments, count of stubs, size of a stub; in the order of the pools in memory.
const DIRECT: [(usize, usize, usize); 6] =
    [(0, 1024, 48), (2, 256, 64), (4, 128, 64), (6, 64, 64), (8, 64, 80), (14, 32, 96)];
const IMPORT: [(usize, usize, usize); 4] = [(0, 512, 48), (2, 64, 64), (4, 16, 64), (8, 16, 80)];

/// What every stub begins with.
const TEST: [u8; 3] = [0x48, 0x3b, 0x25];

/// Address of the first stub of each pool, direct ones first.
fn pools() -> Vec<(usize, usize, usize, usize)> {
    // Behind the other parts of `__morestack`. Each pool is aligned to 64, and what a stub begins with is nowhere else.
    let mut at = call_on_fresh as *const () as usize;
    while bytes(at, 3) != TEST {
        at += 64;
    }
    let mut found = Vec::new();
    for (words, count, size) in DIRECT.into_iter().chain(IMPORT) {
        at = at.next_multiple_of(64);
        found.push((words, count, size, at));
        at += count * size;
    }
    found
}

fn bytes(at: usize, len: usize) -> &'static [u8] {
    // SAFETY: only called for addresses inside of `__morestack`.
    unsafe { core::slice::from_raw_parts(at as *const u8, len) }
}

#[test]
fn stubs_are_laid_out_as_their_records_say() {
    for (i, (words, count, size, at)) in pools().into_iter().enumerate() {
        for stub in [0, 1, 7, 8, count - 1].map(|n| at + n * size) {
            let (test, rest) = bytes(stub, size).split_at(17);
            // cmp rsp, [rip + ..]; jae +8; ds cmp [rip + ..], rsp
            assert_eq!((&test[..3], &test[7..13]), (&TEST[..], &[0x73, 8, 0x3e, 0x48, 0x39, 0x25][..]));
            if i < DIRECT.len() {
                let call = 36 + 3 * words - 17;
                assert_eq!((&rest[..2], rest[call]), (&[0x0f, 0x83][..], 0xe8), "{words} words");
                assert_eq!(&rest[call + 5..call + 7], &[0xc9, 0xc3]);
            } else {
                let call = 38 + 3 * words - 17;
                assert_eq!(
                    (&rest[..4], &rest[call..call + 2]),
                    (&[0x72, 6, 0xff, 0x25][..], &[0xff, 0x15][..])
                );
                assert_eq!(&rest[call + 6..call + 8], &[0xc9, 0xc3]);
            }
        }
    }
}

/// Where the n-th slot of an import pool is: what its stub jumps through.
fn slot(stub: usize) -> *mut usize {
    let displacement: [u8; 4] = bytes(stub + 21, 4).try_into().expect("four bytes");
    (stub + 25).wrapping_add_signed(i32::from_le_bytes(displacement) as isize) as *mut usize
}

#[test]
fn slots_hold_the_addresses_of_their_stubs() {
    for (_, count, size, at) in pools().into_iter().skip(DIRECT.len()) {
        // The link step fills the first, and other tests the last of some groups.
        for n in (count / 2..count).filter(|n| (1..7).contains(&(n % 8))) {
            let stub = at + n * size;
            // SAFETY: a slot of the table.
            assert_eq!(unsafe { slot(stub).read() }, stub);
            assert_eq!(slot(stub) as usize, slot(at) as usize + 8 * n);
        }
    }
}

fn writable(at: usize) {
    let page = at & !4095;
    let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    // SAFETY: makes some of our own code and data writable, for this test.
    assert_eq!(unsafe { libc::mprotect(page as *mut _, 8192, all) }, 0);
}

/// Fills a stub as the link step does.
fn fill(words: usize, number: usize, target: usize) -> usize {
    let (.., size, at) = *pools()[..DIRECT.len()].iter().find(|p| p.0 == words).expect("a pool");
    let stub = at + number * size;
    writable(stub);
    for field in [19, 37 + 3 * words] {
        let from = stub + field;
        let displacement = (target.wrapping_sub(from + 4) as isize) as i32;
        // SAFETY: a field of a stub that no other test uses.
        unsafe { (from as *mut i32).write_unaligned(displacement) };
    }
    stub
}

fn fill_import(words: usize, number: usize, target: usize) -> usize {
    let (.., size, at) = *pools()[DIRECT.len()..].iter().find(|p| p.0 == words).expect("a pool");
    let stub = at + number * size;
    writable(slot(stub) as usize);
    // SAFETY: a slot that no other test uses.
    unsafe { slot(stub).write(target) };
    stub
}

#[derive(Clone, Copy, PartialEq, Debug)]
#[repr(C)]
struct Seen {
    on_chunk: bool,
    aligned: bool,
    sum: u64,
}

type Eight = extern "C-unwind" fn(u64, u64, u64, u64, u64, u64, u64, u64) -> Seen;
type Fourteen = extern "C-unwind" fn(
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
    u64,
) -> u64;

fn aligned() -> bool {
    #[repr(align(16))]
    struct Wide(u128);
    let wide = Wide(std::hint::black_box(5));
    (&raw const wide.0 as usize).is_multiple_of(16)
}

#[allow(clippy::too_many_arguments, clippy::many_single_char_names, reason = "that is what is tested")]
extern "C-unwind" fn eight(a: u64, b: u64, c: u64, d: u64, e: u64, f: u64, g: u64, h: u64) -> Seen {
    Seen {
        on_chunk: on_chunk_now(),
        aligned: aligned(),
        sum: a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h,
    }
}

#[allow(clippy::too_many_arguments, clippy::many_single_char_names, reason = "that is what is tested")]
extern "C-unwind" fn fourteen(
    a: u64,
    b: u64,
    c: u64,
    d: u64,
    e: u64,
    f: u64,
    g: u64,
    h: u64,
    i: u64,
    j: u64,
    k: u64,
    l: u64,
    m: u64,
    n: u64,
    o: u64,
    p: u64,
    q: u64,
    r: u64,
    s: u64,
    t: u64,
) -> u64 {
    assert!(!on_chunk_now());
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t].iter().fold(0, |all, x| all * 3 + x)
}

extern "C-unwind" fn raise(payload: u64) {
    assert!(!on_chunk_now());
    panic_any(payload);
}

/// Calls `f` on a chunk that is large enough for anything here. Its calls go through pointers, so nothing can be proved of it;
/// and from here, because the link step would let what has no bound hop.
fn on_a_chunk<F: FnOnce()>(f: F) {
    let carried = crate::Builder::new().carry(|_| {
        let chunk = crate::stacks::take_for_start(60 << 10, "a test").expect("memory");
        let mut slot = Slot::<F, ()>::new(f);
        // SAFETY: the chunk is free, and large enough for a panic and some calls; the slot holds the closure.
        unsafe { call_on_slot(slot.as_argument(), RunSlot::<F, ()>::enter, chunk.top()) };
    });
    carried.expect("a carrier");
}

#[test]
fn stubs_carry_arguments_over() {
    // SAFETY: a filled stub is its target, as far as a caller can see.
    let (direct, import, many) = unsafe {
        let direct: Eight = core::mem::transmute(fill(4, 127, eight as *const () as usize));
        let import: Eight = core::mem::transmute(fill_import(4, 15, eight as *const () as usize));
        let many: Fourteen = core::mem::transmute(fill(14, 31, fourteen as *const () as usize));
        (direct, import, many)
    };
    let expected = Seen { on_chunk: false, aligned: true, sum: eight(1, 2, 3, 4, 5, 6, 7, 8).sum };
    for _ in 0..2 {
        assert_eq!(direct(1, 2, 3, 4, 5, 6, 7, 8), expected);
        assert_eq!(import(1, 2, 3, 4, 5, 6, 7, 8), expected);
        on_a_chunk(move || {
            assert!(on_chunk_now());
            assert_eq!(direct(1, 2, 3, 4, 5, 6, 7, 8), expected);
            assert_eq!(import(1, 2, 3, 4, 5, 6, 7, 8), expected);
            let there = many(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
            let here = (1..=20).fold(0, |all, x| all * 3 + x);
            assert_eq!(there, here);
        });
    }
}

/// A function of known registers: it uses none.
// SAFETY: it changes nothing, and returns.
#[unsafe(naked)]
extern "C" fn leaves_registers() {
    core::arch::naked_asm!("ret")
}

/// A stub as it is where hops are counted.
// SAFETY: rbp, which the first call saves and changes, is given back by `leave`, and rsp by it. Called where a hop stack is installed and empty.
#[unsafe(naked)]
extern "C" fn counted_stub() {
    core::arch::naked_asm!(
        "call __vthread_count_hop",
        "call {target}",
        "leave",
        "ret",
        target = sym leaves_registers
    )
}

/// gcc keeps values in r10 and r11 over calls of functions that it sees leave them alone.
#[test]
fn stubs_leave_all_registers_alone() {
    let target = leaves_registers as *const () as usize;
    let stubs = [fill(4, 126, target), fill_import(4, 14, target), fill(14, 30, target)];
    let keeps = |stub: usize| {
        let (mut ten, mut eleven) = (0x1010_u64, 0x1111_u64);
        // SAFETY: the stubs call a function that does nothing.
        unsafe {
            core::arch::asm!("call {stub}", stub = in(reg) stub,
                inout("r10") ten, inout("r11") eleven, clobber_abi("C"));
        }
        assert_eq!((ten, eleven), (0x1010, 0x1111));
    };
    stubs.into_iter().for_each(keeps);
    on_a_chunk(move || {
        stubs.into_iter().for_each(keeps);
        let before = super::hops();
        keeps(counted_stub as *const () as usize);
        assert_eq!(super::hops(), before + 1);
    });
}

#[test]
fn panics_unwind_through_stubs() {
    // The last of a group of eight and the first of the next have other unwind tables.
    for number in [1000, 1007, 1008, 1023] {
        // SAFETY: as above.
        let stub: extern "C-unwind" fn(u64) =
            unsafe { core::mem::transmute(fill(0, number, raise as *const () as usize)) };
        // SAFETY: as above.
        let import: extern "C-unwind" fn(u64) =
            unsafe { core::mem::transmute(fill_import(0, number - 512, raise as *const () as usize)) };
        on_a_chunk(move || {
            for f in [stub, import] {
                let caught = catch_unwind(AssertUnwindSafe(|| f(12)));
                assert_eq!(caught.expect_err("panics").downcast_ref(), Some(&12u64));
                assert!(on_chunk_now());
            }
        });
    }
}

/// A stack for [`enter`].
fn stack() -> (Vec<u128>, *mut u8) {
    let mut memory = vec![0u128; 16 << 10];
    let top = memory.as_mut_ptr_range().end.cast();
    (memory, top)
}

struct PingPong {
    there: Parked,
    back: Parked,
    sum: f64,
    turns: u64,
}

/// Adds to `sum` at every turn, with values in vector registers meanwhile.
///
/// # Safety
/// `shared` is a [`PingPong`] that stays, and that nobody else uses while this runs; `back` is who has gone on with it last.
unsafe extern "C-unwind" fn pong(shared: *mut u8) {
    let shared = shared.cast::<PingPong>();
    let mut lanes = [1.0f64, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];
    loop {
        for lane in &mut lanes {
            *lane += 1.0;
        }
        // SAFETY: both sides use the block only while they run.
        unsafe {
            (*shared).sum = lanes.iter().sum();
            (*shared).turns += 1;
            switch((*shared).back, &raw mut (*shared).there);
        }
    }
}

#[test]
fn switches_keep_everything_that_is_live() {
    let (_memory, top) = stack();
    let mut shared =
        PingPong { there: core::ptr::null_mut(), back: core::ptr::null_mut(), sum: 0.0, turns: 0 };
    let shared = &raw mut shared;
    let mut live: [u64; 24] = core::array::from_fn(|i| i as u64 * 7);
    let mut floats: [f64; 24] = core::array::from_fn(|i| i as f64 * 0.5);
    // SAFETY: `pong` runs on a stack of its own, and goes on only here.
    unsafe {
        enter(top, &raw mut (*shared).back, pong, shared.cast());
        for turn in 1..1000u64 {
            for (i, (x, y)) in live.iter_mut().zip(&mut floats).enumerate() {
                *x = x.wrapping_mul(3).wrapping_add(i as u64);
                *y += 1.0;
            }
            switch((*shared).there, &raw mut (*shared).back);
            assert!(((*shared).sum - (255.0 + 8.0 * (turn + 1) as f64)).abs() < 1e-6);
        }
        assert_eq!((*shared).turns, 1000);
    }
    for (i, (&x, &y)) in live.iter().zip(&floats).enumerate() {
        let expected = (1..1000).fold(i as u64 * 7, |x, _| x.wrapping_mul(3).wrapping_add(i as u64));
        assert_eq!(x, expected);
        assert!((y - (i as f64 * 0.5 + 999.0)).abs() < 1e-9);
    }
}

/// Calls `f(argument)` with that in rbp, and gives what is there afterwards.
///
/// # Safety
/// As for `f(argument)`.
// SAFETY: rbp, the one register that is changed and that callers keep, is saved and given back.
#[unsafe(naked)]
unsafe extern "C" fn with_rbp(rbp: usize, argument: *mut u8, f: unsafe extern "C" fn(*mut u8)) -> usize {
    core::arch::naked_asm!(
        "push rbp",
        "mov rbp, rdi",
        "mov rdi, rsi",
        "call rdx",
        "mov rax, rbp",
        "pop rbp",
        "ret",
    )
}

#[test]
fn each_stack_keeps_its_rbp() {
    /// # Safety
    /// As for `pong`; `there` waits.
    unsafe extern "C" fn switches(shared: *mut u8) {
        let shared = shared.cast::<PingPong>();
        for _ in 0..10 {
            // SAFETY: as in `pong`.
            unsafe { switch((*shared).there, &raw mut (*shared).back) };
        }
    }
    /// # Safety
    /// As for `pong`.
    unsafe extern "C" fn switches_back(shared: *mut u8) {
        let shared = shared.cast::<PingPong>();
        // SAFETY: as in `pong`.
        unsafe { switch((*shared).back, &raw mut (*shared).there) };
    }
    /// # Safety
    /// As for `pong`.
    unsafe extern "C-unwind" fn other(shared: *mut u8) {
        let block = shared.cast::<PingPong>();
        loop {
            // SAFETY: as in `pong`.
            unsafe { (*block).turns += u64::from(with_rbp(0x1111, shared, switches_back) == 0x1111) };
        }
    }
    let (_memory, top) = stack();
    let mut shared =
        PingPong { there: core::ptr::null_mut(), back: core::ptr::null_mut(), sum: 0.0, turns: 0 };
    let shared = &raw mut shared;
    // SAFETY: `other` runs on a stack of its own, and goes on only here.
    unsafe {
        enter(top, &raw mut (*shared).back, other, shared.cast());
        assert_eq!(with_rbp(0x2222, shared.cast(), switches), 0x2222);
        assert_eq!((*shared).turns, 10);
    }
}

/// # Safety
/// As for `pong`.
unsafe extern "C-unwind" fn leaves_for_good(shared: *mut u8) {
    // SAFETY: as in `pong`; nothing of this stack is needed any more.
    unsafe {
        let shared = shared.cast::<PingPong>();
        (*shared).turns += 1;
        jump((*shared).back)
    }
}

#[test]
fn a_stack_can_be_left_and_used_again() {
    let (_memory, top) = stack();
    let mut shared =
        PingPong { there: core::ptr::null_mut(), back: core::ptr::null_mut(), sum: 0.0, turns: 0 };
    for _ in 0..100 {
        // SAFETY: the stack is free each time.
        unsafe { enter(top, &raw mut shared.back, leaves_for_good, (&raw mut shared).cast()) };
    }
    assert_eq!(shared.turns, 100);
}

/// # Safety
/// As for `pong`.
unsafe extern "C-unwind" fn takes_a_backtrace(shared: *mut u8) {
    let text = std::backtrace::Backtrace::force_capture().to_string();
    // SAFETY: as in `pong`.
    unsafe {
        let shared = shared.cast::<PingPong>();
        (*shared).turns =
            u64::from(text.contains("takes_a_backtrace") && !text.contains("tests::a_backtrace"));
        jump((*shared).back)
    }
}

#[test]
fn a_backtrace_ends_at_the_root() {
    let (_memory, top) = stack();
    let mut shared =
        PingPong { there: core::ptr::null_mut(), back: core::ptr::null_mut(), sum: 0.0, turns: 0 };
    // SAFETY: as above.
    unsafe { enter(top, &raw mut shared.back, takes_a_backtrace, (&raw mut shared).cast()) };
    assert_eq!(shared.turns, 1);
}

#[test]
fn the_region_test_is_false_off_the_chunks() {
    crate::region::reserve().expect("a region");
    assert!(!on_chunk_now());
    assert!(REGION.len.load(Relaxed) > 0);
}

#[inline(never)]
fn asks() -> u32 {
    if on_chunk_now() { 1 } else { 2 }
}

#[test]
fn off_the_chunks_the_region_test_is_two_instructions_and_four_on_them() {
    use iced_x86::{Code, Decoder, DecoderOptions, FlowControl, Instruction, Register};
    let at = asks as *const () as usize;
    // SAFETY: a function of ours, and what follows it is code as well.
    let code = unsafe { core::slice::from_raw_parts(at as *const u8, 64) };
    let all: Vec<Instruction> =
        Decoder::with_ip(64, code, at as u64, DecoderOptions::NONE).into_iter().collect();
    let compares = |i: &Instruction| i.code() == Code::Cmp_r64_rm64 && i.op0_register() == Register::RSP;
    let first = all.iter().position(compares).expect("a comparison of rsp");
    let [above, off, below, off_too] = &all[first..first + 4] else { panic!("it ends") };
    // cmp rsp, [end]; jae off: no other instruction belongs to it, before or behind, and no register is used.
    let end = (&raw const REGION.end) as u64;
    assert_eq!(above.ip_rel_memory_address(), end);
    assert_eq!(off.flow_control(), FlowControl::ConditionalBranch);
    // cmp rsp, [base]; jb off.
    let base = (&raw const REGION.base) as u64;
    assert!(compares(below) && below.ip_rel_memory_address() == base);
    assert_eq!(off_too.flow_control(), FlowControl::ConditionalBranch);
    assert_eq!(off.near_branch_target(), off_too.near_branch_target());
    assert_eq!(all.iter().filter(|i| compares(i)).count(), 2, "asked once");
    assert_eq!(asks(), 2);
}
