//! Files from vthreads: what std would say, while nothing has to wait and when everything has to.
#![cfg(vthread_native)]

mod common;

use common::{Place, alone, passes_with_and_without_a_ring};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::os::fd::FromRawFd;
use std::path::PathBuf;
use vthread::__private::inject::{Call, Fault, inject};
use vthread::fs::{self, Dir, File};

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("proc").count()
}

fn everything(place: &Place) {
    let (a, b) = (place.at("a"), place.at("b"));
    assert_eq!(File::open(&a).unwrap_err().kind(), ErrorKind::NotFound);
    fs::write(&a, "hollow voice says plugh").unwrap();
    assert_eq!(fs::read_to_string(&a).unwrap(), "hollow voice says plugh");
    assert_eq!(std::fs::read(&a).unwrap(), fs::read(&a).unwrap());

    let mut file = File::options().read(true).write(true).open(&a).unwrap();
    assert_eq!(file.seek(SeekFrom::Start(7)).unwrap(), 7);
    let mut word = [0; 5];
    file.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"voice");
    file.write_all(b"!").unwrap();
    file.write_all_at(b"HOLLOW", 0).unwrap();
    let mut start = [0; 13];
    file.read_exact_at(&mut start, 0).unwrap();
    assert_eq!(&start, b"HOLLOW voice!");
    assert_eq!(file.read_exact_at(&mut [0; 2], 22).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    file.sync_all().unwrap();
    file.sync_data().unwrap();
    file.set_len(6).unwrap();
    assert_eq!(file.metadata().unwrap().len(), 6);
    assert_eq!(fs::metadata(&a).unwrap().len(), 6);

    fs::rename(&a, &b).unwrap();
    assert!(!fs::exists(&a).unwrap() && fs::exists(&b).unwrap());
    fs::hard_link(&b, &a).unwrap();
    fs::symlink("b", place.at("link")).unwrap();
    assert!(fs::symlink_metadata(place.at("link")).unwrap().is_symlink());
    assert!(fs::metadata(place.at("link")).unwrap().is_file());
    assert_eq!(fs::read_link(place.at("link")).unwrap(), PathBuf::from("b"));
    assert_eq!(fs::copy(&b, place.at("c")).unwrap(), 6);
    assert_eq!(File::create_new(&b).unwrap_err().kind(), ErrorKind::AlreadyExists);

    let dir = Dir::open(place.path()).unwrap();
    dir.create_dir_at("d").unwrap();
    assert_eq!(fs::create_dir(place.at("d")).unwrap_err().kind(), ErrorKind::AlreadyExists);
    let inner = dir.open_dir_at("d").unwrap();
    dir.rename_at("c", &inner, "moved").unwrap();
    let mut text = String::new();
    inner.open_at("moved").unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "HOLLOW");
    assert_eq!(inner.metadata_at("moved").unwrap().len(), 6);
    let mut names: Vec<_> = fs::read_dir(place.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["a", "b", "d", "link"]);
    assert!(dir.read_dir().unwrap().any(|e| e.unwrap().is_dir() == Some(true)));
    assert_eq!(fs::remove_dir(place.at("d")).unwrap_err().kind(), ErrorKind::DirectoryNotEmpty);
    inner.remove_file_at("moved").unwrap();
    dir.remove_dir_at("d").unwrap();
    for name in ["a", "b", "link"] {
        fs::remove_file(place.at(name)).unwrap();
    }
    fs::create_dir_all(place.at("x/y/z")).unwrap();
    fs::remove_dir_all(place.at("x")).unwrap();
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn as_std_on_an_ordinary_thread() {
    let _alone = alone();
    everything(&Place::new("files-ordinary"));
}

#[test]
fn as_std_on_a_vthread() {
    let _alone = alone();
    let place = Place::new("files-vthread");
    vthread::run(|| everything(&place));
}

#[test]
fn as_std_when_everything_waits() {
    let _alone = alone();
    let place = Place::new("files-waits");
    inject(Some(Box::new(|_| Some(Fault::Wait))));
    vthread::run(|| everything(&place));
    // Descriptors of the ring are the carrier's; its bell is kept.
    let before = descriptors();
    vthread::run(|| everything(&place));
    assert_eq!(descriptors(), before);
}

