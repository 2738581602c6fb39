//! Damaged executables: an error or a result, never a panic, never endless work.

use std::time::{Duration, Instant};
use vale_threads_build::program::Loaded;
use vale_threads_build::{link, report};

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

fn look_at(data: &[u8]) {
    if let Ok(loaded) = Loaded::read(data) {
        let solved = loaded.every_function();
        let every = report::every_function(&loaded, &solved);
        let _ = report::table(&every);
        let _ = report::entries(&loaded);
        for function in loaded.functions.iter() {
            let _ = loaded.functions.rows(function);
        }
    }
    let _ = link::process(std::path::Path::new("damaged"), data);
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
        look_at(&data);
        assert!(one.elapsed() < Duration::from_secs(20), "a damaged file took {:?}", one.elapsed());
        looked += 1;
    }
    assert!(looked > 20, "only {looked} files in {limit:?}");
}
