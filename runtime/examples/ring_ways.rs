//! Measures ways to read many small files whose bytes are not in memory: the choices that `vthread::io` and the search have made.
//!
//! ```console
//! $ cargo run --release -p vale-threads --example ring_ways -- DIRECTORY [ROUNDS [hot]]
//! ```
//!
//! Each way opens, reads and closes every file below the directory, after their bytes have been put out of memory (names stay; with `hot`, all stays), with
//! so many files under way at a time. All ways take turns; a line is the median time a file and the processor time a file.
//!
//! ```text
//! plain        open and close by system calls, read by the ring: what the search does
//! defer        the same with a ring that runs its tasks only when it is asked for completions (DEFER_TASKRUN)
//! chain        open, read and close as three hard-linked entries of the ring, with descriptors of the ring's own
//! threads      blocking calls on so many threads
//! ```

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() -> std::io::Result<()> {
    linux::main()
}

#[cfg(target_os = "linux")]
mod linux {
    use io_uring::types::{DestinationSlot, Fd, Fixed};
    use io_uring::{IoUring, opcode, squeue};
    use std::collections::BTreeMap;
    use std::ffi::CString;
    use std::fs::File;
    use std::io::{self, Read};
    use std::mem::MaybeUninit;
    use std::os::fd::{AsRawFd, IntoRawFd};
    use std::os::unix::ffi::OsStrExt;
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
    use std::time::{Duration, Instant};

    const BUFFER: usize = 16 << 10;

    #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
    enum Way {
        Plain,
        Defer,
        Chain,
        Threads,
    }

    pub(super) fn main() -> io::Result<()> {
        let mut args = std::env::args_os().skip(1);
        let directory = args.next().ok_or_else(|| io::Error::other("which directory?"))?;
        let rounds = args.next().and_then(|n| n.to_str()?.parse().ok()).unwrap_or(5);
        let hot = args.next().is_some_and(|word| word == "hot");
        let mut files = vec![];
        find(Path::new(&directory), &mut files)?;
        let mut taken: BTreeMap<(usize, Way), Vec<(Duration, Duration)>> = BTreeMap::new();
        for round in 0..=rounds {
            for depth in [8, 32, 128, 512] {
                for way in [Way::Plain, Way::Defer, Way::Chain, Way::Threads] {
                    if !hot {
                        evict(&files)?;
                    }
                    let (since, before) = (Instant::now(), processor_time());
                    let bytes = match way {
                        Way::Threads => by_threads(&files, depth)?,
                        _ => by_ring(&files, depth, way)?,
                    };
                    let took = (since.elapsed(), processor_time().saturating_sub(before));
                    assert!(bytes > 0, "nothing was read");
                    // The first round finds out where everything is.
                    if round > 0 {
                        taken.entry((depth, way)).or_default().push(took);
                    }
                }
            }
        }
        println!("{} files", files.len());
        for ((depth, way), mut taken) in taken {
            let each = |time: Duration| time.as_secs_f64() * 1e6 / files.len() as f64;
            taken.sort();
            let (wall, _) = taken[taken.len() / 2];
            taken.sort_by_key(|(_, processor)| *processor);
            let (_, processor) = taken[taken.len() / 2];
            let way = format!("{way:?}").to_lowercase();
            println!(
                "{depth:4} under way  {way:8} {:6.1} us a file, {:6.1} us of processors",
                each(wall),
                each(processor)
            );
        }
        Ok(())
    }

    fn find(directory: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in directory.read_dir()? {
            let entry = entry?;
            let kind = entry.file_type()?;
            if kind.is_dir() {
                find(&entry.path(), files)?;
            } else if kind.is_file() {
                files.push(entry.path());
            }
        }
        Ok(())
    }

    fn evict(files: &[PathBuf]) -> io::Result<()> {
        for path in files {
            let file = File::open(path)?;
            // SAFETY: advice about an open file.
            unsafe { libc::posix_fadvise(file.as_raw_fd(), 0, 0, libc::POSIX_FADV_DONTNEED) };
        }
        Ok(())
    }

