//! Makes the corpora that tests and benchmarks search.

mod bar;
mod corpus;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// Corpora for the search program, and later the report on it.
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
}

fn main() -> Result<()> {
    match Cli::parse().command {
        Command::Corpus(args) => corpus::run(&args),
    }
}
