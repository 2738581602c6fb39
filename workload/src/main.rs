//! `zork`: searches directory trees for a word. See `zork --help`.

use clap::Parser;
use std::process::ExitCode;
use zork::cli::Cli;
use zork::run;

fn main() -> ExitCode {
    match run::run(&Cli::parse()) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            eprintln!("zork: {error}");
            ExitCode::from(run::TROUBLE)
        }
    }
}
