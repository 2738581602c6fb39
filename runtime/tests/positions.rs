//! Several vthreads that read or write at the position of one file: each gets bytes of its own, as threads do.
#![cfg(vthread_native)]

mod common;

use common::passes_with_and_without_a_ring;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use vthread::__private::inject::{Call, Fault, inject};
use vthread::Runtime;
use vthread::fs::File;

/// Of the system's, on a disk: elsewhere nothing waits.
fn file(name: &str) -> std::fs::File {
    let path =
        std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
    let file = std::fs::File::options().read(true).write(true).create_new(true).open(&path).expect("a file");
    std::fs::remove_file(&path).expect("it was made");
    file
}

const ROUNDS: usize = 100;
const BLOCKS: usize = 64;

#[test]
fn what_two_write_is_all_there() {
    if passes_with_and_without_a_ring("what_two_write_is_all_there") {
        return;
    }
    for (carriers, sizes) in [(1, [128 << 10, 100]), (2, [128 << 10, 96 << 10]), (2, [200, 100])] {
        for waits in [false, true] {
            inject(waits.then(|| Box::new(|_: Call<'_>| Some(Fault::Wait)) as _));
            let file = File::from(file("written"));
            let each = |byte: u8, size: usize| {
                let block = vec![byte; size];
                for _ in 0..ROUNDS {
                    (&file).write_all(&block).expect("room on the disk");
                    vthread::yield_now();
                }
            };
            let runtime = Runtime::builder().carriers(carriers).build().expect("carriers");
            let both = || {
                vthread::scope(|s| {
                    s.spawn(|| each(1, sizes[0]));
                    s.spawn(|| each(2, sizes[1]));
                });
            };
            runtime.run(both).expect("a vthread");
            let len = file.metadata().expect("open").len();
            assert_eq!(len, (ROUNDS * (sizes[0] + sizes[1])) as u64, "{carriers} {sizes:?} {waits}");
        }
    }
    inject(None);
}

#[test]
fn each_byte_is_read_once() {
    if passes_with_and_without_a_ring("each_byte_is_read_once") {
        return;
    }
    let mut file = file("read");
    for block in 0..BLOCKS {
        file.write_all(&vec![block as u8; 64 << 10]).expect("room on the disk");
    }
    file.sync_all().expect("a disk");
    for waits in [false, true] {
        std::io::Seek::rewind(&mut file).expect("a file");
        // SAFETY: no pointers; a hint, after which all has to be read from the disk, most probably.
        unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        inject(waits.then(|| Box::new(|_: Call<'_>| Some(Fault::Wait)) as _));
        let read = [const { AtomicUsize::new(0) }; BLOCKS];
        let each = |mut file: File| {
            let mut buffer = vec![0; 64 << 10];
            loop {
                let n = file.read(&mut buffer).expect("bytes");
                if n == 0 {
                    return;
                }
                for &byte in &buffer[..n] {
                    read[usize::from(byte)].fetch_add(1, Relaxed);
                }
            }
        };
        vthread::run(|| {
            vthread::scope(|s| {
                for _ in 0..3 {
                    let shared = File::from(file.try_clone().expect("a descriptor"));
                    s.spawn(move || each(shared));
                }
            });
        });
        for (block, n) in read.iter().enumerate() {
            assert_eq!(n.load(Relaxed), 64 << 10, "block {block}, {waits}");
        }
    }
    inject(None);
}

#[test]
fn what_cannot_be_an_offset_is_none() {
    let mut std = file("offsets");
    std.write_all(b"hollow").expect("room on the disk");
    std::io::Seek::rewind(&mut std).expect("a file");
    let file = File::from(std.try_clone().expect("a descriptor"));
    for offset in [u64::MAX, u64::MAX - 1, 1 << 63] {
        let said = std.read_at(&mut [0; 3], offset).expect_err("no offset").kind();
        assert_eq!(said, ErrorKind::InvalidInput);
        let all = || {
            assert_eq!(file.read_at(&mut [0; 3], offset).expect_err("no offset").kind(), said);
            assert_eq!(file.write_at(b"x", offset).expect_err("no offset").kind(), said);
        };
        all();
        vthread::run(all);
    }
    assert_eq!(file.read_at(&mut [0; 3], i64::MAX as u64 - 3).expect("the end"), 0);
    let mut left = String::new();
    std.read_to_string(&mut left).expect("text");
    assert_eq!(left, "hollow", "the position was moved");
}
