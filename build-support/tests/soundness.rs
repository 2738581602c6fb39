//! Code of a few instructions that leads an analysis astray: none of it may get a bound below what it uses.

#[path = "random/elf.rs"]
mod elf;

use iced_x86::code_asm::*;
use iced_x86::{BlockEncoderOptions, IcedError};
use vale_threads_build::frames::{self, Callee, Frame, Place, Problem, Target};
use vale_threads_build::program::Loaded;

const BASE: u64 = 0x2000_0000;

/// What a test has written.
struct Written {
    /// Where each function begins, and where the last ends.
    functions: Vec<CodeLabel>,
    /// What follows the code, 8 bytes each.
    words: Vec<CodeLabel>,
    /// What follows these: how far these places are from there, 4 bytes each.
    offsets: Vec<CodeLabel>,
}

impl From<Vec<CodeLabel>> for Written {
    fn from(functions: Vec<CodeLabel>) -> Self {
        Written { functions, words: Vec::new(), offsets: Vec::new() }
    }
}

type Outcome<T> = Result<T, IcedError>;

/// Analyses the first function that `write` makes; `unwind` makes the unwind table from its start and length.
fn analysed<W: Into<Written>>(
    write: impl FnOnce(&mut CodeAssembler) -> Outcome<W>,
    unwind: fn(u64, u64) -> Vec<u8>,
) -> Frame {
    let mut code = CodeAssembler::new(64).expect("an assembler");
    let written: Written = write(&mut code).expect("it assembles").into();
    let made = code
        .assemble_options(BASE, BlockEncoderOptions::RETURN_NEW_INSTRUCTION_OFFSETS)
        .expect("it can be encoded");
    let address = |label: &CodeLabel| made.label_ip(label).expect("it was set");
    let mut bytes = made.inner.code_buffer.clone();
    bytes.extend(written.words.iter().flat_map(|label| address(label).to_le_bytes()));
    let table = BASE + bytes.len() as u64;
    bytes.extend(
        written.offsets.iter().flat_map(|label| (address(label).wrapping_sub(table) as u32).to_le_bytes()),
    );
    bytes.extend([0; 8]);
    let starts: Vec<u64> = written.functions.iter().map(address).collect();
    let functions: Vec<(u64, u64)> = starts.windows(2).map(|w| (w[0], w[1] - w[0])).collect();
    let (first, length) = functions[0];
    let file = elf::executable(&bytes, BASE, &functions, &unwind(first, length));
    let loaded = Loaded::read(&file).expect("a well-formed executable");
    let function = loaded.functions.at(first).expect("the first function");
    frames::analyse(loaded.program(), function, Place::Anywhere)
}

fn frame<W: Into<Written>>(write: impl FnOnce(&mut CodeAssembler) -> Outcome<W>) -> Frame {
    analysed(write, |_, _| Vec::new())
}

/// A label here.
fn here(a: &mut CodeAssembler) -> Outcome<CodeLabel> {
    let mut label = a.create_label();
    a.set_label(&mut label)?;
    Ok(label)
}

/// Ends the last function: eight bytes of data.
fn end(a: &mut CodeAssembler) -> Outcome<CodeLabel> {
    let end = here(a)?;
    a.dq(&[0])?;
    Ok(end)
}

/// Says of a function only that its frame address is rbp + 16, and nothing of rsp.
fn by_frame_pointer(start: u64, length: u64) -> Vec<u8> {
    let common: &[u8] = &[1, 0, 1, 0x78, 16, 0x0c, 6, 16];
    let mut table = Vec::new();
    table.extend((common.len() as u32 + 4).to_le_bytes());
    table.extend(0_u32.to_le_bytes());
    table.extend(common);
    table.extend(24_u32.to_le_bytes());
    table.extend((table.len() as u32).to_le_bytes());
    table.extend(start.to_le_bytes());
    table.extend(length.to_le_bytes());
    table.extend(0_u32.to_le_bytes());
    table
}

fn callee_is_unknown(frame: &Frame) -> bool {
    frame.sites.iter().any(|s| matches!(s.callee, Callee::Unknown(_)))
}

