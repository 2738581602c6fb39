//! The linker's command line: what it will write, and what must be done differently.

use super::Result;
use crate::error::LinkError;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};
use vale_threads_abi::MISSING;

/// Above this many bytes of arguments a response file is written: the kernel's limit for one string is 128 KiB, for all
/// together usually 2 MiB.
const LONGEST: usize = 100_000;

/// A linker command line, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command {
    /// The linker (`collect2`, when the compiler is gcc).
    pub tool: OsString,
    /// Its arguments, response files expanded, options that would remove symbols taken out.
    pub arguments: Vec<OsString>,
    /// The file that it writes.
    pub output: PathBuf,
    /// The options for `strip` that do what was taken out.
    pub strip: Vec<&'static str>,
    /// It makes something that other programs load.
    pub shared: bool,
    /// It makes an object file, or only prints something: nothing to analyse.
    pub partial: bool,
}

impl Command {
    /// Reads the command line `tool arguments...`.
    ///
    /// # Errors
    /// When a response file cannot be read.
    pub fn parse(tool: &OsStr, arguments: &[OsString]) -> Result<Self> {
        let mut expanded = Vec::new();
        expand(arguments, &mut expanded, 0)?;
        let mut command = Command {
            tool: tool.to_owned(),
            arguments: Vec::with_capacity(expanded.len() + 2),
            output: PathBuf::from("a.out"),
            strip: Vec::new(),
            shared: false,
            partial: false,
        };
        // Linkers say what they are, and link what they were given.
        let is_empty = expanded.iter().all(|argument| argument.as_bytes().starts_with(b"-"));
        let mut rest = expanded.into_iter();
        while let Some(mut argument) = rest.next() {
            if let Some((strip, without)) = stripping(argument.as_bytes()) {
                command.strip.extend(strip);
                let Some(without) = without else { continue };
                argument = without;
            }
            let bytes = argument.as_bytes();
            if let Some(flags) = flags(bytes) {
                command.partial |= flags.iter().any(|flag| b"ri".contains(flag) || *flag == b'v' && is_empty);
            }
            match bytes {
                b"-shared" | b"--shared" | b"-Bshareable" => command.shared = true,
                b"--relocatable" | b"-relocatable" | b"-Ur" | b"--version" | b"-version" | b"--help"
                | b"-help" => {
                    command.partial = true;
                }
                b"-o" | b"--output" => {
                    command.arguments.push(argument);
                    if let Some(output) = rest.next() {
                        command.output = PathBuf::from(&output);
                        command.arguments.push(output);
                    }
                    continue;
                }
                _ => {
                    if let Some(output) = bytes.strip_prefix(b"--output=") {
                        command.output = PathBuf::from(OsStr::from_bytes(output));
                    }
                }
            }
            command.arguments.push(argument);
        }
        Ok(command)
    }

    /// Is this program a linker, or something else that the compiler runs (an assembler, `lto-wrapper`)?
    pub fn is_linker(tool: &OsStr) -> bool {
        let name = Path::new(tool).file_name().unwrap_or(tool).to_string_lossy().into_owned();
        name == "collect2"
            || name == "ld"
            || name.starts_with("ld.")
            || name.ends_with("-ld")
            || name.contains("lld")
    }

    /// The process that runs it, the step's own symbol added, and executables bound when they start.
    ///
    /// # Errors
    /// When a response file that it needs cannot be written.
    pub fn process(&self) -> Result<(std::process::Command, Option<ResponseFile>)> {
        let mut arguments = self.arguments.clone();
        arguments.push(format!("--defsym={MISSING}=0").into());
        if !self.shared {
            // The last one counts. What a stub calls has to be there before the first call: the loader would look for it by way of a word that leads to the stub now.
            arguments.extend(["-z", "now"].map(OsString::from));
        }
        let mut process = std::process::Command::new(&self.tool);
        if arguments.iter().map(|a| a.len() + 1).sum::<usize>() <= LONGEST {
            process.args(arguments);
            return Ok((process, None));
        }
        let file = ResponseFile::write(&self.output, &arguments)?;
        let mut at = OsString::from("@");
        at.push(&file.0);
        process.arg(at);
        Ok((process, Some(file)))
    }
}

/// Options of one letter that take no value. GNU ld and gold take several of them in one argument (`-sx`).
const FLAGS: &[u8] = b"dEgiMnNqrsStvVwxX";
/// Those that take one, which may be the last of such an argument; the value is the next one (`-so out`).
const WITH_VALUE: &[u8] = b"AbcefFGhlLmoRTuyYz";

