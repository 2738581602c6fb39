//! Programs that are run, with a limit on their time, and what they used.

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use serde::{Deserialize, Serialize};
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Of what was said, in a failure.
const LINES: usize = 40;

/// What a program did.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
    pub(crate) timed_out: bool,
    /// If its time was over, what its threads did then: see [`threads_of`].
    stood: String,
    pub(crate) usage: Usage,
}

/// What a program used.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Usage {
    pub(crate) wall: f64,
    /// User and system time, seconds.
    pub(crate) cpu: f64,
    /// Peak of its memory. Not below that of the process that started it: see [`measured`].
    pub(crate) peak_bytes: f64,
    /// Of 512 bytes, that the kernel fetched for it from a disk.
    #[serde(default)]
    pub(crate) blocks_read: u64,
}

impl Outcome {
    /// Why it failed, in a line.
    pub(crate) fn failure(&self) -> Option<String> {
        let last = reason(&self.stderr);
        if self.timed_out {
            // Whoever stands still may have said why.
            let lines = self.stderr.lines().map(str::trim).filter(|line| !line.is_empty());
            // Behind what a panic says comes where, in this machine's folders.
            let said: Vec<_> =
                if self.stderr.contains(PANICKED) { vec![last] } else { lines.take(LINES).collect() };
            let colon = if said.is_empty() { "" } else { ": " };
            Some(format!("stopped after {:.0} s ({}){colon}{}", self.usage.wall, self.stood, said.join("; ")))
        } else if self.status.success() {
            None
        } else if let Some(signal) = self.status.signal() {
            Some(format!("ended by signal {signal}: {last}"))
        } else {
            Some(format!("exit status {}: {last}", self.status.code().unwrap_or(-1)))
        }
    }

    /// Its output, if it succeeded.
    pub(crate) fn text(self) -> Result<String> {
        match self.failure() {
            Some(failure) => bail!("{failure}"),
            None => Ok(String::from_utf8_lossy(&self.stdout).into_owned()),
        }
    }
}

/// What std writes in the line before what a panic says.
const PANICKED: &str = " panicked at ";

/// The line that says most: what a panic says, else the last.
fn reason(stderr: &str) -> &str {
    let mut lines = stderr.lines().map(str::trim).filter(|line| !line.is_empty());
    let panic = lines.clone().skip_while(|line| !line.contains(PANICKED)).nth(1);
    panic.or_else(|| lines.next_back()).unwrap_or("")
}

/// Runs it in a process group of its own, which is killed when the time is over.
pub(crate) fn run(command: &mut Command, most: Duration) -> Result<Outcome> {
    run_reading(command, most, |stdout, text| stdout.read_to_end(text).map(drop))
}

/// The same, and hands out each line of its output as soon as it is there.
pub(crate) fn run_telling(
    command: &mut Command,
    most: Duration,
    mut told: impl FnMut(&str),
) -> Result<Outcome> {
    run_reading(command, most, |stdout, text| {
        let mut stdout = BufReader::new(stdout);
        loop {
            let from = text.len();
            if stdout.read_until(b'\n', text)? == 0 {
                return Ok(());
            }
            told(String::from_utf8_lossy(&text[from..]).trim_end());
        }
    })
}