    fn processor_time() -> Duration {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: it fills a struct of integers, all of whose bytes are initialised.
        let usage = unsafe {
            libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr());
            usage.assume_init()
        };
        let time =
            |t: libc::timeval| Duration::from_secs(t.tv_sec as u64) + Duration::from_micros(t.tv_usec as u64);
        time(usage.ru_utime) + time(usage.ru_stime)
    }

    fn by_threads(files: &[PathBuf], depth: usize) -> io::Result<usize> {
        let (next, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || -> io::Result<()> {
            let mut buffer = vec![0; BUFFER];
            while let Some(path) = files.get(next.fetch_add(1, Relaxed)) {
                bytes.fetch_add(File::open(path)?.read(&mut buffer)?, Relaxed);
            }
            Ok(())
        };
        std::thread::scope(|threads| {
            let workers: Vec<_> = (0..depth).map(|_| threads.spawn(work)).collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| io::Error::other("a panic"))?)
        })?;
        Ok(bytes.into_inner())
    }

    /// A file under way.
    struct Slot {
        path: CString,
        fd: i32,
        buffer: Vec<u8>,
    }

    fn by_ring(files: &[PathBuf], depth: usize, way: Way) -> io::Result<usize> {
        let mut builder = IoUring::builder();
        builder.setup_single_issuer();
        if way == Way::Defer {
            builder.setup_defer_taskrun();
        } else {
            builder.setup_coop_taskrun().setup_taskrun_flag();
        }
        let mut ring: IoUring = builder.build(3 * depth as u32)?;
        if way == Way::Chain {
            ring.submitter().register_files_sparse(depth as u32)?;
        }
        let new = |_| Slot { path: CString::default(), fd: -1, buffer: vec![0; BUFFER] };
        let mut slots: Vec<Slot> = (0..depth).map(new).collect();
        let mut free: Vec<usize> = (0..depth).collect();
        let mut paths = files.iter();
        let (mut left, mut bytes) = (files.len(), 0);
        while left > 0 {
            while let Some(&index) = free.last()
                && let Some(path) = paths.next()
            {
                free.pop();
                begin(&mut ring, way, index, &mut slots[index], path)?;
                // As the runtime does, which submits sixteen at a time.
                if ring.submission().len() >= 16 {
                    ring.submit()?;
                }
            }
            ring.submit_and_wait(1)?;
            for completion in ring.completion() {
                let (index, step) = ((completion.user_data() / 4) as usize, completion.user_data() % 4);
                if completion.result() < 0 {
                    return Err(io::Error::from_raw_os_error(-completion.result()));
                }
                if step == READ {
                    bytes += completion.result() as usize;
                    if way != Way::Chain {
                        // SAFETY: opened by `begin`, and closed once.
                        unsafe { libc::close(slots[index].fd) };
                    }
                }
                if step == CLOSE || step == READ && way != Way::Chain {
                    free.push(index);
                    left -= 1;
                }
            }
        }
        Ok(bytes)
    }

    const OPEN: u64 = 0;
    const READ: u64 = 1;
    const CLOSE: u64 = 2;

    fn begin(ring: &mut IoUring, way: Way, index: usize, slot: &mut Slot, path: &Path) -> io::Result<()> {
        slot.path = CString::new(path.as_os_str().as_bytes())?;
        let name = 4 * index as u64;
        let (to, len) = (slot.buffer.as_mut_ptr(), slot.buffer.len() as u32);
        let entries: Vec<squeue::Entry> = if way == Way::Chain {
            let place = DestinationSlot::try_from_slot_target(index as u32)
                .map_err(|_| io::Error::other("a slot too many"))?;
            let open = opcode::OpenAt::new(Fd(libc::AT_FDCWD), slot.path.as_ptr()).file_index(Some(place));
            let own = Fixed(index as u32);
            vec![
                open.build().flags(squeue::Flags::IO_HARDLINK).user_data(name + OPEN),
                opcode::Read::new(own, to, len)
                    .build()
                    .flags(squeue::Flags::IO_HARDLINK)
                    .user_data(name + READ),
                opcode::Close::new(own).build().user_data(name + CLOSE),
            ]
        } else {
            slot.fd = File::open(path)?.into_raw_fd();
            vec![opcode::Read::new(Fd(slot.fd), to, len).build().user_data(name + READ)]
        };
        // SAFETY: path and buffer stay in their slot until the last entry has completed; a ring has room for three entries of each.
        unsafe { ring.submission().push_multiple(&entries) }.map_err(io::Error::other)
    }
}
