//! Reads and opens that are expected to find what they need in memory, because all before did.

use super::{At, calls, opening, perform, would_wait};
use core::mem::MaybeUninit;
use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

/// So many calls in a row need no waiting before the next ones are made without asking.
const ASKED: u32 = 64;
/// So many are made without asking before it is looked whether one of them has waited.
const UNASKED: u32 = 64;
/// More waits of the thread than this among them were not all for others' locks.
const WAITS: i64 = UNASKED as i64 / 8;

/// What a vthread that reads many files has learned of them. [`try_read`](Self::try_read) and [`try_open_at`](Self::try_open_at) ask whether
/// the call would wait only as long as that is likely: calls that can say so take longer than those that cannot (`preadv2` a
/// tenth of a microsecond, `openat2` a fiftieth).
///
/// Once 64 calls in a row have found what they need in memory, the next ones are plain. If one of 64 such has waited for a disk (the
/// kernel counts that for each thread), twice as many as before must find theirs before there are plain ones again. So few calls ever block the
/// carrier, and each no longer than one read of a disk takes. That is for regular files on local disks alone: a network, or a pipe, may take for ever.
#[derive(Debug)]
pub struct Habit {
    /// Calls that still ask.
    asking: u32,
    /// How many have to be asked for when one has waited.
    price: u32,
    /// Plain calls before the next look.
    unasked: u32,
    before: Counted,
}

/// What the kernel counts of this thread.
#[derive(Clone, Copy, Debug, Default)]
struct Counted {
    /// Which it is: the address of something that is its own.
    thread: usize,
    blocks_read: i64,
    waits: i64,
}

impl Counted {
    fn now() -> Self {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        // SAFETY: it fills a struct of integers, all of whose bytes are initialised.
        let usage = unsafe {
            libc::getrusage(libc::RUSAGE_THREAD, usage.as_mut_ptr());
            usage.assume_init()
        };
        // SAFETY: always this thread's.
        let thread = unsafe { libc::__errno_location() } as usize;
        Self { thread, blocks_read: usage.ru_inblock, waits: usage.ru_nvcsw }
    }

    /// Has a read waited since then? Nobody knows where that was another thread.
    fn has_waited_since(self, before: Self) -> bool {
        self.thread == before.thread
            && (self.blocks_read != before.blocks_read || self.waits - before.waits > WAITS)
    }
}

impl Default for Habit {
    fn default() -> Self {
        Self { asking: ASKED, price: ASKED, unasked: 0, before: Counted::default() }
    }
}

impl Habit {
    /// Reads at the position of the file, most probably without waiting. One that goes from one OS thread to another learns a little less.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the bytes are not in memory; else as `read(2)`.
    pub fn try_read(&mut self, fd: impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
        if self.asking == 0 {
            let read = perform::read_here(fd.as_fd(), buffer);
            self.has_not_asked();
            return read;
        }
        let read = perform::try_read(fd.as_fd(), buffer, At::Position);
        self.has_asked(read.as_ref().is_err_and(would_wait));
        read
    }