/// The letters of an argument that is nothing but flags. The one option with a name of these letters is `-init`, whose value is the next argument.
fn flags(argument: &[u8]) -> Option<&[u8]> {
    let is_flags = |letters: &&[u8]| {
        !letters.is_empty() && *letters != b"init" && letters.iter().all(|l| FLAGS.contains(l))
    };
    argument.strip_prefix(b"-").filter(is_flags)
}

/// Of an argument that has the linker strip something: the options for `strip` that do the same, and what is left of it.
fn stripping(argument: &[u8]) -> Option<(Vec<&'static str>, Option<OsString>)> {
    // By name, with one dash or two. GNU ld takes the beginnings that are no other option's.
    if let Some(name) = argument.strip_prefix(b"--").or_else(|| argument.strip_prefix(b"-")) {
        for (least, option) in
            [("strip-a", "--strip-all"), ("strip-de", "--strip-debug"), ("discard-a", "--discard-all")]
        {
            if name.starts_with(least.as_bytes()) && option.as_bytes()[2..].starts_with(name) {
                return Some((vec![option], None));
            }
        }
    }
    let letters = argument.strip_prefix(b"-").filter(|letters| !letters.is_empty())?;
    let (start, value) = match letters.split_last() {
        Some((last, start)) if WITH_VALUE.contains(last) => (start, Some(last)),
        _ => (letters, None),
    };
    if !start.iter().all(|letter| FLAGS.contains(letter)) {
        return None;
    }
    let option = |letter: &u8| match letter {
        b's' => Some("--strip-all"),
        b'S' => Some("--strip-debug"),
        b'x' => Some("--discard-all"),
        _ => None,
    };
    let strip: Vec<_> = start.iter().filter_map(option).collect();
    let kept = start.iter().filter(|letter| option(letter).is_none()).chain(value);
    let kept: Vec<u8> = core::iter::once(b'-').chain(kept.copied()).collect();
    let is_anything = kept.len() > 1;
    (!strip.is_empty()).then(|| (strip, is_anything.then(|| OsString::from_vec(kept))))
}

/// A response file that lives as long as the process that reads it.
#[derive(Debug)]
pub struct ResponseFile(PathBuf);

impl ResponseFile {
    fn write(output: &Path, arguments: &[OsString]) -> Result<Self> {
        let mut name = output.as_os_str().to_owned();
        name.push(format!(".vthread-{}.args", std::process::id()));
        let path = PathBuf::from(name);
        let mut text = Vec::new();
        for argument in arguments {
            for byte in argument.as_bytes() {
                if byte.is_ascii_whitespace() || matches!(byte, b'\\' | b'"' | b'\'') {
                    text.push(b'\\');
                }
                text.push(*byte);
            }
            text.push(b'\n');
        }
        std::fs::write(&path, text).map_err(|source| LinkError::File { path: path.clone(), source })?;
        Ok(ResponseFile(path))
    }
}

impl Drop for ResponseFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Replaces `@file` by the arguments in the file, as the compiler and the linkers do it.
fn expand(arguments: &[OsString], into: &mut Vec<OsString>, depth: u32) -> Result<()> {
    for argument in arguments {
        let Some(path) = argument.as_bytes().strip_prefix(b"@") else {
            into.push(argument.clone());
            continue;
        };
        let path = PathBuf::from(OsStr::from_bytes(path));
        match std::fs::read(&path) {
            Ok(text) if depth < 16 => expand(&split(&text), into, depth + 1)?,
            Ok(_) => {
                return Err(LinkError::CommandLine(format!(
                    "response files nested too deeply: {}",
                    path.display()
                )));
            }
            // A file of that name, or none: then it is an argument like any other.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => into.push(argument.clone()),
            Err(source) => return Err(LinkError::File { path, source }),
        }
    }
    Ok(())
}