fn run_reading(
    command: &mut Command,
    most: Duration,
    mut read: impl FnMut(&mut ChildStdout, &mut Vec<u8>) -> io::Result<()>,
) -> Result<Outcome> {
    let shown = command.get_program().to_string_lossy().into_owned();
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    ends_with_us(command);
    let start = Instant::now();
    let mut child = command.spawn().with_context(|| format!("cannot run {shown}"))?;
    let mut outs = (child.stdout.take(), child.stderr.take());
    let group = i32::try_from(child.id())?;
    let (ended, end) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let watchdog = scope.spawn(move || {
            let timed_out = end.recv_timeout(most) == Err(mpsc::RecvTimeoutError::Timeout);
            timed_out.then(|| {
                let stood = threads_of(group);
                // SAFETY: no memory is touched. The group is the child's, which has not been waited for.
                unsafe { libc::killpg(group, libc::SIGKILL) };
                stood
            })
        });
        let errors = scope.spawn(move || {
            let mut text = Vec::new();
            let read = outs.1.as_mut().map(|e| e.read_to_end(&mut text));
            read.transpose().map(|_| String::from_utf8_lossy(&text).into_owned())
        });
        let mut stdout = Vec::new();
        let read = outs.0.as_mut().map(|out| read(out, &mut stdout)).transpose();
        let waited = wait(&child);
        drop(ended);
        let stood = watchdog.join().map_err(|_| anyhow!("the watchdog of {shown} panicked"))?;
        let stderr = errors.join().map_err(|_| anyhow!("the reader of {shown} panicked"))??;
        read?;
        let (status, usage) = waited?;
        let usage = Usage { wall: start.elapsed().as_secs_f64(), ..usage };
        let (timed_out, stood) = (stood.is_some(), stood.unwrap_or_default());
        Ok(Outcome { status, stdout, stderr, timed_out, stood, usage })
    })
}

/// For each thread of the process group: its name, its state as in `proc(5)`, the function of the kernel that it waits in, and the seconds it ran.
/// Whoever says nothing has this said of them.
fn threads_of(group: i32) -> String {
    let stat_of = |folder: &Path| -> Option<(String, Vec<String>)> {
        let text = std::fs::read_to_string(folder.join("stat")).ok()?;
        // The name is in parentheses, and may hold anything.
        let (name, rest) = text.split_once('(')?.1.rsplit_once(')')?;
        Some((name.to_owned(), rest.split_ascii_whitespace().map(str::to_owned).collect()))
    };
    let folders = |of: &Path| std::fs::read_dir(of).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_of_group = |process: &PathBuf| {
        stat_of(process)
            .is_some_and(|(_, fields)| fields.get(2).is_some_and(|field| *field == group.to_string()))
    };
    let thread = |folder: PathBuf| {
        let (name, fields) = stat_of(&folder)?;
        let ticks: f64 = fields.get(11..13)?.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
        let waits = std::fs::read_to_string(folder.join("wchan")).unwrap_or_default();
        // Hundredths of a second, on all Linux systems.
        Some(format!("{name} {} {waits} {:.2} s", fields.first()?, ticks / 100.0))
    };
    let processes = folders(Path::new("/proc")).filter(is_of_group);
    let threads = processes.flat_map(|process| folders(&process.join("task"))).filter_map(thread);
    threads.take(LINES).collect::<Vec<_>>().join(", ")
}

