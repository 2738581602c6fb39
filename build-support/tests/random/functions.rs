//! Functions that treat the stack as compilers do, at random.

use iced_x86::code_asm::*;

/// Where the code is made for.
pub const BASE: u64 = 0x2000_0000;

/// xorshift64*.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: u64) -> u64 {
        (self.next() >> 11) % limit
    }
}

/// Code, and where its functions are: start and length.
pub struct Made {
    pub code: Vec<u8>,
    pub functions: Vec<(u64, u64)>,
}

/// A program of some functions, each of which calls only earlier ones.
pub fn program(random: &mut Random) -> Made {
    let mut code = Vec::new();
    let mut functions = Vec::new();
    for _ in 0..2 + random.below(10) {
        let start = BASE + code.len() as u64;
        let body = function(random, start, &functions).expect("it assembles");
        functions.push((start, body.code));
        code.extend(body.bytes);
        code.resize(code.len().next_multiple_of(16), 0xcc);
    }
    Made { code, functions }
}

struct Body {
    bytes: Vec<u8>,
    /// Length without the jump table behind it.
    code: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Plain,
    FramePointer,
    Realigned(i32),
    Probed,
    RedZone,
}

struct Writer<'r> {
    a: CodeAssembler,
    random: &'r mut Random,
    callees: Vec<u64>,
    /// Bytes of locals at rsp.
    locals: i32,
    tables: Vec<(CodeLabel, Vec<CodeLabel>)>,
}

type Outcome<T> = Result<T, IcedError>;

fn function(random: &mut Random, start: u64, known: &[(u64, u64)]) -> Outcome<Body> {
    let shape = match random.below(8) {
        2 | 3 => Shape::FramePointer,
        4 => Shape::Realigned(16 << random.below(4)),
        5 => Shape::Probed,
        6 => Shape::RedZone,
        _ => Shape::Plain,
    };
    let callees = if shape == Shape::RedZone { Vec::new() } else { known.iter().map(|f| f.0).collect() };
    let saved = random.below(3) as i32;
    let mut w = Writer { a: CodeAssembler::new(64)?, random, callees, locals: 0, tables: Vec::new() };
    w.prologue(shape, saved)?;
    for _ in 0..=w.random.below(5) {
        w.statement(2)?;
    }
    w.epilogue(shape, saved)?;
    w.finish(start)
}

