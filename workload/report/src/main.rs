//! Makes the corpora that tests and benchmarks search, runs the benchmarks beside their peers, and writes what came out.
//!
//! ```text
//! cargo run --release -p zork-report -- all --quick     everything, in a quarter of an hour
//! cargo run --release -p zork-report -- all             everything, in about an hour
//! cargo run --release -p zork-report -- all --resume    the same, from where an earlier run was ended
//! cargo run --release -p zork-report -- micro           one benchmark; `list` names them
//! cargo run --release -p zork-report -- render          tables and pictures again, from docs/results.json
//! ```
//!
//! Results go to `docs/results.json`, and from there to `BENCHMARKS.md`, `docs/plots`, the table in `README.md` and the paper.

mod all;
mod bar;
mod bench;
mod cachegrind;
mod child;
mod cold;
mod corpus;
mod data;
mod machine;
mod render;
mod stats;
mod tools;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

/// Corpora for the search program, and the report on it.
#[derive(Parser)]
#[command(name = "zork-report", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Writes a seeded directory tree to DIR/tree, and what a search must find there to DIR/expected.json.
    Corpus(corpus::Args),
    /// Names the benchmarks, and says how long each took.
    List,
    /// Runs all benchmarks and writes the report.
    All(all::Args),
    /// The search: all engines, rg, grep.
    Search(all::Args),
    /// Memory of many threads that wait.
    Memory(all::Args),
    /// Single operations.
    Micro(all::Args),
    /// Cost as work grows.
    Growth(all::Args),
    /// What the link step costs.
    Build(all::Args),
    /// How tight the bounds are.
    Bounds(all::Args),
    /// What each design decision is worth.
    Ablations(all::Args),
    /// One processor against two, and a model.
    Scaling(all::Args),
    /// Writes tables and pictures of results that exist.
    Render {
        /// The results; docs/results.json of the repository without it.
        #[arg(long, value_name = "FILE")]
        from: Option<PathBuf>,
        /// Directory to write to; the repository without it.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// What this program does in processes of its own. Not among the others, or they would be suggested for typing errors.
#[derive(Parser)]
enum Own {
    /// Runs one benchmark in this process.
    #[command(name = ONE)]
    One {
        name: String,
        file: PathBuf,
        #[arg(long)]
        quick: bool,
    },
    /// Runs a program and writes what it used to a file.
    #[command(name = MEASURE)]
    Measure {
        note: PathBuf,
        program: OsString,
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

const ONE: &str = "one";
const MEASURE: &str = "measure";

fn main() -> ExitCode {
    let first = std::env::args_os().nth(1);
    let is_own = first.is_some_and(|first| first == ONE || first == MEASURE);
    match if is_own { run_own(Own::parse()) } else { run(Cli::parse().command) } {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zork-report: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<()> {
    match command {
        Command::Corpus(args) => corpus::run(&args),
        Command::List => {
            all::list();
            Ok(())
        }
        Command::All(args) => all::run(&args, &bench::ALL.map(|bench| bench.name)),
        Command::Search(args) => all::run(&args, &["search"]),
        Command::Memory(args) => all::run(&args, &["memory"]),
        Command::Micro(args) => all::run(&args, &["micro"]),
        Command::Growth(args) => all::run(&args, &["growth"]),
        Command::Build(args) => all::run(&args, &["build"]),
        Command::Bounds(args) => all::run(&args, &["bounds"]),
        Command::Ablations(args) => all::run(&args, &["ablations"]),
        Command::Scaling(args) => all::run(&args, &["scaling"]),
        Command::Render { from, out } => {
            let from = from.unwrap_or_else(|| tools::root().join(render::RESULTS));
            all::render(&from, out.as_deref())
        }
    }
}

fn run_own(own: Own) -> Result<()> {
    match own {
        Own::One { name, file, quick } => all::one(&name, &file, quick),
        Own::Measure { note, program, arguments } => {
            std::process::exit(child::measure(&note, &program, &arguments)?)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_for_people_is_not_suggested_to_them() {
        for typo in ["on", "ones", "one", "measured", "measure"] {
            let refused =
                Cli::try_parse_from(["zork-report", typo]).err().expect("no such command").to_string();
            assert!(!refused.contains("'one'") || typo == "one", "{refused}");
            assert!(!refused.contains("'measure'") || typo == "measure", "{refused}");
        }
        assert!(Own::try_parse_from(["zork-report", ONE, "search", "file", "--quick"]).is_ok());
        assert!(Own::try_parse_from(["zork-report", MEASURE, "note", "sh", "-c", "true"]).is_ok());
    }
}