/// When this process is ended, by a key or by a signal, the child is too: nothing goes on measuring in the background.
fn ends_with_us(command: &mut Command) {
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let arm = move || {
        // SAFETY: both only ask the kernel, which is allowed between fork and exec.
        let is_orphan = unsafe {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            libc::getppid() != own
        };
        if is_orphan { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
    };
    // SAFETY: `arm` takes no lock and allocates nothing.
    unsafe { command.pre_exec(arm) };
}

/// Waits for the child and says what it used.
fn wait(child: &Child) -> Result<(ExitStatus, Usage)> {
    let mut status = 0;
    // SAFETY: all zeroes is a valid `rusage`.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    let id = i32::try_from(child.id())?;
    // SAFETY: the child is ours and nobody else waits for it; both pointers are to live variables.
    let waited = unsafe { libc::wait4(id, &raw mut status, 0, &raw mut usage) };
    ensure!(waited == id, "wait4: {}", io::Error::last_os_error());
    let seconds = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    let usage = Usage {
        wall: 0.0,
        cpu: seconds(usage.ru_utime) + seconds(usage.ru_stime),
        peak_bytes: usage.ru_maxrss as f64 * 1024.0,
        blocks_read: u64::try_from(usage.ru_inblock).unwrap_or(0),
    };
    Ok((ExitStatus::from_raw(status), usage))
}

/// Runs a program by way of a fresh process of this one (`measure`), whose few megabytes are the least that a peak can be.
pub(crate) fn measured(
    program: &Path,
    arguments: &[OsString],
    directory: &Path,
    most: Duration,
) -> Result<(Outcome, Usage)> {
    let note = tempfile::NamedTempFile::new()?;
    let mut command = Command::new(std::env::current_exe()?);
    // `VTHREAD_WHO_WAITS` would be one more thread in ours, and in no peer.
    command
        .env_remove("VTHREAD_WHO_WAITS")
        .arg(crate::MEASURE)
        .arg(note.path())
        .arg("--")
        .arg(program)
        .args(arguments)
        .current_dir(directory);
    let outcome = run(&mut command, most)?;
    let text = std::fs::read_to_string(note.path())?;
    let usage = serde_json::from_str(&text).unwrap_or(outcome.usage);
    Ok((outcome, usage))
}

/// What `measure` does: runs the program as it is, writes what it used to `note`, and ends as it ends.
pub(crate) fn measure(note: &Path, program: &OsStr, arguments: &[OsString]) -> Result<i32> {
    let start = Instant::now();
    let mut command = Command::new(program);
    ends_with_us(&mut command);
    let child = command.args(arguments).spawn();
    let child = child.with_context(|| format!("cannot run {}", program.display()))?;
    let (status, usage) = wait(&child)?;
    let usage = Usage { wall: start.elapsed().as_secs_f64(), ..usage };
    std::fs::write(note, serde_json::to_string(&usage)?)?;
    Ok(status.code().unwrap_or(128))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str, most: Duration) -> Outcome {
        run(Command::new("sh").args(["-c", script]), most).expect("it runs")
    }

    #[test]
    fn output_status_and_failure_are_told() {
        let second = Duration::from_secs(20);
        let well = shell("echo out; echo err >&2", second);
        assert_eq!((well.failure(), &well.stdout[..], well.stderr.as_str()), (None, &b"out\n"[..], "err\n"));
        let ill = shell("echo first >&2; echo the reason >&2; exit 3", second);
        assert_eq!(ill.failure().as_deref(), Some("exit status 3: the reason"));
        assert!(run(&mut Command::new("/no/such/program"), second).is_err());
        let panic = "thread 'main' panicked at src/main.rs:3:5:\nno thread\nstack backtrace:\n   0: main\nnote: details are omitted\n";
        assert_eq!((reason(panic), reason("one\ntwo\n\n"), reason("")), ("no thread", "two", ""));
    }

    #[test]
    fn lines_are_told_while_it_runs() {
        let dir = tempfile::tempdir().expect("a directory");
        // Unless its first line has been told, it never ends.
        let script = "echo first; until [ -e told ]; do sleep 0.01; done; echo last";
        let mut command = Command::new("sh");
        let mut lines = vec![];
        let outcome =
            run_telling(command.args(["-c", script]).current_dir(&dir), Duration::from_secs(20), |line| {
                lines.push(line.to_owned());
                std::fs::write(dir.path().join("told"), "").expect("written");
            })
            .expect("it runs");
        assert_eq!((outcome.failure(), &lines[..]), (None, &["first".to_owned(), "last".to_owned()][..]));
        assert_eq!(outcome.stdout, b"first\nlast\n");
    }

    #[test]
    fn what_takes_too_long_is_ended_with_its_children() {
        // The child of the shell holds the pipe: if it lived on, this would take the whole time.
        let outcome = shell("echo who waits >&2; sleep 60 & wait", Duration::from_millis(300));
        assert!(outcome.timed_out && outcome.usage.wall < 30.0);
        let failure = outcome.failure().expect("failed");
        assert!(failure.starts_with("stopped after") && failure.ends_with("): who waits"), "{failure}");
        // What it waited in is what a user may see of it, so not everywhere.
        assert!(failure.contains("(sh S ") && failure.contains(", sleep S "), "{failure}");
        let panic = "echo \"thread 'main' panicked at /some/where.rs:3:5:\" >&2; echo why >&2; sleep 60";
        let failure = shell(panic, Duration::from_millis(300)).failure().expect("failed");
        assert!(failure.ends_with("): why"), "{failure}");
    }
}
