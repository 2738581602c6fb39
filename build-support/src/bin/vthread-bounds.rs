//! Prints how much stack the functions of an executable need.

use clap::{Parser, ValueEnum};
use std::path::PathBuf;
use std::process::ExitCode;
use vale_threads_build::program::Loaded;
use vale_threads_build::report::{self, Language, Report};

/// Proves from the machine code of an x86-64 ELF executable how many bytes of stack its functions need.
///
/// Without --all: the entries of virtual threads, with their chunks, worst chains of calls, and what is carried out on a
/// big stack. A bound includes the return address that calling the function pushes.
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0, or 2 when the file cannot be analysed.")]
struct Arguments {
    /// The executable.
    file: PathBuf,
    /// Every function, with or without virtual threads: exact, at most, or unknown and why; and a histogram.
    #[arg(long)]
    all: bool,
    /// Explains the bound, or why there is none, of each function whose name contains this; or writes these alone as --json or --emit says.
    #[arg(long, value_name = "FUNCTION")]
    why: Option<String>,
    /// Writes JSON.
    #[arg(long, conflicts_with_all = ["dot", "emit"])]
    json: bool,
    /// Writes the call graph for Graphviz.
    #[arg(long, conflicts_with = "emit")]
    dot: bool,
    /// Writes the bounds as constants.
    #[arg(long, value_name = "LANGUAGE")]
    emit: Option<Emit>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Emit {
    C,
    Rust,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(text) => {
            // A reader that has seen enough (`| head`) is no error.
            let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("vthread-bounds: {}: {error}", arguments.file.display());
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<String, Box<dyn std::error::Error>> {
    let data = std::fs::read(&arguments.file)?;
    let loaded = Loaded::read(&data)?;
    if let Some(name) = &arguments.why
        && !arguments.dot
    {
        return why(&loaded, name, arguments);
    }
    if arguments.dot {
        let solved = if arguments.all { loaded.every_function() } else { loaded.entries() };
        return Ok(report::dot(&solved));
    }
    let report = if arguments.all {
        report::every_function(&loaded, &loaded.every_function())
    } else {
        report::entries(&loaded)
    };
    if let Some(text) = for_programs(&report, arguments) {
        return Ok(text);
    }
    Ok(if report.lines.is_empty() && !arguments.all {
        "no entries of virtual threads in this file (or they were stripped with its records); --all shows every function\n"
            .to_owned()
    } else {
        report::table(&report) + &report::histogram(&report)
    })
}

/// The forms that programs read, if one was asked for.
fn for_programs(report: &Report, arguments: &Arguments) -> Option<String> {
    match arguments.emit {
        Some(Emit::C) => Some(report::constants(report, Language::C)),
        Some(Emit::Rust) => Some(report::constants(report, Language::Rust)),
        None => arguments.json.then(|| report::json(report)),
    }
}

/// The functions of that name: as entries see them if they reach them, else as ordinary functions.
fn why(loaded: &Loaded<'_>, name: &str, arguments: &Arguments) -> Result<String, Box<dyn std::error::Error>> {
    let found = report::find(loaded, name);
    if found.is_empty() {
        // What has no symbol is called by its address.
        return Err(format!(
            "no function has a name that contains `{name}`; an address, as --all shows it, will do as well"
        )
        .into());
    }
    let mut every = report::reached(&loaded.entries(), &found);
    let missing: Vec<u64> =
        found.into_iter().filter(|f| every.lines.iter().all(|line| line.address != *f)).collect();
    if !missing.is_empty() {
        let mut others = report::every_function(loaded, &loaded.every_function());
        others.lines.retain(|l| missing.contains(&l.address));
        every.lines.extend(others.lines);
    }
    every.name_lines(&loaded.image);
    if let Some(text) = for_programs(&every, arguments) {
        return Ok(text);
    }
    let mut text = String::new();
    for line in every.lines {
        let chain = report::chain(&line);
        text += &report::table(&Report { lines: vec![line], ..Report::default() });
        text += &chain;
    }
    Ok(text)
}
