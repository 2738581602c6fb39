//! A segmentation fault in a vthread says which vthread it was, and what was exceeded; then it takes its course.

use crate::carrier;
use crate::hop_stack;
use crate::stacks::{Promise, Stacks};
use core::fmt::{self, Write};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};
use libc::{c_int, c_void, siginfo_t};
use std::sync::Once;

const SIGNALS: [c_int; 2] = [libc::SIGSEGV, libc::SIGBUS];

/// What was installed before us, per signal.
struct Before {
    action: core::cell::UnsafeCell<MaybeUninit<libc::sigaction>>,
    is_set: AtomicBool,
}

// SAFETY: written once before `is_set`, and only read after it.
unsafe impl Sync for Before {}

static BEFORE: [Before; 2] = [const {
    Before { action: core::cell::UnsafeCell::new(MaybeUninit::uninit()), is_set: AtomicBool::new(false) }
}; 2];

/// A line of text on the handler's stack: nothing may be allocated there.
struct Line {
    bytes: [u8; 512],
    len: usize,
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = self.bytes.len() - self.len;
        let fits = text.len().min(room);
        self.bytes[self.len..self.len + fits].copy_from_slice(&text.as_bytes()[..fits]);
        self.len += fits;
        Ok(())
    }
}

fn say(text: fmt::Arguments<'_>) {
    let mut line = Line { bytes: [0; 512], len: 0 };
    let _ = line.write_fmt(text);
    let _ = line.write_str("\n");
    // SAFETY: writes our own bytes to standard error.
    unsafe { libc::write(2, line.bytes.as_ptr().cast(), line.len) };
}

/// What overflows a hop stack, and what helps.
const DEEP: &str = "What goes too deep is mostly recursion in code without #[vthread], or by way of traits of others, or the drop of a long list. \
    Put #[vthread] on the recursion, and #[vthread(recursive)] on the method or function through which it goes; in a Drop, take the structure apart in a loop.";

/// Says what is known of a fault at `address`.
fn explain(address: usize) {
    if let Some(thread) = Promise::of_this_thread() {
        return explain_on_a_thread(address, thread);
    }
    let Some(root) = carrier::mounted() else { return };
    let (id, name) = (root.task().id, root.task().closure_name());
    if hop_stack::guard_holds(address) {
        // Two lines, because the name may be long.
        say(format_args!(
            "\nvthread {id} ({name}) has overflowed its hop stack of {} bytes.",
            hop_stack::size()
        ));
        return say(format_args!(
            "Calls for which no bound is known run there. {DEEP} \
             Or make hop stacks larger: VTHREAD_HOP_STACK=BYTES in the environment, or Builder::hop_stacks."
        ));
    }
    if let Some(over) = Stacks::with(|stacks| stacks.guarded_at(address)).flatten() {
        let (entry, size, by) = (over.name, over.size, over.by);
        if over.unproved {
            return say(format_args!(
                "\nvthread {id} ({name}) has overflowed the {size} bytes of {entry}, for which no bound was proved. \
                 `vthread-bounds` says why; Builder::unproved_stacks makes them larger."
            ));
        }
        return say(format_args!(
            "\nvthread {id} ({name}) has gone {by} bytes below the stack of {entry}, which was given {size} bytes."
        ));
    }
    say(format_args!("\nvthread {id} ({name}): memory fault at {address:#x}, not a stack of its own"));
}

/// The same for an OS thread with an exact stack.
fn explain_on_a_thread(address: usize, thread: &Promise) {
    let name = thread.name;
    let below = |lowest: usize| (lowest - vale_threads_abi::PAGE as usize..lowest).contains(&address);
    let [stack, hop_stack] = thread.lowest.map(below);
    if stack {
        say(format_args!("\nthe thread of {name} has overflowed its own stack"));
    } else if hop_stack {
        say(format_args!("\nthe thread of {name} has overflowed its hop stack"));
        say(format_args!(
            "Calls for which no bound is known run there: recursion in code without #[vthread], by way of traits of others or by pointers, the drop of a long list. \
             Make hop stacks larger, VTHREAD_HOP_STACK=BYTES in the environment, or run it in a virtual thread, where #[vthread(recursive)] on the method or function \
             through which the recursion goes gets it more of them."
        ));
    } else if let Some(over) = Stacks::with(|stacks| stacks.guarded_at(address)).flatten() {
        let (entry, size, by) = (over.name, over.size, over.by);
        say(format_args!(
            "\nthe thread of {name} has gone {by} bytes below the stack of {entry}, which was given {size} bytes"
        ));
    }
}

/// The handler.
///
/// # Safety
/// Called by the kernel, or with what it would pass.
unsafe extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid one.
    let info_of = unsafe { &*info };
    // What somebody has sent has no address.
    if info_of.si_code > 0 {
        // SAFETY: the kernel has filled it in: of a fault.
        explain(unsafe { info_of.si_addr() } as usize);
    }
    let index = usize::from(signal != libc::SIGSEGV);
    if !BEFORE[index].is_set.load(Acquire) {
        return;
    }
    // SAFETY: set, and not written any more.
    let before = unsafe { (*BEFORE[index].action.get()).assume_init_ref() };
    match before.sa_sigaction {
        libc::SIG_DFL | libc::SIG_IGN => {
            // Returning runs the faulting instruction again, so that a core shows the real place.
            // SAFETY: restores the default.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        handler if before.sa_flags & libc::SA_SIGINFO != 0 => {
            type Full = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);
            // SAFETY: with this flag a handler has this type.
            unsafe { core::mem::transmute::<usize, Full>(handler)(signal, info, context) };
        }
        handler => {
            type Short = unsafe extern "C" fn(c_int);
            // SAFETY: without the flag it has this type.
            unsafe { core::mem::transmute::<usize, Short>(handler)(signal) };
        }
    }
}

/// Installs the handlers, once per process.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        for (index, signal) in SIGNALS.into_iter().enumerate() {
            // SAFETY: `on_fault` only reads what the interrupted thread owns, allocates nothing, and hands over to what
            // was installed before; that is stored before it can run. Zeros are the defaults of the struct.
            unsafe {
                let mut before: libc::sigaction = core::mem::zeroed();
                if libc::sigaction(signal, core::ptr::null(), &raw mut before) != 0 {
                    continue;
                }
                (*BEFORE[index].action.get()).write(before);
                BEFORE[index].is_set.store(true, Release);
                let mut action: libc::sigaction = core::mem::zeroed();
                action.sa_sigaction = on_fault as *const () as usize;
                action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
                libc::sigaction(signal, &raw const action, core::ptr::null_mut());
            }
        }
    });
}
