//! Runs the program: with every engine, never longer than a test may take, and with the limits that a test wants.

use rustix::fd::OwnedFd;
use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::dup;
use rustix::process::{DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit};
use std::ffi::OsStr;
use std::io::Read;
use std::os::fd::{AsRawFd as _, IntoRawFd as _};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longer than any search here takes on a busy machine: who needs more hangs.
const HANG: Duration = Duration::from_mins(1);

/// The names of all engines, from the program itself.
pub fn engines() -> &'static [String] {
    static ENGINES: OnceLock<Vec<String>> = OnceLock::new();
    ENGINES.get_or_init(|| {
        let listed = Command::new(program()).arg("--list-engines").output().expect("zork runs");
        let listed = String::from_utf8(listed.stdout).expect("UTF-8");
        let names: Vec<String> =
            listed.lines().filter_map(|l| l.split_whitespace().next()).map(ToOwned::to_owned).collect();
        assert!(names.len() >= 4, "{listed}");
        names
    })
}

/// Runs a test with each engine; its name is in the output of a test that fails.
pub fn for_each_engine(test: impl Fn(&str)) {
    for engine in engines() {
        println!("--- with the engine {engine}");
        test(engine);
    }
}

/// Also with the default engine on guarded stacks, where a byte too many ends the program, and on painted ones; and as
/// [`for_each_engine_and_beginning`].
pub fn for_each_engine_and_stacks(test: impl Fn(&str)) {
    for_each_engine_and_beginning(&test);
    for stacks in ["guarded", "painted"] {
        println!("--- on {stacks} stacks");
        test(&format!("vthread{ON}{stacks}"));
    }
}

/// Also with the default engine when it begins before it has carriers: they get the rest at once, in the middle of something, or never.
pub fn for_each_engine_and_beginning(test: impl Fn(&str)) {
    for_each_engine(&test);
    for first in ["1", "5", "1000000"] {
        println!("--- with carriers after {first}");
        test(&format!("vthread{AFTER}{first}"));
    }
}

/// Between an engine's name and that of the stacks that it shall have.
const ON: &str = " on ";
/// Between an engine's name and how much it is to do before it starts carriers.
const AFTER: &str = " after ";

fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_zork"))
}

/// A run of the program that is being prepared.
pub struct Zork {
    command: Command,
    hang: Duration,
}

/// The program with this engine, as [`for_each_engine`] or [`for_each_engine_and_stacks`] names it.
pub fn zork(engine: &str) -> Zork {
    let mut zork = Zork::plain();
    let (engine, stacks) =
        engine.split_once(ON).map_or((engine, None), |(name, stacks)| (name, Some(stacks)));
    // Trees of tests are small: without this the engine on virtual threads would be done with most of them before it has any.
    let (engine, first) = engine.split_once(AFTER).unwrap_or((engine, "0"));
    zork.command.args(["--engine", engine]).env("ZORK_FIRST", first);
    if let Some(stacks) = stacks {
        zork.command.env("VTHREAD_STACKS", stacks);
    }
    zork
}

impl Zork {
    /// The program without any argument.
    pub fn plain() -> Self {
        Self::from(Command::new(program()))
    }

    fn from(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).env("RUST_BACKTRACE", "0");
        // Whoever runs the tests may have been started with signals ignored, and that is inherited.
        Self { command, hang: HANG }.signals(&[libc::SIGHUP, libc::SIGINT, libc::SIGTERM], libc::SIG_DFL)
    }

    /// Adds an argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.command.args(args);
        self
    }

    /// With this in its environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in this directory.
    pub fn within(mut self, dir: impl AsRef<Path>) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Where its output goes.
    pub fn stdout(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stdout(to);
        self
    }

    /// Where its messages go.
    pub fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stderr(to);
        self
    }

    /// Runs as a user whom permissions concern: as nobody, if this is the superuser.
    pub fn by_ordinary_user(mut self) -> Self {
        if !rustix::process::geteuid().is_root() {
            return self;
        }
        let mut command = Command::new(format!("/proc/self/fd/{}", program_opened().as_raw_fd()));
        command.args(self.command.get_args());
        command.envs(self.command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        if let Some(dir) = self.command.get_current_dir() {
            command.current_dir(dir);
        }
        command.uid(65534).gid(65534);
        self = Self::from(command);
        // A process that has changed its user may not look into its own `/proc/self/fd` without this.
        self.before_exec(|| Ok(set_dumpable_behavior(DumpableBehavior::Dumpable)?))
    }

    /// `ulimit -n`: so many descriptors, 0 to 2 among them, and `inherited` ones that the program knows nothing of.
    pub fn descriptors(self, limit: u64, inherited: usize) -> Self {
        let maximum = getrlimit(Resource::Nofile).maximum;
        self.before_exec(move || {
            // Whatever the test itself has inherited: here the numbers matter.
            close_others_on_exec();
            for _ in 0..inherited {
                let _ = dup(rustix::stdio::stdin())?.into_raw_fd();
            }
            Ok(setrlimit(Resource::Nofile, Rlimit { current: Some(limit), maximum })?)
        })
    }

    /// `ulimit -v`: so many bytes of addresses.
    pub fn addresses(self, limit: u64) -> Self {
        let maximum = getrlimit(Resource::As).maximum;
        self.before_exec(move || Ok(setrlimit(Resource::As, Rlimit { current: Some(limit), maximum })?))
    }

    /// Runs with these signals ignored, as `nohup` has it.
    pub fn ignoring(self, signals: &'static [libc::c_int]) -> Self {
        self.signals(signals, libc::SIG_IGN)
    }

    /// Runs with this disposition, the default or to ignore, of these signals.
    fn signals(self, signals: &'static [libc::c_int], disposition: libc::sighandler_t) -> Self {
        self.before_exec(move || {
            for signal in signals {
                // SAFETY: no handler is set, and `signal` may be called between fork and exec.
                unsafe { libc::signal(*signal, disposition) };
            }
            Ok(())
        })
    }

    /// Runs `f` in the child, after its working directory is set.
    ///
    /// `f` runs between fork and exec of a process with threads: it must make system calls only, and not allocate.
    pub fn before_exec(mut self, f: impl Fn() -> std::io::Result<()> + Send + Sync + 'static) -> Self {
        // SAFETY: the functions given here (all in this folder's tests) make plain system calls through rustix, which
        // neither allocates nor locks for them, so the state that other threads had at the fork does not matter.
        unsafe { self.command.pre_exec(f) };
        self
    }

    /// Takes longer than others before it counts as hanging.
    pub fn patience(mut self, hang: Duration) -> Self {
        self.hang = hang;
        self
    }

    /// Starts it.
    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("zork starts");
        let out = child.stdout.take().map(collect);
        let err = child.stderr.take().map(collect);
        Running { child, out, err, deadline: Instant::now() + self.hang, what: format!("{:?}", self.command) }
    }

    /// Starts it; standard output is left to the test.
    pub fn spawn(mut self) -> (Running, std::process::ChildStdout) {
        let mut child = self.command.spawn().expect("zork starts");
        let stdout = child.stdout.take().expect("a pipe");
        let err = child.stderr.take().map(collect);
        let what = format!("{:?}", self.command);
        (Running { child, out: None, err, deadline: Instant::now() + self.hang, what }, stdout)
    }

    /// Runs it to its end.
    pub fn run(self) -> Ended {
        self.start().wait()
    }
}