impl Writer<'_> {
    fn prologue(&mut self, shape: Shape, saved: i32) -> Outcome<()> {
        let frame_pointer = matches!(shape, Shape::FramePointer | Shape::Realigned(_));
        if frame_pointer {
            self.a.push(rbp)?;
            self.a.mov(rbp, rsp)?;
        }
        for register in [rbx, r12].iter().take(saved as usize) {
            self.a.push(*register)?;
        }
        // rsp must be a multiple of 16 where something is called.
        let pushed = 8 * (1 + saved + i32::from(frame_pointer));
        self.locals = 16 * self.random.below(20) as i32 + pushed % 16;
        match shape {
            Shape::RedZone => {
                self.locals = 0;
                let deepest = 8 * (1 + self.random.below(16)) as i32;
                self.a.mov(qword_ptr(rsp - deepest), 1)?;
            }
            Shape::Probed => {
                let pages = 4096 * (1 + self.random.below(4)) as i32;
                let mut again = self.a.create_label();
                self.a.lea(r11, qword_ptr(rsp - pages))?;
                self.a.set_label(&mut again)?;
                self.a.sub(rsp, 4096)?;
                self.a.mov(qword_ptr(rsp), 0)?;
                self.a.cmp(rsp, r11)?;
                self.a.jne(again)?;
                self.a.sub(rsp, self.locals + 16)?;
                self.locals += pages + 16;
            }
            Shape::Realigned(alignment) => {
                self.a.and(rsp, -alignment)?;
                self.locals =
                    (self.locals as u32).next_multiple_of(alignment as u32).max(alignment as u32) as i32;
                self.a.sub(rsp, self.locals)?;
            }
            Shape::Plain | Shape::FramePointer => {
                if self.locals > 0 {
                    self.a.sub(rsp, self.locals)?;
                }
            }
        }
        if self.locals >= 8 {
            self.a.mov(qword_ptr(rsp), 1)?;
        }
        Ok(())
    }

    fn epilogue(&mut self, shape: Shape, saved: i32) -> Outcome<()> {
        let frame_pointer = matches!(shape, Shape::FramePointer | Shape::Realigned(_));
        match shape {
            _ if frame_pointer && saved > 0 => self.a.lea(rsp, qword_ptr(rbp - 8 * saved))?,
            _ if frame_pointer => self.a.mov(rsp, rbp)?,
            Shape::RedZone => {}
            _ if self.locals > 0 => self.a.add(rsp, self.locals)?,
            _ => {}
        }
        for register in [rbx, r12].iter().take(saved as usize).rev() {
            self.a.pop(*register)?;
        }
        if frame_pointer {
            self.a.pop(rbp)?;
        }
        match self.callee() {
            Some(callee) if self.random.below(4) == 0 => self.a.jmp(callee),
            _ => self.a.ret(),
        }
    }

    fn callee(&mut self) -> Option<u64> {
        let count = self.callees.len() as u64;
        (count > 0).then(|| self.callees[self.random.below(count) as usize])
    }

    fn statement(&mut self, depth: u32) -> Outcome<()> {
        match self.random.below(if depth == 0 { 4 } else { 6 }) {
            0 if self.locals >= 8 => {
                let at = 8 * self.random.below(self.locals as u64 / 8) as i32;
                self.a.mov(qword_ptr(rsp + at), 7)
            }
            0 | 1 => self.call(0),
            2 => {
                // An even number of words, so that the call stays aligned.
                let words = 2 * (1 + self.random.below(4)) as i32;
                self.call(words)
            }
            3 => self.through_register(),
            4 => {
                let mut behind = self.a.create_label();
                let bit = 1 << self.random.below(16);
                self.a.test(edi, bit)?;
                self.a.je(behind)?;
                self.statement(depth - 1)?;
                self.statement(depth - 1)?;
                self.a.set_label(&mut behind)?;
                self.a.nop()
            }
            _ => self.switch(depth),
        }
    }

    fn call(&mut self, words: i32) -> Outcome<()> {
        let Some(callee) = self.callee() else { return Ok(()) };
        for word in 0..words {
            self.a.push(word)?;
        }
        self.new_argument()?;
        self.a.call(callee)?;
        if words > 0 {
            self.a.add(rsp, 8 * words)?;
        }
        self.new_argument()
    }

    /// One of two functions, by a register.
    fn through_register(&mut self) -> Outcome<()> {
        let (Some(one), Some(other)) = (self.callee(), self.callee()) else { return Ok(()) };
        self.a.mov(eax, one as u32)?;
        self.a.mov(ecx, other as u32)?;
        self.a.test(edi, 1)?;
        self.a.cmove(rax, rcx)?;
        self.a.call(rax)?;
        self.new_argument()
    }

    fn switch(&mut self, depth: u32) -> Outcome<()> {
        let table = self.a.create_label();
        let mut behind = self.a.create_label();
        let mut arms: Vec<CodeLabel> = (0..4).map(|_| self.a.create_label()).collect();
        self.a.mov(ecx, edi)?;
        self.a.and(ecx, 3)?;
        self.a.lea(rax, qword_ptr(table))?;
        self.a.movsxd(rcx, dword_ptr(rax + rcx * 4))?;
        self.a.add(rcx, rax)?;
        self.a.jmp(rcx)?;
        for arm in &mut arms {
            self.a.set_label(arm)?;
            self.a.nop()?;
            self.statement(depth - 1)?;
            self.a.jmp(behind)?;
        }
        self.a.set_label(&mut behind)?;
        self.a.nop()?;
        self.tables.push((table, arms));
        Ok(())
    }

    fn new_argument(&mut self) -> Outcome<()> {
        let argument = self.random.next() as u32;
        // Part of what came in lives on, so that runs differ.
        self.a.imul_3(edi, edi, 0x0101_0101)?;
        self.a.xor(edi, argument)
    }

    /// Assembles; tables follow the code, as offsets from themselves.
    fn finish(mut self, start: u64) -> Outcome<Body> {
        let mut end = self.a.create_label();
        self.a.set_label(&mut end)?;
        self.a.nop()?;
        let tables = std::mem::take(&mut self.tables);
        let mut labels = Vec::new();
        for (mut table, arms) in tables {
            self.a.set_label(&mut table)?;
            self.a.dd(&vec![0; arms.len()])?;
            labels.push((table, arms));
        }
        let made =
            self.a.assemble_options(start, iced_x86::BlockEncoderOptions::RETURN_NEW_INSTRUCTION_OFFSETS)?;
        let mut bytes = made.inner.code_buffer.clone();
        for (table, arms) in &labels {
            let base = made.label_ip(table)?;
            for (number, arm) in arms.iter().enumerate() {
                let offset = made.label_ip(arm)?.wrapping_sub(base) as u32;
                let at = (base - start) as usize + 4 * number;
                bytes[at..at + 4].copy_from_slice(&offset.to_le_bytes());
            }
        }
        Ok(Body { code: made.label_ip(&end)? - start, bytes })
    }
}