    /// Opens `path` relative to `dir`, most probably without waiting. `flags` and `mode` as for `openat(2)`; `O_CLOEXEC` is added.
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) when the names are not in memory; else as `openat(2)`.
    #[inline]
    pub fn try_open_at(&mut self, dir: impl AsFd, path: &CStr, flags: i32, mode: u32) -> io::Result<OwnedFd> {
        let dir = dir.as_fd().as_raw_fd();
        if self.asking == 0 {
            let opened = opening::open_here(dir, path, flags, mode, calls::open);
            self.has_not_asked();
            return opened;
        }
        let opened = opening::try_open(dir, path, flags, mode, 0);
        self.has_asked(opened.as_ref().is_err_and(would_wait));
        opened
    }

    /// [`try_open_at`](Self::try_open_at) by a path that leads to no other mount: what is opened is on the same file system as `dir`, and
    /// where that is local, so is whatever a plain open may wait for.
    ///
    /// # Errors
    /// [`CrossesDevices`](io::ErrorKind::CrossesDevices) when the path leads to another mount, or the kernel cannot tell where it leads; else as `try_open_at`.
    #[inline]
    pub fn try_open_in_mount(
        &mut self,
        dir: impl AsFd,
        path: &CStr,
        flags: i32,
        mode: u32,
    ) -> io::Result<OwnedFd> {
        let dir = dir.as_fd().as_raw_fd();
        if self.asking == 0 {
            let opened = opening::open_here(dir, path, flags, mode, calls::open_in_mount);
            self.has_not_asked();
            return opened;
        }
        let opened = opening::try_open(dir, path, flags, mode, libc::RESOLVE_NO_XDEV);
        self.has_asked(opened.as_ref().is_err_and(would_wait));
        opened
    }

    /// What the thread has waited for since the last call was something else. To be called where work on files begins again.
    pub fn forget_waits(&mut self) {
        if self.asking == 0 {
            // The calls made so far count on: who forgets after every few of them would never look otherwise.
            self.before = Counted::now();
        }
    }

    #[inline]
    fn has_asked(&mut self, would_wait: bool) {
        self.asking = if would_wait { self.price } else { self.asking - 1 };
        if self.asking == 0 {
            (self.unasked, self.before) = (UNASKED, Counted::now());
        }
    }

    #[inline]
    fn has_not_asked(&mut self) {
        self.unasked -= 1;
        if self.unasked == 0 {
            self.look();
        }
    }

    #[cold]
    fn look(&mut self) {
        let now = Counted::now();
        if now.has_waited_since(self.before) {
            self.price = self.price.saturating_mul(2);
            self.asking = self.price;
        }
        (self.unasked, self.before) = (UNASKED, now);
    }

    /// Does the next call ask?
    #[cfg(test)]
    fn asks(&self) -> bool {
        self.asking > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd;
    use std::time::{Duration, Instant};

    #[test]
    fn it_asks_until_all_was_in_memory_and_again_after_a_wait() {
        let path = std::env::temp_dir().join(format!("vthread-habit-{}", std::process::id()));
        std::fs::write(&path, [7; 5000]).expect("a file");
        let read = |habit: &mut Habit| {
            let file = File::open(&path).expect("the file");
            habit.try_read(&file, &mut [0; 8192])
        };
        let mut habit = Habit::default();
        for _ in 0..ASKED {
            assert!(habit.asks());
            assert_eq!(read(&mut habit).expect("in memory"), 5000);
        }
        for _ in 0..UNASKED {
            assert!(!habit.asks());
            assert_eq!(read(&mut habit).expect("a read"), 5000);
        }
        // As if one of the next had read a block.
        habit.before.blocks_read -= 8;
        for _ in 0..UNASKED {
            assert!(!habit.asks());
            read(&mut habit).expect("a read");
        }
        assert!(habit.asks());
        assert_eq!((habit.asking, habit.price), (2 * ASKED, 2 * ASKED));
        std::fs::remove_file(&path).expect("the file");
    }

    #[test]
    fn opens_count_as_well() {
        let path = std::env::temp_dir().join(format!("vthread-habit-open-{}", std::process::id()));
        std::fs::write(&path, [7; 5]).expect("a file");
        let name = std::ffi::CString::new(path.to_str().expect("a path")).expect("no NUL");
        let root = File::open("/").expect("a directory");
        let mut habit = Habit::default();
        for i in 0..2 * ASKED {
            assert_eq!(habit.asks(), i < ASKED);
            let file = habit.try_open_at(&root, &name, libc::O_RDONLY, 0).expect("a file");
            // SAFETY: reads the flags of a descriptor that is open.
            let flags = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETFD) };
            assert_eq!(flags & libc::FD_CLOEXEC, libc::FD_CLOEXEC);
        }
        let error = habit.try_open_at(&root, c"/no such file", libc::O_RDONLY, 0).expect_err("there is none");
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        habit.before.blocks_read -= 8;
        while !habit.asks() {
            drop(habit.try_open_at(&root, &name, libc::O_RDONLY, 0).expect("a file"));
        }
        assert_eq!(habit.price, 2 * ASKED);
        std::fs::remove_file(&path).expect("the file");
    }

    #[test]
    fn a_path_to_another_mount_is_told_whether_it_is_asked_for_or_not() {
        let path = std::env::temp_dir().join(format!("vthread-habit-mount-{}", std::process::id()));
        std::fs::create_dir(&path).expect("a directory");
        std::fs::write(path.join("file"), [7; 5]).expect("a file");
        for (link, to) in [("near", "file"), ("far", "/proc/version")] {
            std::os::unix::fs::symlink(to, path.join(link)).expect("a link");
        }
        let dir = File::open(&path).expect("a directory");
        let mut habit = Habit::default();
        let end = Instant::now() + Duration::from_mins(1);
        let mut without_asking = 0;
        while without_asking < 8 {
            without_asking += u32::from(!habit.asks());
            let waiting = |name| {
                let opened = crate::io::open_in_mount(&dir, name, libc::O_RDONLY, 0);
                opened.map(drop).map_err(|error| error.kind())
            };
            let mut as_usual = |name| loop {
                match habit.try_open_in_mount(&dir, name, libc::O_RDONLY, 0) {
                    // Others rename something, or a link that was made in this tick of the clock is to be marked
                    // as read again: who waits brings it into memory, sooner or later.
                    Err(error) if would_wait(&error) && Instant::now() < end => {
                        let _ = waiting(name);
                        std::thread::yield_now();
                    }
                    opened => break opened.map(drop).map_err(|error| error.kind()),
                }
            };
            for (name, outcome) in
                [(c"file", Ok(())), (c"near", Ok(())), (c"far", Err(io::ErrorKind::CrossesDevices))]
            {
                assert_eq!((waiting(name), as_usual(name)), (outcome, outcome), "{name:?}");
            }
        }
        std::fs::remove_dir_all(&path).expect("the directory");
    }

    #[test]
    fn other_waits_are_forgotten() {
        let silent = File::open("/dev/null").expect("a device");
        let mut habit = Habit { asking: 0, unasked: 1, ..Habit::default() };
        habit.before = Counted { waits: -100, ..Counted::now() };
        habit.forget_waits();
        for _ in 0..UNASKED {
            assert_eq!(habit.try_read(&silent, &mut [0; 8]).expect("the end"), 0);
        }
        assert!(!habit.asks());
    }

    #[test]
    fn who_often_forgets_looks_all_the_same() {
        let silent = File::open("/dev/null").expect("a device");
        let mut habit = Habit { asking: 0, unasked: UNASKED, ..Habit::default() };
        for _ in 0..UNASKED {
            assert!(!habit.asks());
            habit.forget_waits();
            habit.before.blocks_read -= 8;
            assert_eq!(habit.try_read(&silent, &mut [0; 8]).expect("the end"), 0);
        }
        assert!(habit.asks(), "each of them has waited");
    }

    #[test]
    fn what_would_wait_begins_it_anew() {
        let (silent, _other) = io::pipe().expect("a pipe");
        let mut habit = Habit { asking: 1, ..Habit::default() };
        let error = habit.try_read(&silent, &mut [0; 8]).expect_err("nobody has written");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        assert_eq!(habit.asking, ASKED);
        assert!(silent.as_raw_fd() >= 0);
    }
}
