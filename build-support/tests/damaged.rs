//! Damaged executables and code: an error or a result, never a panic, never endless work. The same as the fuzz targets in `fuzz`, bounded and
//! repeatable.

use object::{Object, ObjectSection};
use std::ops::Range;
use std::time::{Duration, Instant};

#[path = "../fuzz/harness/code.rs"]
mod code;
#[path = "../fuzz/harness/executable.rs"]
mod executable;

/// xorshift64*: the same damage in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn small_executable() -> Vec<u8> {
    std::fs::read("/usr/bin/true").or_else(|_| std::fs::read("/bin/true")).unwrap_or_default()
}

/// The ELF header, the section headers, and what each section has in the file.
fn parts(whole: &[u8]) -> Vec<Range<usize>> {
    let file = object::File::parse(whole).expect("the undamaged file is an executable");
    let headers = u64::from_le_bytes(whole[40..48].try_into().expect("eight bytes")) as usize;
    let mut parts = vec![0..64, headers..whole.len()];
    for section in file.sections() {
        let Some((start, size)) = section.file_range() else { continue };
        parts.push(start as usize..(start + size) as usize);
    }
    parts.retain(|part| part.len() >= 8);
    parts
}

/// A field of one part gets a value at the edge of what such fields hold: every part is hit as often as every other,
/// however small it is.
fn damage_field(data: &mut [u8], parts: &[Range<usize>], random: &mut Random) {
    let part = &parts[random.below(parts.len())];
    let width = [1, 2, 4, 8][random.below(4)];
    let place = part.start + random.below(part.len() / width) * width;
    let length = data.len() as u64;
    let edges =
        [0, 1, 0x7fff_ffff, 0x8000_0000, u64::MAX, u64::MAX - 7, 1 << 63, length, length - 1, random.next()];
    let value = edges[random.below(edges.len())].to_le_bytes();
    data[place..place + width].copy_from_slice(&value[..width]);
}

#[test]
fn damaged_fields_are_survived() {
    let whole = small_executable();
    assert!(whole.starts_with(b"\x7fELF"), "no small executable to damage on this machine");
    let parts = parts(&whole);
    assert!(parts.len() > 10, "{parts:?}");
    let long = std::env::var_os("VTHREAD_LONG_TESTS").is_some();
    let limit = Duration::from_secs(if long { 300 } else { 10 });
    let start = Instant::now();
    let mut random = Random(0x0dda_7a5e_ed00_0001);
    let mut looked = 0;
    while start.elapsed() < limit {
        let mut data = whole.clone();
        // Few fields at once: what follows the first error is not looked at.
        for _ in 0..=random.below(3) {
            damage_field(&mut data, &parts, &mut random);
        }
        let one = Instant::now();
        executable::executable(&data);
        assert!(one.elapsed() < Duration::from_secs(20), "a damaged file took {:?}", one.elapsed());
        looked += 1;
    }
    eprintln!("{looked} files");
    assert!(looked > 10, "only {looked} files in {limit:?}");
}

#[test]
fn damaged_executables_are_survived() {
    let whole = small_executable();
    assert!(whole.starts_with(b"\x7fELF"), "no small executable to damage on this machine");
    let long = std::env::var_os("VTHREAD_LONG_TESTS").is_some();
    let limit = Duration::from_secs(if long { 300 } else { 20 });
    let start = Instant::now();
    let mut random = Random(0x1234_5678_9abc_def1);
    let mut looked = 0;
    while start.elapsed() < limit {
        let mut data = whole.clone();
        for _ in 0..=random.below(30) {
            // Half of the damage goes to the headers, where it hurts.
            let place = match random.below(4) {
                0 => random.below(1024.min(data.len())),
                1 => data.len() - 1 - random.below(3000.min(data.len())),
                _ => random.below(data.len()),
            };
            data[place] = match random.below(4) {
                0 => 0xff,
                1 => 0,
                2 => data[place] ^ 1 << random.below(8),
                _ => random.next() as u8,
            };
        }
        if random.below(10) == 0 {
            data.truncate(random.below(data.len()));
        }
        let one = Instant::now();
        executable::executable(&data);
        assert!(one.elapsed() < Duration::from_secs(20), "a damaged file took {:?}", one.elapsed());
        looked += 1;
    }
    assert!(looked > 20, "only {looked} files in {limit:?}");
}

/// Real code, damaged, as the code of functions that begin anywhere: what the interpreter follows is never what a compiler meant.
#[test]
fn damaged_code_is_survived() {
    let whole = small_executable();
    assert!(whole.starts_with(b"\x7fELF"), "no small executable to damage on this machine");
    let file = object::File::parse(&*whole).expect("the undamaged file is an executable");
    let text = file.section_by_name(".text").and_then(|s| s.data().ok()).expect("it has code");
    let long = std::env::var_os("VTHREAD_LONG_TESTS").is_some();
    let rounds = if long { 20_000 } else { 600 };
    let mut random = Random(0xc0de_0000_0000_0001);
    for round in 0..rounds {
        let from = random.below(text.len() - 300);
        let mut data = text[from..from + 20 + random.below(280)].to_vec();
        for _ in 0..random.below(12) {
            let place = random.below(data.len());
            data[place] = match random.below(3) {
                // Instructions on rsp, calls and jumps, prefixes.
                0 => [0x48, 0x54, 0x5c, 0xe8, 0xeb, 0x74, 0xff, 0xc3, 0xc9, 0x66][random.below(10)],
                1 => data[place] ^ 1 << random.below(8),
                _ => random.next() as u8,
            };
        }
        let one = Instant::now();
        code::code(&data);
        assert!(one.elapsed() < Duration::from_secs(20), "round {round} took {:?}", one.elapsed());
    }
}
