//! std's count of panics in progress belongs to the OS thread; here each vthread gets its own.
//!
//! Otherwise a vthread that parks in a drop during unwinding makes the others of its carrier look as if they panicked: a
//! mutex of theirs is poisoned, and their own panics abort the process.
//!
//! std keeps `LOCAL_PANIC_COUNT: Cell<(usize, bool)>` in a private thread-local. The link step writes its offset. Where it
//! has not, the offset shows itself: it is the one word of this executable's thread-locals that is 0 before a panic, 1 in a
//! destructor during it, 2 in a destructor during a panic within, 1 after that one was caught, and 0 in the end.

use crate::arch::{panic_count_offset, thread_pointer};
use core::mem::offset_of;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::OnceLock;
use vale_threads_abi::UNPATCHED;

/// What std keeps: the count, and whether the hook runs. As a whole, so its layout does not matter.
type Count = (usize, bool);

/// Offset from the thread pointer; `None` if it could not be found.
static OFFSET: OnceLock<Option<isize>> = OnceLock::new();

/// A thread's count, put aside.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(crate) struct Saved(Count);

/// Can a vthread park while it panics?
pub(crate) fn is_known() -> bool {
    offset().is_some()
}

/// Finds the count. Called before the first vthread runs: later, others would run in the midst of it.
pub(crate) fn find() {
    OFFSET.get_or_init(|| match panic_count_offset() {
        UNPATCHED => probe(),
        offset => Some(offset as i32 as isize),
    });
}

fn offset() -> Option<isize> {
    *OFFSET.get()?
}

fn place() -> Option<*mut Count> {
    offset().map(|offset| thread_pointer().wrapping_add_signed(offset) as *mut Count)
}

/// Sets this thread's count to none, and gives what was there.
pub(crate) fn put_aside() -> Saved {
    // SAFETY: `find` found std's own cell, which this thread alone uses, and nothing of std's runs meanwhile.
    place().map_or(Saved((0, false)), |place| unsafe { Saved(place.replace((0, false))) })
}

/// Puts back what [`put_aside`] gave.
pub(crate) fn put_back(saved: Saved) {
    if let Some(place) = place() {
        // SAFETY: as above.
        unsafe { place.write(saved.0) };
    }
}

/// Bytes of the executable's thread-locals, which end at the thread pointer.
fn tls_size() -> usize {
    /// # Safety
    /// Called by `dl_iterate_phdr`, with the address of a `usize`.
    unsafe extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _: usize,
        size: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: as `dl_iterate_phdr` promises. The executable comes first, and the 1 ends the visit.
        unsafe {
            let headers = core::slice::from_raw_parts((*info).dlpi_phdr, (*info).dlpi_phnum.into());
            if let Some(tls) = headers.iter().find(|header| header.p_type == libc::PT_TLS) {
                *size.cast::<usize>() =
                    (tls.p_memsz as usize).next_multiple_of((tls.p_align as usize).max(1));
            }
        }
        1
    }
    let mut size = 0usize;
    // SAFETY: `visit` writes one usize.
    unsafe { libc::dl_iterate_phdr(Some(visit), (&raw mut size).cast()) };
    size
}

/// All words of this thread's thread-locals of the executable.
fn words(size: usize) -> Vec<usize> {
    let start = thread_pointer() - size;
    // SAFETY: they are mapped and this thread's; some bytes may be of types with padding, so each word is read by itself, as
    // memory that others may look at too.
    (0..size / 8).map(|i| unsafe { ((start + 8 * i) as *const usize).read_volatile() }).collect()
}

/// Looks at the thread-locals when it is dropped, which is during a panic.
struct Look<'a> {
    seen: &'a mut Vec<Vec<usize>>,
    size: usize,
    nest: bool,
}

impl Drop for Look<'_> {
    fn drop(&mut self) {
        self.seen.push(words(self.size));
        if self.nest {
            let mut inner = Vec::new();
            let size = self.size;
            let _ = catch_unwind(core::panic::AssertUnwindSafe(|| {
                let _look = Look { seen: &mut inner, size, nest: false };
                resume_unwind(Box::new(()));
            }));
            self.seen.append(&mut inner);
            self.seen.push(words(self.size));
        }
    }
}

/// Panics, without the hook, and compares. Other threads may do what they like meanwhile.
fn probe() -> Option<isize> {
    if cfg!(panic = "abort") || std::thread::panicking() {
        return None;
    }
    let size = tls_size();
    let mut seen = vec![words(size)];
    let _ = catch_unwind(core::panic::AssertUnwindSafe(|| {
        let _look = Look { seen: &mut seen, size, nest: true };
        resume_unwind(Box::new(()));
    }));
    seen.push(words(size));
    let [before, during, nested, after_nested, after] = &seen[..] else { return None };
    let matches =
        |&i: &usize| [before[i], during[i], nested[i], after_nested[i], after[i]] == [0, 1, 2, 1, 0];
    let mut found = (0..size / 8).filter(matches);
    let (Some(word), None) = (found.next(), found.next()) else { return None };
    Some((8 * word) as isize - size as isize - offset_of!(Count, 0) as isize)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::panicking;

    struct Check;

    impl Drop for Check {
        fn drop(&mut self) {
            assert!(panicking());
            let saved = put_aside();
            assert!(!panicking());
            // A whole panic of its own fits in between.
            assert!(catch_unwind(|| resume_unwind(Box::new(1))).is_err());
            assert!(!panicking());
            put_back(saved);
            assert!(panicking());
        }
    }

    #[test]
    fn a_panicking_thread_can_look_as_if_it_did_not() {
        find();
        assert!(is_known(), "neither the link step nor the probe has found std's count");
        let result = catch_unwind(|| {
            let _check = Check;
            resume_unwind(Box::new(()));
        });
        assert!(result.is_err() && !panicking());
        assert_eq!(put_aside(), Saved((0, false)));
    }

    #[test]
    fn the_probe_agrees_on_every_thread() {
        let here = probe();
        assert!(here.is_some());
        let there = std::thread::spawn(probe).join().expect("no panic");
        assert_eq!(here, there);
    }
}