/// The program while it runs.
pub struct Running {
    child: Child,
    out: Option<JoinHandle<Vec<u8>>>,
    err: Option<JoinHandle<Vec<u8>>>,
    deadline: Instant,
    what: String,
}

impl Running {
    /// Its process.
    pub fn id(&self) -> rustix::process::Pid {
        rustix::process::Pid::from_child(&self.child)
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be waited for").is_none()
    }

    /// Waits for its end, and kills it if that does not come.
    pub fn wait(mut self) -> Ended {
        let mut pause = Duration::from_micros(500);
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break status;
            }
            if Instant::now() > self.deadline {
                drop(self.child.kill());
                drop(self.child.wait());
                panic!("it hangs: {}", self.what);
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        };
        let text = |t: Option<JoinHandle<Vec<u8>>>| t.map_or(vec![], |t| t.join().expect("reads"));
        let stderr = String::from_utf8(text(self.err)).expect("messages are UTF-8, whatever the paths are");
        let ended = Ended { status, stdout: text(self.out), stderr };
        assert!(!ended.stderr.contains("panicked"), "{}: {ended:?}", self.what);
        ended
    }
}

/// What the program left behind.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// Its output.
    pub stdout: Vec<u8>,
    /// Its messages.
    pub stderr: String,
}

impl Ended {
    /// Its exit status.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or_else(|| panic!("ended by {:?}: {self:?}", self.status.signal()))
    }

    /// Its output, which is UTF-8 here.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.stdout).expect("UTF-8")
    }

    /// The lines of its output, in the order of their bytes.
    pub fn lines(&self) -> Vec<String> {
        super::sorted(self.text().lines())
    }

    /// The lines of its output as JSON.
    pub fn json(&self) -> Vec<serde_json::Value> {
        let parse = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        self.text().lines().map(parse).collect()
    }

    /// It found exactly these lines, in whatever order, and had no trouble.
    #[track_caller]
    pub fn found<S: AsRef<str>>(&self, lines: impl IntoIterator<Item = S>) {
        let mut expected: Vec<String> = lines.into_iter().map(|l| l.as_ref().to_owned()).collect();
        expected.sort();
        let _ = self.code();
        assert_eq!(self.lines(), expected, "{}", self.stderr);
        assert_eq!(self.stderr, "");
        assert_eq!(self.code(), i32::from(expected.is_empty()));
    }

    /// It found exactly these lines, and said these things on standard error, each a line, both in whatever order.
    #[track_caller]
    pub fn trouble(&self, lines: &[&str], messages: &[&str]) {
        let _ = self.code();
        assert_eq!(self.lines(), super::sorted(lines.iter().copied()), "{}", self.stderr);
        assert_eq!(super::sorted(self.stderr.lines()), super::sorted(messages.iter().copied()));
        assert_eq!(self.code(), 2);
    }
}

fn collect(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut all = vec![];
        from.read_to_end(&mut all).expect("a pipe can be read");
        all
    })
}

/// Descriptors above 2 that the child has inherited from the test go when it becomes the program.
fn close_others_on_exec() {
    // SAFETY: only a flag of descriptors is set, in a process that is about to become another program; none is closed here.
    unsafe { libc::syscall(libc::SYS_close_range, 3_u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC) };
}

/// The program, opened by who may: the build directory may be closed to others.
fn program_opened() -> &'static OwnedFd {
    static PROGRAM: OnceLock<OwnedFd> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let flags = OFlags::PATH | OFlags::CLOEXEC;
        openat(CWD, program(), flags, Mode::empty()).expect("the program can be opened")
    })
}
