//! `zork`: searches directory trees for a word. See `zork --help`.

use clap::Parser;
use std::process::ExitCode;
use zork::cli::Cli;
use zork::run;

fn main() -> ExitCode {
    ExitCode::from(run::run(&Cli::parse()))
}