/// `jmp [words + 8*rax]`. `words` chooses them of the function itself, two places in it, and another function.
fn jump_through(words: impl FnOnce([CodeLabel; 4]) -> Vec<CodeLabel>) -> Frame {
    frame(|a| {
        let (mut one, mut two, mut other, mut after) =
            (a.create_label(), a.create_label(), a.create_label(), a.create_label());
        let start = here(a)?;
        a.mov(eax, edi)?;
        a.lea(rcx, qword_ptr(after))?;
        a.jmp(qword_ptr(rcx + rax * 8 + 8))?;
        a.set_label(&mut one)?;
        a.mov(eax, 1)?;
        a.ret()?;
        a.set_label(&mut two)?;
        a.mov(eax, 2)?;
        a.ret()?;
        a.set_label(&mut other)?;
        a.sub(rsp, 4096)?;
        a.add(rsp, 4096)?;
        a.ret()?;
        a.set_label(&mut after)?;
        a.dq(&[0])?;
        Ok(Written {
            functions: vec![start, other, after],
            words: words([start, one, two, other]),
            offsets: vec![],
        })
    })
}

#[test]
fn an_array_of_functions_is_no_jump_table() {
    let table = jump_through(|[_, one, two, _]| vec![one, two]);
    assert!(table.problems.is_empty() && !callee_is_unknown(&table), "{table:?}");
    for functions in [
        jump_through(|[itself, one, two, other]| vec![one, two, itself, other]),
        jump_through(|[itself, _, _, other]| vec![itself, other]),
        jump_through(|[_, _, _, other]| vec![other]),
    ] {
        assert!(callee_is_unknown(&functions), "{functions:?}");
    }
}

/// A loop around a jump table whose address is loaded before it: only places in the table lead back to where it begins. In front of that stands a
/// call, before which the register had something else. `behind` is what stands right behind the call.
fn loop_around_table(
    callee: impl FnOnce(&mut CodeAssembler) -> Outcome<()>,
    behind: impl FnOnce(&mut CodeAssembler, CodeLabel) -> Outcome<()>,
) -> Frame {
    frame(|a| {
        let (mut one, mut two, mut out, mut again, mut fails, mut ends, mut after) = (
            a.create_label(),
            a.create_label(),
            a.create_label(),
            a.create_label(),
            a.create_label(),
            a.create_label(),
            a.create_label(),
        );
        let dispatch = |a: &mut CodeAssembler| {
            a.movzx(eax, byte_ptr(rdi + rcx))?;
            a.movsxd(rax, dword_ptr(rbx + rax * 4))?;
            a.add(rax, rbx)?;
            a.jmp(rax)
        };
        let start = here(a)?;
        a.push(rbx)?;
        a.xor(ecx, ecx)?;
        a.test(esi, esi)?;
        a.js(fails)?;
        a.lea(rbx, qword_ptr(after))?;
        a.add(rbx, 8)?;
        dispatch(a)?;
        a.set_label(&mut one)?;
        a.mov(ecx, 1)?;
        a.jmp(again)?;
        a.set_label(&mut two)?;
        a.mov(ecx, 2)?;
        a.jmp(again)?;
        a.set_label(&mut out)?;
        a.pop(rbx)?;
        a.ret()?;
        a.set_label(&mut fails)?;
        a.xor(ebx, ebx)?;
        a.call(ends)?;
        behind(a, ends)?;
        a.set_label(&mut again)?;
        dispatch(a)?;
        a.set_label(&mut ends)?;
        callee(a)?;
        a.set_label(&mut after)?;
        a.dq(&[0])?;
        Ok(Written { functions: vec![start, ends, after], words: vec![], offsets: vec![one, two, out] })
    })
}

/// Behind a call that never comes back nothing is known of registers, and nothing needs to be. That it does not come back is proved, or what
/// stands behind counts.
#[test]
fn what_stands_behind_a_call_that_ends_says_nothing_of_a_table() {
    let known = loop_around_table(CodeAssembler::ud2, |_, _| Ok(()));
    assert!(known.problems.is_empty() && !callee_is_unknown(&known) && known.frame == 8, "{known:?}");
    for (name, comes_back) in [
        ("ret", loop_around_table(CodeAssembler::ret, |_, _| Ok(()))),
        ("jmp rax", loop_around_table(|a| a.jmp(rax), |_, _| Ok(()))),
        ("syscall", loop_around_table(CodeAssembler::syscall, |_, _| Ok(()))),
    ] {
        let lost = comes_back.problems.iter().any(|p| matches!(p, Problem::UnresolvedJump(_)));
        assert!(lost, "{name}: {comes_back:?}");
    }
    // Code that only such a call is in front of is the function's all the same.
    let followed = loop_around_table(CodeAssembler::ud2, |a, ends| {
        a.xor(edx, edx)?;
        a.call(ends)
    });
    assert!(followed.problems.is_empty() && !callee_is_unknown(&followed), "{followed:?}");
    assert_eq!(followed.sites.len(), 2, "{followed:?}");
}