/// Splits a response file: at white space, which quotes and backslashes protect.
fn split(text: &[u8]) -> Vec<OsString> {
    let (mut found, mut current, mut started) = (Vec::new(), Vec::new(), false);
    let mut quote = None;
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\\', _) if quote != Some(b'\'') => {
                current.extend(bytes.next());
                started = true;
            }
            (_, Some(open)) if byte == open => quote = None,
            (b'"' | b'\'', None) => {
                quote = Some(byte);
                started = true;
            }
            (_, None) if byte.is_ascii_whitespace() => {
                if started {
                    found.push(OsString::from_vec(std::mem::take(&mut current)));
                }
                started = false;
            }
            _ => {
                current.push(byte);
                started = true;
            }
        }
    }
    if started {
        found.push(OsString::from_vec(current));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Command {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        Command::parse(OsStr::new("ld"), &arguments).expect("a good command line")
    }

    #[test]
    fn strip_flags_are_taken_out_and_remembered() {
        let command = parse(&["a.o", "--strip-debug", "-x", "-o", "out", "-s"]);
        assert_eq!(command.arguments, ["a.o", "-o", "out"]);
        assert_eq!(command.strip, ["--strip-debug", "--discard-all", "--strip-all"]);
        assert_eq!(command.output, Path::new("out"));
        assert!(!command.shared && !command.partial);
    }

    /// As GNU ld 2.40, gold and lld 22 take them.
    #[test]
    fn strip_flags_are_known_in_all_forms_that_linkers_take() {
        let (all, debug, locals) = ("--strip-all", "--strip-debug", "--discard-all");
        for (argument, strip, left) in [
            ("-strip-all", &[all][..], None),
            ("-strip-debug", &[debug], None),
            ("-discard-all", &[locals], None),
            ("--strip-a", &[all], None),
            ("-strip-de", &[debug], None),
            ("--discard-al", &[locals], None),
            ("-sx", &[all, locals], None),
            ("-xSn", &[locals, debug], Some("-n")),
            ("-Es", &[all], Some("-E")),
            ("-sz", &[all], Some("-z")),
        ] {
            let command = parse(&[argument]);
            assert_eq!(command.strip, strip, "{argument}");
            assert_eq!(command.arguments, Vec::from_iter(left.map(OsString::from)), "{argument}");
        }
        for other in [
            "-",
            "--",
            "-z",
            "-X",
            "-es",
            "-zs",
            "-lx",
            "-Ls",
            "-soname=x",
            "-static",
            "-stats",
            "-shared",
            "--strip",
            "--strip-discarded",
            "--strip-all-of-it",
            "--discard-locals",
            "--sx",
            "x",
            "s.o",
        ] {
            let command = parse(&[other]);
            assert_eq!((command.strip.len(), command.arguments), (0, vec![OsString::from(other)]), "{other}");
        }
        let command = parse(&["a.o", "-so", "out", "-nr"]);
        assert_eq!((command.output.as_path(), command.strip), (Path::new("out"), vec![all]));
        assert_eq!(command.arguments, ["a.o", "-o", "out", "-nr"]);
        assert!(
            command.partial && parse(&["-r"]).partial && parse(&["-v"]).partial && !parse(&["-n"]).partial
        );
    }

    /// As GNU ld 2.40, gold and lld 22 take them.
    #[test]
    fn who_links_a_program_is_not_taken_for_something_else() {
        for program in [&["-init", "start", "a.o"][..], &["-v", "a.o"], &["-dnv", "a.o"]] {
            let command = parse(program);
            assert!(!command.partial && !command.shared, "{program:?}");
            assert_eq!(command.arguments, program, "nothing is taken out");
        }
        for other in [&["-Ur", "a.o"][..], &["-i", "a.o"], &["-v"], &["-v", "-O1"], &["--version", "a.o"]] {
            assert!(parse(other).partial, "{other:?}");
        }
    }

    #[test]
    fn response_files_are_expanded() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("args");
        std::fs::write(&file, "-shared\n'a b.o' \"c\\\"d\" e\\ f \n-o x/y").expect("written");
        let command = parse(&[&format!("@{}", file.display()), "@not-there"]);
        assert_eq!(command.arguments, ["-shared", "a b.o", "c\"d", "e f", "-o", "x/y", "@not-there"]);
        assert!(command.shared);
    }

    #[test]
    fn a_written_response_file_reads_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let arguments: Vec<OsString> = ["a b", "c\"d", "e'f\\", "g"].map(OsString::from).into();
        let file = ResponseFile::write(&folder.path().join("out"), &arguments).expect("written");
        assert_eq!(split(&std::fs::read(&file.0).expect("readable")), arguments);
        let path = file.0.clone();
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn linkers_are_told_from_other_tools() {
        for tool in ["/usr/lib/gcc/x86_64-linux-gnu/14/collect2", "ld.lld", "rust-lld", "/usr/bin/ld"] {
            assert!(Command::is_linker(OsStr::new(tool)), "{tool}");
        }
        for tool in ["/usr/bin/as", "cc1", "lto-wrapper"] {
            assert!(!Command::is_linker(OsStr::new(tool)), "{tool}");
        }
    }
}
