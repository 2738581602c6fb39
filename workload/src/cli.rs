//! The command line: what `grep`'s and `rg`'s users expect.

use crate::engine::{self, Engine};
use crate::output::ProgressMode;
use clap::builder::{OsStringValueParser, PossibleValue, TypedValueParser};
use clap::{CommandFactory, Parser, ValueEnum};
use clap_complete::Shell;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::num::NonZeroUsize;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  zork ~/mail                     the files below ~/mail that contain \"zork\"
  zork -n --needle grue notes     where \"grue\" is: path:line:column, and in JSON the pointer too
  zork -c . | sort -t: -k2 -n     how many matches each file has
  zork -0 src | xargs -0 rm --    names with newlines are safe behind -0
  zork --json -n data | jq .      one JSON object per match, error, and a summary

Exit status: 0 if something was found, 1 if nothing was, 2 if anything could not be read or the
command line was wrong; the rest is still searched and printed. With -q, 0 as soon as something
is found.

Searched are files named *.txt (their bytes; UTF-16 is not decoded) and *.json (their string
values, after decoding escapes; keys are not values). Hidden and git-ignored files are searched,
symbolic links are not followed, all else is skipped.";

/// Searches directories recursively for a word: .txt files by their bytes, .json files in their
/// decoded string values.
#[derive(Parser, Debug)]
#[command(name = "zork", version, after_help = EXAMPLES, max_term_width = 100)]
#[allow(clippy::struct_excessive_bools, reason = "they are the switches of a command line")]
pub struct Cli {
    /// Directories and files to search; the current directory if there are none.
    #[arg(value_name = "PATH", value_parser = OsStringValueParser::new().map(PathBuf::from))]
    pub paths: Vec<PathBuf>,

    /// The word to search for.
    #[arg(long, value_name = "TEXT", default_value = "zork", allow_hyphen_values = true,
        value_parser = OsStringValueParser::new().try_map(needle))]
    pub needle: OsString,

    /// Print how many matches each matching file has, as PATH:COUNT.
    #[arg(short, long)]
    pub count: bool,

    /// Print where each match is, as PATH:LINE:COLUMN (columns are bytes), in JSON with :POINTER (RFC 6901, control
    /// characters and backslashes escaped by a backslash).
    #[arg(short = 'n', long, conflicts_with = "count")]
    pub locations: bool,

    /// Print nothing, and stop at the first match.
    #[arg(short, long, conflicts_with_all = ["count", "locations", "json"])]
    pub quiet: bool,

    /// End each path with a NUL byte instead of a newline (or colon).
    #[arg(short = '0', long, conflicts_with = "json")]
    pub null: bool,

    /// Print in this order, all at the end; otherwise as found.
    #[arg(long, value_name = "ORDER")]
    pub sort: Option<Sort>,

    /// Print JSON lines: an object per match and error, and a closing summary.
    #[arg(long)]
    pub json: bool,

    /// Follow symbolic links; loops are recognised, and a directory is searched under 32 names at most that lead over links.
    #[arg(short = 'L', long)]
    pub follow: bool,

    /// The kind of concurrency to search with. `None`: the first of [`engine::ENGINES`], or another if that cannot start.
    #[arg(long, value_name = "NAME", value_parser = EngineParser, help = engine_help())]
    pub engine: Option<EngineName>,

    /// List the engines and exit.
    #[arg(long)]
    pub list_engines: bool,

    /// How many threads to use; the engine knows a good number.
    #[arg(short = 'j', long, value_name = "N", value_parser = at_least_one)]
    pub threads: Option<NonZeroUsize>,

    /// How many files to have open at most; what the system allows is never exceeded.
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub max_open_files: Option<NonZeroUsize>,

    /// Print what was done to standard error, at the end.
    #[arg(long)]
    pub stats: bool,

    /// Show progress on standard error.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub progress: ProgressMode,

    /// Print completions for a shell and exit.
    #[arg(long, value_name = "SHELL")]
    pub completions: Option<Shell>,
}

/// An order of output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Sort {
    /// By path, byte by byte.
    Path,
}

/// One of [`engine::ENGINES`].
#[derive(Clone, Copy)]
pub struct EngineName(pub &'static dyn Engine);

impl std::fmt::Debug for EngineName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.name())
    }
}

#[derive(Clone)]
struct EngineParser;

impl TypedValueParser for EngineParser {
    type Value = EngineName;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<EngineName, clap::Error> {
        let names: Vec<_> = engine::ENGINES.iter().map(|e| PossibleValue::new(e.name())).collect();
        let name = clap::builder::PossibleValuesParser::new(names).parse_ref(command, arg, value)?;
        engine::by_name(&name)
            .map(EngineName)
            .ok_or_else(|| clap::Error::new(clap::error::ErrorKind::InvalidValue).with_cmd(command))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(engine::ENGINES.iter().map(|e| PossibleValue::new(e.name()).help(e.about()))))
    }
}

fn engine_help() -> String {
    let default = engine::ENGINES[0].name();
    format!("The kind of concurrency to search with; see --list-engines [default: {default}]")
}

fn needle(text: OsString) -> Result<OsString, &'static str> {
    if text.is_empty() { Err("an empty word is found everywhere and nowhere") } else { Ok(text) }
}

fn at_least_one(text: &str) -> Result<NonZeroUsize, String> {
    let number = text.parse::<usize>().map_err(|error| error.to_string())?;
    NonZeroUsize::new(number).ok_or_else(|| String::from("at least 1"))
}

impl Cli {
    /// The engine to search with.
    pub fn engine(&self) -> &'static dyn Engine {
        self.engine.map_or(engine::ENGINES[0], |chosen| chosen.0)
    }

    /// The script that `--completions` asks for.
    pub fn completion_script(shell: Shell) -> Vec<u8> {
        let mut script = vec![];
        clap_complete::generate(shell, &mut Self::command(), "zork", &mut script);
        script
    }

    /// What `--list-engines` prints.
    pub fn engine_list() -> String {
        let mut list = String::new();
        for (i, engine) in engine::ENGINES.iter().enumerate() {
            let default = if i == 0 { " (default)" } else { "" };
            // Writing to a String cannot fail.
            let _ = writeln!(list, "{:14} {}{default}", engine.name(), engine.about());
        }
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn an_empty_needle_is_refused() {
        assert!(Cli::try_parse_from(["zork", "--needle", ""]).is_err());
        assert!(Cli::try_parse_from(["zork", "--engine", "go"]).is_err());
        assert_eq!(
            Cli::try_parse_from(["zork", "--engine", "sequential"]).expect("parses").engine().name(),
            "sequential"
        );
    }
}