/// What follows a call that may not return says nothing for sure about rsp, nor does what that leads to.
#[test]
fn doubtful_paths_do_not_hide_others() {
    let frame = analysed(
        |a| {
            let (mut long, mut both, mut callee, mut ends) =
                (a.create_label(), a.create_label(), a.create_label(), a.create_label());
            let start = here(a)?;
            a.push(rbp)?;
            a.mov(rbp, rsp)?;
            a.test(edi, edi)?;
            a.jne(long)?;
            a.sub(rsp, 16)?;
            a.call(ends)?;
            // Nothing comes back to here.
            a.jmp(both)?;
            a.set_label(&mut long)?;
            a.sub(rsp, 4096)?;
            a.call(callee)?;
            a.set_label(&mut both)?;
            a.sub(rsp, 64)?;
            a.mov(qword_ptr(rsp), 0)?;
            a.leave()?;
            a.ret()?;
            a.set_label(&mut callee)?;
            a.ret()?;
            a.set_label(&mut ends)?;
            a.ud2()?;
            Ok(vec![start, callee, ends, end(a)?])
        },
        by_frame_pointer,
    );
    let differs = frame.problems.iter().any(|p| matches!(p, Problem::StackPointerDiffers(_)));
    assert!(differs || frame.frame >= 8 + 4096 + 64, "{frame:?}");
    // And without the way that nothing comes back on, it has a bound.
    let frame = analysed(
        |a| {
            let start = here(a)?;
            let mut callee = a.create_label();
            a.push(rbp)?;
            a.mov(rbp, rsp)?;
            a.sub(rsp, 4096)?;
            a.call(callee)?;
            a.sub(rsp, 64)?;
            a.leave()?;
            a.ret()?;
            a.set_label(&mut callee)?;
            a.ret()?;
            Ok(vec![start, callee, end(a)?])
        },
        by_frame_pointer,
    );
    assert!(frame.problems.is_empty() && frame.frame == 8 + 4096 + 64, "{frame:?}");
}

/// A part of a register is cleared, not all of it.
#[test]
fn half_a_register_is_no_zero() {
    for wide in [false, true] {
        let frame = frame(|a| {
            let start = here(a)?;
            a.mov(rax, rdi)?;
            if wide {
                a.xor(ax, ax)?;
            } else {
                a.xor(al, al)?;
            }
            a.sub(rsp, rax)?;
            a.add(rsp, rax)?;
            a.ret()?;
            Ok(vec![start, end(a)?])
        });
        let lost = frame.problems.iter().any(|p| matches!(p, Problem::StackPointerLost(_)));
        assert!(lost, "{frame:?}");
    }
}

/// `change` makes another address of the frame from the one in rax: what is stored there may be what is called.
fn called_after(change: impl FnOnce(&mut CodeAssembler) -> Outcome<AsmRegister64>) -> Frame {
    frame(|a| {
        let mut callee = a.create_label();
        let start = here(a)?;
        a.sub(rsp, 24)?;
        a.lea(rcx, qword_ptr(callee))?;
        a.mov(r8, rdi)?;
        a.lea(rax, qword_ptr(rsp))?;
        a.lea(rdi, qword_ptr(rsp))?;
        let place = change(a)?;
        a.mov(qword_ptr(rsp + 8), rcx)?;
        a.mov(qword_ptr(place), r8)?;
        a.call(qword_ptr(rsp + 8))?;
        a.add(rsp, 24)?;
        a.ret()?;
        a.set_label(&mut callee)?;
        a.ret()?;
        Ok(vec![start, callee, end(a)?])
    })
}

/// Returns the register that has the address.
type Change = fn(&mut CodeAssembler) -> Outcome<AsmRegister64>;

#[test]
fn addresses_change_by_parts_of_registers_too() {
    let changes: [(&str, Change); 6] = [
        ("or al, 8", |a| a.or(al, 8).map(|()| rax)),
        ("mov al, 8", |a| a.mov(al, 8).map(|()| rax)),
        ("xor al, al", |a| a.xor(al, al).map(|()| rax)),
        ("add ax, 8", |a| a.add(ax, 8).map(|()| rax)),
        ("mov r9w, ax", |a| a.mov(r9w, ax).map(|()| r9)),
        ("stosq", |a| a.stosq().map(|()| rdi)),
    ];
    for (name, change) in changes {
        let frame = called_after(change);
        let known = frame.sites.iter().any(|s| matches!(&s.callee, Callee::Targets(_)));
        assert!(!known || !frame.problems.is_empty(), "{name}: {frame:?}");
    }
    // The test would notice: where nothing is made of the address, the callee is known.
    let frame = called_after(|_| Ok(rsi));
    let known = |s: &frames::Site| matches!(&s.callee, Callee::Targets(t) if matches!(t.first(), Some(Target::Function(_))));
    assert!(frame.sites.iter().any(known), "{frame:?}");
}

