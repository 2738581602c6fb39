//! What threads of this process do, as the system tells.

use core::ffi::{CStr, c_void};
use core::fmt::Write;
use core::mem::zeroed;
use std::fs::{read_dir, read_to_string};
use std::thread;
use std::time::{Duration, Instant};

/// For so long it is looked how busy threads are.
const A_WHILE: Duration = Duration::from_millis(200);
/// So many are told of.
const MOST: usize = 40;

/// What a thread of ours does, in words.
pub(super) fn state(thread: u64) -> String {
    let Ok(call) = read_to_string(format!("/proc/self/task/{thread}/syscall")) else {
        return String::from(if stat(thread).is_none() { "has ended" } else { "does what cannot be seen" });
    };
    let mut words = call.split_ascii_whitespace();
    match (words.next(), words.last()) {
        (Some("running") | None, _) | (_, None) => String::from("computes"),
        // In the kernel, but for no call: for a page of a file or of swapped memory, as a rule.
        (Some("-1"), _) => String::from("waits for memory"),
        (Some(number), Some(counter)) => {
            let at = usize::from_str_radix(counter.trim_start_matches("0x"), 16).ok();
            let name = at.and_then(function_at).map_or(String::new(), |name| format!(", in {name}"));
            // What no signal ends is as a rule a wait for a disk.
            let kind = stat(thread).filter(|stat| stat.letter == 'D').map_or("", |_| " by a device");
            format!("is blocked{kind} in system call {number}{name}")
        }
    }
}

/// The function of a library there.
fn function_at(address: usize) -> Option<String> {
    // SAFETY: only filled below. All zeros is a valid value.
    let mut found: libc::Dl_info = unsafe { zeroed() };
    // SAFETY: any address may be asked for.
    let done = unsafe { libc::dladdr(address as *const c_void, &raw mut found) };
    // SAFETY: names are of loaded libraries, C strings or null.
    (done != 0 && !found.dli_sname.is_null())
        .then(|| unsafe { CStr::from_ptr(found.dli_sname) }.to_string_lossy().into_owned())
}

/// Is the thread asleep in the kernel, and not just about to run? Where the system does not tell, it may be.
pub(super) fn sleeps(thread: u64) -> bool {
    stat(thread).is_none_or(|stat| stat.letter == 'S')
}

struct Stat {
    name: String,
    /// `R`, `S`, `D`, ..
    letter: char,
    /// Of a processor so far.
    used: Duration,
}

/// `None`: there is no such thread, or the system does not tell.
fn stat(thread: u64) -> Option<Stat> {
    let text = read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    // SAFETY: no preconditions.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    parse(&text, u64::try_from(ticks).ok().filter(|&ticks| ticks > 0)?)
}

fn parse(text: &str, ticks: u64) -> Option<Stat> {
    // The name, in parentheses, may hold anything.
    let (before, rest) = text.rsplit_once(") ")?;
    let mut words = rest.split_ascii_whitespace();
    let letter = words.next()?.chars().next()?;
    let mut times = words.skip(10).map(str::parse::<u64>);
    let used = times.next()?.ok()? + times.next()?.ok()?;
    let name = before.split_once('(')?.1.to_owned();
    Some(Stat { name, letter, used: Duration::from_millis(used.saturating_mul(1000) / ticks) })
}

/// What the thread has had of a processor so far, and has waited for one.
fn wanted(thread: u64) -> Duration {
    let nanoseconds = |text: String| {
        let mut times = text.split_ascii_whitespace().map(str::parse::<u64>);
        Some(Duration::from_nanos(times.next()?.ok()? + times.next()?.ok()?))
    };
    let known = read_to_string(format!("/proc/self/task/{thread}/schedstat")).ok().and_then(nanoseconds);
    // Kernels may be built without it.
    known.or_else(|| stat(thread).map(|stat| stat.used)).unwrap_or_default()
}

/// How busy threads are now: what each wants of a processor, from 0 to 1. Takes a while.
pub(super) fn busy(threads: &[u64]) -> Vec<f64> {
    let used = || threads.iter().map(|&thread| wanted(thread));
    let (since, before) = (Instant::now(), used().collect::<Vec<_>>());
    thread::sleep(A_WHILE);
    let passed = since.elapsed();
    let share = |(now, before): (Duration, Duration)| now.saturating_sub(before).div_duration_f64(passed);
    used().zip(before).map(share).map(|share| share.min(1.0)).collect()
}

/// A line for each thread of the process but those, and but the one that calls. Takes a while.
pub(super) fn others(known: &[u64]) -> String {
    // SAFETY: no preconditions.
    let me = u64::from(unsafe { libc::gettid() }.cast_unsigned());
    let mut all: Vec<u64> = read_dir("/proc/self/task").map_or(vec![], |tasks| {
        tasks.filter_map(|task| task.ok()?.file_name().to_str()?.parse().ok()).collect()
    });
    all.retain(|thread| *thread != me && !known.contains(thread));
    all.sort_unstable();
    let left_out = all.len().saturating_sub(MOST);
    all.truncate(MOST);
    let mut text = String::new();
    for (&thread, share) in all.iter().zip(busy(&all)) {
        let name = stat(thread).map_or(String::from("?"), |stat| stat.name);
        let _ = write!(text, "\n  thread {thread} ({name}) {}{}", state(thread), processor(share));
    }
    if left_out > 0 {
        let _ = write!(text, "\n  and {left_out} more threads");
    }
    text
}

/// In words.
pub(super) fn processor(share: f64) -> String {
    if share < 0.05 { String::new() } else { format!(", and wants {:.0} % of a processor", share * 100.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_tells_of_a_thread_is_read_whatever_its_name() {
        let text = "7 (a) S (b) R 1 2 3 4 5 6 7 8 9 10 150 50 13 14";
        let stat = parse(text, 100).expect("a line of the system's");
        assert_eq!((stat.letter, stat.used, &stat.name[..]), ('R', Duration::from_secs(2), "a) S (b"));
        assert!(parse("7 (a) S 1 2", 100).is_none());
    }

    #[test]
    fn who_computes_is_told_from_who_sleeps() {
        // SAFETY: no preconditions.
        let me = u64::from(unsafe { libc::gettid() }.cast_unsigned());
        assert!(!sleeps(me) && sleeps(u64::MAX) && state(u64::MAX) == "has ended");
        let sleeper = thread::Builder::new().name("sleeper".into()).spawn(thread::park).expect("a thread");
        let lines = others(&[]);
        sleeper.thread().unpark();
        sleeper.join().expect("no panic");
        let line = lines.lines().find(|line| line.contains("(sleeper)")).expect("it is told of");
        assert!(line.contains("is blocked in system call") && !line.contains('%'), "{line}");
    }
}