#[test]
fn interrupted_and_short_calls_lose_nothing() {
    let _alone = alone();
    let place = Place::new("files-short");
    let text: Vec<u8> = (0..50_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut calls = 0_u32;
    inject(Some(Box::new(move |call| {
        calls += 1;
        match (calls % 4, call) {
            (0, _) => Some(Fault::Fail(libc::EINTR)),
            (1, Call::Read(_) | Call::Write(_)) => Some(Fault::Short(4099)),
            _ => Some(Fault::Wait),
        }
    })));
    let back = vthread::run(|| {
        fs::write(place.at("t"), &text)?;
        fs::read(place.at("t"))
    });
    assert!(back.unwrap() == text);
}

#[test]
fn a_fault_of_one_is_not_another_ones() {
    let _alone = alone();
    let place = Place::new("files-fault");
    for name in ["good", "bad"] {
        std::fs::write(place.at(name), name).unwrap();
    }
    for errno in [libc::EIO, libc::ENOMEM, libc::EMFILE, libc::ENOENT] {
        inject(Some(Box::new(move |call| match call {
            Call::Open(path) if path.to_bytes().ends_with(b"bad") => Some(Fault::Fail(errno)),
            _ => Some(Fault::Wait),
        })));
        let (good, bad) = vthread::run(|| {
            vthread::scope(|s| {
                let good = s.spawn(|| fs::read(place.at("good")));
                let bad = s.spawn(|| fs::read(place.at("bad")));
                (good.join().unwrap(), bad.join().unwrap())
            })
        });
        assert_eq!(good.unwrap(), b"good");
        assert_eq!(bad.unwrap_err().raw_os_error(), Some(errno));
    }
}

#[test]
fn many_are_under_way_at_a_time() {
    let _alone = alone();
    let place = Place::new("files-many");
    for i in 0..300 {
        std::fs::write(place.at(&i.to_string()), vec![i as u8; 3000 + i]).unwrap();
    }
    inject(Some(Box::new(|_| Some(Fault::Wait))));
    let most = vthread::run(|| {
        vthread::scope(|s| {
            for i in 0..300 {
                let path = place.at(&i.to_string());
                s.spawn(move || assert_eq!(fs::read(path).unwrap(), vec![i as u8; 3000 + i]));
            }
        });
        vthread::stats().operations.most
    });
    // Calls of the pool are over soon.
    let least = if std::env::var_os("VTHREAD_IO").is_some_and(|io| io == "pool") { 2 } else { 8 };
    assert!(most >= least, "{most}");
}

/// Vthreads that want more files at a time than there may be, each with a cancellation now and then.
fn crowd(place: &Place, count: usize) -> (usize, usize) {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    let (read, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    vthread::scope(|s| {
        for i in 0..count {
            let (read, refused) = (&read, &refused);
            s.spawn(move || {
                let file = match File::open(place.at(&(i % 50).to_string())) {
                    Ok(file) => file,
                    Err(error) => {
                        assert_eq!(error.raw_os_error(), Some(libc::EMFILE));
                        refused.fetch_add(1, Relaxed);
                        return;
                    }
                };
                // Others want one meanwhile.
                vthread::yield_now();
                let mut bytes = [0; 100];
                file.read_exact_at(&mut bytes, 0).unwrap();
                assert_eq!(bytes, [(i % 50) as u8; 100]);
                read.fetch_add(1, Relaxed);
            });
        }
    });
    (read.into_inner(), refused.into_inner())
}

#[test]
fn few_descriptors_are_errors_and_no_leak() {
    if passes_with_and_without_a_ring("few_descriptors_are_errors_and_no_leak") {
        return;
    }
    let place = Place::new("files-few");
    for i in 0..50 {
        std::fs::write(place.at(&i.to_string()), [i as u8; 100]).unwrap();
    }
    let limit = libc::rlimit { rlim_cur: 64, rlim_max: 64 };
    // SAFETY: lowers a limit of this process.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
    for waits in [false, true] {
        inject(waits.then(|| Box::new(|_: Call<'_>| Some(Fault::Wait)) as _));
        let before = vthread::run(|| {
            // What waits has its ring from here on.
            drop(fs::read(place.at("1")));
            let before = vthread::hop(descriptors);
            for _ in 0..20 {
                let (read, refused) = crowd(&place, 200);
                assert!(read >= 20 && read + refused == 200, "{read} {refused}");
                assert_eq!(vthread::hop(descriptors), before);
            }
            // Those that are cancelled while they open and read leave none open either.
            for _ in 0..20 {
                let end = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    vthread::scope(|s| {
                        for i in 0..40 {
                            let path = place.at(&i.to_string());
                            s.spawn(move || drop(File::open(path).and_then(|mut f| f.read(&mut [0; 10]))));
                        }
                        vthread::yield_now();
                        s.cancel();
                    });
                }));
                drop(end);
                assert_eq!(vthread::hop(descriptors), before);
            }
            before
        });
        assert!(before < 20, "{before}");
    }
    inject(None);
}

/// A pipe that nobody writes to.
fn pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: fills the array; the descriptors are nobody else's.
    unsafe {
        assert_eq!(libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC), 0);
        (File::from_raw_fd(ends[0]), File::from_raw_fd(ends[1]))
    }
}

