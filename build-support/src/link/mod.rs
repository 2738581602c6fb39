//! The link step: a build script that runs again around the linker.
//!
//! As a build script it asks cargo to pass `-wrapper <itself>` to the C compiler that rustc links with. That compiler then runs
//! this same executable in place of the linker, with the linker's command line as arguments. There it runs the real
//! linker, proves the bounds, writes them into the output, reads the output again and verifies it. On any doubt the
//! output is deleted and the link fails.

mod command;
mod imports;
mod patch;
mod pin;
mod rewrite;
mod step;

pub use command::Command;
pub use patch::{Failure, Patch, Plan};
pub use step::{Outcome, process};

use crate::error::LinkError;
use std::env;
use std::ffi::OsString;

/// Names the executable of the link step to the package's own code and tests: `env!("VTHREAD_LINK_STEP")`. Used as a linker
/// (`CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_LINKER`), it takes the place of `cc`.
pub const STEP_VARIABLE: &str = "VTHREAD_LINK_STEP";

/// Path of a file to which each link appends what it did and how long it took.
pub const LOG_VARIABLE: &str = "VTHREAD_LINK_LOG";

/// The C compiler that does the linking when the step itself is used as the linker. Default: `cc`.
pub const DRIVER_VARIABLE: &str = "VTHREAD_CC";

/// All that a package with virtual threads needs in its `build.rs`:
///
/// ```no_run
/// // fn main()
/// vale_threads_build::link_step();
/// // Build code of the package's own may follow.
/// ```
///
/// Must be called before anything is printed or read: when this executable is run in place of the linker, the call does
/// the linking and ends the process. It prints `cargo:rerun-if-changed=build.rs`; build code that depends on other files
/// prints its own such lines.
pub fn link_step() {
    LinkStep::new().run();
}

/// A link step with settings.
///
/// ```no_run
/// vale_threads_build::LinkStep::new().deny_unproved().run();
/// ```
#[derive(Default, Debug)]
pub struct LinkStep {
    deny_unproved: bool,
}

impl LinkStep {
    /// The settings of [`link_step`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Entries that cannot be proved are errors, instead of getting a large guarded stack.
    #[must_use]
    pub fn deny_unproved(mut self) -> Self {
        self.deny_unproved = true;
        self
    }

    /// As [`run`](Self::run), with build code of the package's own, which is not run around the linker.
    pub fn run_with(self, build: impl FnOnce()) {
        self.run();
        build();
    }

    /// Does what [`link_step`] does.
    pub fn run(self) {
        let arguments: Vec<OsString> = env::args_os().skip(1).collect();
        if arguments.is_empty() {
            return as_build_script();
        }
        let result = if is_linker_of_clang() {
            step::link_in_place_of(&real_linker(), &arguments, &self)
        } else {
            step::link(&arguments, &self)
        };
        let code = match result {
            Ok(code) => code,
            Err(error) => {
                eprintln!("error: [vthread] {error}");
                1
            }
        };
        std::process::exit(code);
    }

    /// Are entries without a proof errors?
    pub fn denies_unproved(&self) -> bool {
        self.deny_unproved
    }
}

fn as_build_script() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=RUSTC_LINKER");
    let target = |key: &str| env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    let (arch, os) = (target("ARCH"), target("OS"));
    if !arch.is_empty() && (arch.as_str(), os.as_str()) != ("x86_64", "linux") {
        println!(
            "cargo:warning=[vthread] bounds are proved for x86_64 Linux alone, not for {arch} {os}: there every virtual thread is an OS thread"
        );
        return;
    }
    let me = match env::current_exe() {
        Ok(me) => me,
        Err(error) => {
            println!(
                "cargo:warning=[vthread] the build script does not know its own path ({error}): the program will not link"
            );
            return;
        }
    };
    let me = me.display();
    println!("cargo:rustc-env={STEP_VARIABLE}={me}");
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let driver =
        linker_in(&flags).or_else(|| env::var("RUSTC_LINKER").ok()).unwrap_or_else(|| "cc".to_owned());
    if is_bare_linker(&driver) {
        println!(
            "cargo:warning=[vthread] `{driver}` is a linker, and the link step needs a driver that calls one (gcc, clang): the program will not link. Choose the linker by \
             `-C link-arg=-fuse-ld=lld` instead"
        );
    }
    if me.to_string().contains(',') {
        println!(
            "cargo:warning=[vthread] the path {me} contains a comma, which `-wrapper` cannot pass: build elsewhere"
        );
    }
    match driver_kind(&driver) {
        Driver::HasWrapper => {
            println!("cargo:rustc-link-arg=-wrapper");
            println!("cargo:rustc-link-arg={me}");
        }
        Driver::Clang => match linker_of_clang(std::path::Path::new(&me.to_string())) {
            Ok(linker) => println!("cargo:rustc-link-arg=--ld-path={}", linker.display()),
            Err(error) => println!(
                "cargo:warning=[vthread] the link step cannot be made the linker of `{driver}` ({error}): the program will not link"
            ),
        },
        // The step itself is the linker: it adds the option.
        Driver::Step => {}
    }
}