/// What was pushed may come back as the end of an array.
#[test]
fn a_pushed_address_may_reach_below_rsp() {
    for push in [false, true] {
        let frame = frame(|a| {
            let start = here(a)?;
            a.lea(rax, qword_ptr(rsp))?;
            if push {
                a.push(rax)?;
            } else {
                a.mov(qword_ptr(rsp - 8), rax)?;
            }
            a.mov(rcx, qword_ptr(rdi))?;
            a.mov(rdx, qword_ptr(rcx))?;
            a.mov(qword_ptr(rdx - 64), 1)?;
            if push {
                a.pop(rax)?;
            }
            a.ret()?;
            Ok(vec![start, end(a)?])
        });
        assert!(frame.problems.is_empty() && frame.own() >= 128, "{frame:?}");
    }
}

/// Depths at the edge of what a number holds.
#[test]
fn no_depth_is_too_large_for_a_number() {
    for by in [i64::MIN, i64::MIN + 8, i64::MAX, i64::MAX - 7] {
        let frame = frame(|a| {
            let mut callee = a.create_label();
            let start = here(a)?;
            a.mov(rax, by)?;
            a.add(rsp, rax)?;
            a.call(callee)?;
            a.ret()?;
            a.set_label(&mut callee)?;
            a.ret()?;
            Ok(vec![start, callee, end(a)?])
        });
        assert!(!frame.problems.is_empty() || frame.own() >= 1 << 62, "{frame:?}");
    }
}

/// A function of which gcc has put a part elsewhere, with an unwind table entry of its own: `NAME.cold`. `lower` bytes are on the stack when control goes
/// there, and the part goes back into the middle if it is to, or returns.
fn parted(lower: i32, back: bool) -> [Frame; 2] {
    let write = |part_first: bool| {
        move |a: &mut CodeAssembler| -> Outcome<Vec<CodeLabel>> {
            let (mut part, mut rest, mut callee) = (a.create_label(), a.create_label(), a.create_label());
            let write_part = move |a: &mut CodeAssembler, part: &mut CodeLabel| {
                a.set_label(part)?;
                a.sub(rsp, 4096)?;
                a.call(callee)?;
                a.add(rsp, 4096)?;
                if back {
                    return a.jmp(rest);
                }
                if lower > 0 {
                    a.add(rsp, lower)?;
                }
                a.ret()
            };
            if part_first {
                write_part(a, &mut part)?;
            }
            let start = here(a)?;
            if lower > 0 {
                a.sub(rsp, lower)?;
            }
            a.test(edi, edi)?;
            a.js(part)?;
            a.set_label(&mut rest)?;
            a.nop()?;
            if lower > 0 {
                a.add(rsp, lower)?;
            }
            a.ret()?;
            if !part_first {
                write_part(a, &mut part)?;
            }
            a.set_label(&mut callee)?;
            a.ret()?;
            let functions = if part_first { vec![part, start, callee] } else { vec![start, part, callee] };
            Ok([functions, vec![end(a)?]].concat())
        }
    };
    [frame(write(false)), frame(write(true))]
}

/// Who jumps into a part with something on the stack, or is jumped back into, has no bound; nothing on the stack and a return, and it is a function like
/// others, with which this one ends.
#[test]
fn parts_of_functions_that_are_elsewhere() {
    for lower in [8, 24, 4096] {
        for back in [false, true] {
            let [function, part] = parted(lower, back);
            assert!(function.problems.iter().any(|p| matches!(p, Problem::Unbalanced(_))), "{function:?}");
            // Nor has the part, should anybody ask: it comes back with a stack that is not what it was.
            assert!(!part.problems.is_empty() || callee_is_unknown(&part), "{part:?}");
        }
    }
    let [function, part] = parted(0, true);
    assert!(function.problems.is_empty() && function.sites.iter().all(|s| s.tail), "{function:?}");
    assert!(callee_is_unknown(&part), "it jumps into the middle of a function: {part:?}");
    let [function, part] = parted(0, false);
    assert!(function.problems.is_empty() && part.problems.is_empty(), "{function:?} {part:?}");
    assert!(
        function.sites.len() == 1 && function.sites[0].tail && part.frame >= 4096,
        "{function:?} {part:?}"
    );
}