#[test]
fn what_was_tried_is_waited_for() {
    let _alone = alone();
    let check = || {
        let (reader, mut writer) = pipe();
        let mut buffer = [0; 8];
        let tried = vthread::io::try_read(&reader, &mut buffer).unwrap_err();
        assert_eq!(tried.kind(), ErrorKind::WouldBlock);
        writer.write_all(b"plugh").unwrap();
        assert_eq!(vthread::io::read_after_try(&reader, &mut buffer).unwrap(), 5);
        drop(writer);
        assert_eq!(vthread::io::read_after_try(&reader, &mut buffer).unwrap(), 0);
        assert_eq!(&buffer[..5], b"plugh");
    };
    check();
    vthread::run(check);
    vthread::run(|| {
        let (reader, mut writer) = pipe();
        vthread::scope(|s| {
            let read = s.spawn_local(|| {
                let mut buffer = [0; 8];
                (vthread::io::read_after_try(&reader, &mut buffer).unwrap(), buffer)
            });
            vthread::yield_now();
            writer.write_all(b"xyzzy").unwrap();
            let (n, buffer) = read.join().unwrap();
            assert_eq!(&buffer[..n], b"xyzzy");
        });
    });
}

/// The same at both ends: what is written is added, and read in one piece.
fn counter() -> (File, File) {
    // SAFETY: the descriptor is nobody else's.
    let counter = unsafe { File::from_raw_fd(libc::eventfd(0, libc::EFD_CLOEXEC)) };
    (counter.try_clone().unwrap(), counter)
}

/// Each waits for the one after it.
fn chain(length: u64, link: fn() -> (File, File)) {
    let mut links: Vec<_> = (0..=length).map(|_| link()).collect();
    let (mut end, mut last) = links.pop().unwrap();
    let sum = vthread::run(|| {
        vthread::scope(|s| {
            let mut next = &mut last;
            for (from, to) in links.iter_mut().rev() {
                // Waits for its link, and adds one for the next.
                s.spawn_local(move || {
                    let mut bytes = [0; 8];
                    from.read_exact(&mut bytes).unwrap();
                    next.write_all(&(u64::from_ne_bytes(bytes) + 1).to_ne_bytes()).unwrap();
                });
                next = to;
            }
            vthread::yield_now();
            next.write_all(&1_u64.to_ne_bytes()).unwrap();
            let mut bytes = [0; 8];
            end.read_exact(&mut bytes).unwrap();
            u64::from_ne_bytes(bytes)
        })
    });
    assert_eq!(sum, length + 1);
}