/// The name by which clang runs this executable as its linker. clang has no option `-wrapper`, and tells no linker's name.
const LINKER_OF_CLANG: &str = "ld.vthread";

/// The linker that then does the linking. Default: `ld`.
pub const LINKER_VARIABLE: &str = "VTHREAD_LD";

fn linker_of_clang(me: &std::path::Path) -> std::io::Result<std::path::PathBuf> {
    let folder = env::var_os("OUT_DIR").ok_or(std::io::ErrorKind::NotFound)?;
    let link = std::path::Path::new(&folder).join(LINKER_OF_CLANG);
    match std::fs::remove_file(&link) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => std::os::unix::fs::symlink(me, &link)?,
    }
    Ok(link)
}

fn is_linker_of_clang() -> bool {
    env::args_os().next().is_some_and(|me| std::path::Path::new(&me).ends_with(LINKER_OF_CLANG))
}

fn real_linker() -> OsString {
    env::var_os(LINKER_VARIABLE).unwrap_or_else(|| "ld".into())
}

enum Driver {
    HasWrapper,
    Clang,
    Step,
}

/// The driver that flags for rustc name (`-C linker=clang`), which cargo does not tell as `RUSTC_LINKER`. The last one counts.
fn linker_in(flags: &str) -> Option<String> {
    let mut flags = flags.split('\x1f').peekable();
    let mut linker = None;
    while let Some(flag) = flags.next() {
        let option = match flag {
            "-C" | "--codegen" => flags.peek().copied(),
            _ => flag.strip_prefix("-C").or_else(|| flag.strip_prefix("--codegen=")),
        };
        if let Some(named) = option.and_then(|option| option.strip_prefix("linker=")) {
            linker = Some(named.to_owned());
        }
    }
    linker
}

/// Is this one that drivers call, by its name?
fn is_bare_linker(driver: &str) -> bool {
    let name = std::path::Path::new(driver).file_name().and_then(|name| name.to_str()).unwrap_or(driver);
    ["ld", "ld.lld", "ld.bfd", "ld.gold", "lld", "rust-lld", "mold", "ld.mold", "wild"].contains(&name)
}

fn driver_kind(driver: &str) -> Driver {
    if env::current_exe().is_ok_and(|me| me == std::path::Path::new(driver)) {
        return Driver::Step;
    }
    let said = std::process::Command::new(driver).arg("--version").output();
    match said {
        Ok(output) if String::from_utf8_lossy(&output.stdout).contains("clang") => Driver::Clang,
        _ => Driver::HasWrapper,
    }
}

/// Shortens what every function here returns.
type Result<T> = std::result::Result<T, LinkError>;

#[cfg(test)]
mod tests {
    use super::{is_bare_linker, linker_in};

    #[test]
    fn the_driver_that_flags_name_is_found() {
        let of = |flags: &[&str]| linker_in(&flags.join("\x1f"));
        assert_eq!(of(&["-Clinker=clang"]).as_deref(), Some("clang"));
        assert_eq!(of(&["-C", "linker=/usr/bin/gcc", "-Cdebuginfo=1"]).as_deref(), Some("/usr/bin/gcc"));
        assert_eq!(of(&["--codegen=linker=a", "--codegen", "linker=b"]).as_deref(), Some("b"));
        assert_eq!(of(&["-Clinker-features=-lld", "-Clink-arg=-fuse-ld=lld"]), None);
        assert_eq!(of(&[""]), None);
    }

    #[test]
    fn a_linker_is_no_driver() {
        assert!(is_bare_linker("rust-lld") && is_bare_linker("/usr/bin/ld.lld"));
        assert!(!is_bare_linker("/usr/bin/x86_64-linux-gnu-gcc") && !is_bare_linker("clang-14"));
    }
}
