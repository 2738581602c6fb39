//! Builds the packages beside the tests with cargo, as users would.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Named, so that flags are not for build scripts: they would be built anew for each.
pub const TARGET: &str = "x86_64-unknown-linux-gnu";

/// One way to build a package.
#[derive(Default)]
pub struct Build<'a> {
    /// `RUSTFLAGS`, of doctests as well.
    pub flags: &'a str,
    /// Optimised.
    pub release: bool,
    /// `--config` options.
    pub config: &'a [&'a str],
    /// Other options of cargo's.
    pub options: &'a [&'a str],
    /// Environment variables.
    pub variables: &'a [(&'a str, &'a str)],
}

/// Where cargo puts what it builds for these tests.
pub fn target_folder() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures")
}

impl Build<'_> {
    /// Runs `cargo build` on the package in this folder of the tests. The link step writes its log to `folder/log`.
    pub fn cargo(&self, package: &str, folder: &Path) -> Output {
        self.command("build", package, folder).output().expect("cargo runs")
    }

    /// `cargo VERB` on the package, to be run.
    pub fn command(&self, verb: &str, package: &str, folder: &Path) -> Command {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(package).join("Cargo.toml");
        let mut cargo = self.with(verb);
        cargo.arg("--manifest-path").arg(manifest).env("VTHREAD_LINK_LOG", folder.join("log"));
        cargo
    }

    /// `cargo VERB` in this way, of a package that is still to be named.
    pub fn with(&self, verb: &str) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args([verb, "--quiet", "--target", TARGET])
            .env("CARGO_TARGET_DIR", target_folder())
            .env("RUSTFLAGS", self.flags)
            .env("RUSTDOCFLAGS", self.flags)
            .env("RUSTC_BOOTSTRAP", if self.flags.contains("-Z") { "1" } else { "0" });
        if self.release {
            cargo.arg("--release");
        }
        cargo.args(self.options).envs(self.variables.iter().copied());
        for config in self.config {
            cargo.args(["--config", config]);
        }
        cargo
    }

    /// Builds the package and copies its executable to `folder`, so that the next build does not disturb.
    pub fn executable(&self, package: &str, folder: &Path) -> PathBuf {
        let output = self.cargo(package, folder);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let executable = folder.join(package);
        std::fs::copy(self.made(package), &executable).expect("it was built");
        executable
    }

    /// Where cargo puts the executable.
    pub fn made(&self, package: &str) -> PathBuf {
        let profile = if self.release { "release" } else { "debug" };
        target_folder().join(TARGET).join(profile).join(package)
    }
}