/// More than the pool makes calls at a time wait for something that others of them write, last come first served; many for one; and one writes more
/// than there is room for.
#[test]
fn pipes_wait_for_each_other_in_any_number() {
    if passes_with_and_without_a_ring("pipes_wait_for_each_other_in_any_number") {
        return;
    }
    chain(200, pipe);
    chain(200, counter);
    let (from, mut to) = pipe();
    let read = vthread::run(|| {
        vthread::scope(|s| {
            let readers: Vec<_> = (0..40)
                .map(|_| {
                    s.spawn_local(|| {
                        let (mut all, mut bytes) = (0, [0; 1000]);
                        while let n @ 1.. = (&from).read(&mut bytes).unwrap() {
                            assert!(bytes[..n].iter().all(|byte| *byte == 7));
                            all += n;
                        }
                        all
                    })
                })
                .collect();
            vthread::yield_now();
            to.write_all(&vec![7; 1 << 20]).unwrap();
            drop(to);
            readers.into_iter().map(|r| r.join().unwrap()).sum::<usize>()
        })
    });
    assert_eq!(read, 1 << 20);
}

#[test]
fn a_cancelled_read_ends_and_leaves_its_buffer() {
    if passes_with_and_without_a_ring("a_cancelled_read_ends_and_leaves_its_buffer") {
        return;
    }
    for _ in 0..50 {
        let (mut from, mut to) = pipe();
        let ended = vthread::run(|| {
            vthread::scope(|s| {
                let reader = s.spawn(|| {
                    let mut buffer = [7_u8; 64];
                    let _ = from.read(&mut buffer);
                    unreachable!("it was cancelled");
                });
                vthread::sleep(std::time::Duration::from_millis(1));
                s.cancel();
                reader.join().unwrap_err()
            })
        });
        assert!(ended.is::<vthread::Cancelled>());
        // Nobody reads any more: what is written stays in the pipe.
        to.write_all(b"late").unwrap();
        let mut late = [0; 4];
        from.read_exact(&mut late).unwrap();
        assert_eq!(&late, b"late");
    }
}

#[test]
fn a_panic_beside_a_read_waits_for_it() {
    let _alone = alone();
    let (mut from, to) = pipe();
    let before = descriptors();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        vthread::run(|| {
            vthread::scope(|s| {
                s.spawn(|| {
                    let mut buffer = [0; 8];
                    assert_eq!(from.read(&mut buffer).unwrap(), 2);
                    assert_eq!(&buffer[..2], b"ok");
                });
                s.spawn(|| {
                    vthread::yield_now();
                    (&to).write_all(b"ok").unwrap();
                });
                panic!("beside");
            })
        })
    }));
    assert_eq!(panicked.unwrap_err().downcast_ref(), Some(&"beside"));
    // The ring has gone with its carrier; a bell, made once, may have come.
    assert!(descriptors() <= before + 1);
}

#[test]
fn an_unpark_ends_no_read() {
    let _alone = alone();
    let (mut from, mut to) = pipe();
    vthread::run(|| {
        vthread::scope(|s| {
            let reader = s.spawn(move || {
                let mut buffer = [0; 4];
                (from.read(&mut buffer).unwrap(), buffer)
            });
            vthread::yield_now();
            reader.vthread().unpark();
            vthread::yield_now();
            assert!(!reader.is_finished());
            to.write_all(b"1234").unwrap();
            assert_eq!(reader.join().unwrap(), (4, *b"1234"));
        });
    });
}

/// Another thread ends the sleep of a carrier that waits in its ring.
#[test]
fn news_reach_a_carrier_that_waits_in_its_ring() {
    let _alone = alone();
    let (mut from, mut to) = pipe();
    vthread::run(|| {
        vthread::scope(|s| {
            s.spawn(move || from.read(&mut [0; 4]).unwrap());
            let (send, receive) = vthread::channel::unbounded();
            let other = std::thread::spawn(move || {
                std::thread::sleep(std::time::Duration::from_millis(30));
                send.send(5).unwrap();
            });
            assert_eq!(receive.recv().unwrap(), 5);
            to.write_all(b"end").unwrap();
            other.join().unwrap();
        });
    });
}
