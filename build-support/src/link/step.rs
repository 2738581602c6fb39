//! From the linker's command line to a verified executable.

use super::command::Command;
use super::patch::{Failure, Plan};
use super::pin;
use super::rewrite::{self, Rewritten};
use super::{DRIVER_VARIABLE, LOG_VARIABLE, LinkStep, Result};
use crate::bounds::{Need, Why};
use crate::error::{LinkError, RecordError};
use crate::explain::{Explanation, explanation};
use crate::frames::Place;
use crate::functions::display_name;
use crate::pins::{self, Pins};
use crate::program::{LoadError, Loaded, Solved};
use crate::records::Record;
use crate::source;
use iced_x86::{Decoder, Mnemonic};
use std::collections::BTreeMap;
use std::env;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::Write as _;
use std::mem::ManuallyDrop;
use std::path::Path;
use std::time::{Duration, Instant};
use vale_threads_abi::flags::{EXACT, RAW};
use vale_threads_abi::{Kind, SECTION, UNPATCHED, UNPROVED, chunk_size};

/// One entry that asked for a size.
#[derive(Clone, Debug)]
pub struct Entry {
    /// How the report calls it.
    pub name: String,
    /// The function.
    pub function: u64,
    /// Where its size is written.
    pub site: u64,
    /// The proved bound in bytes.
    pub bound: Option<u64>,
    /// What was written.
    pub written: u32,
    /// Why there is no bound.
    pub why: Option<String>,
    /// The same in parts, where an analysis says so.
    pub explanation: Option<Explanation>,
    /// It must have one.
    pub exact: bool,
    /// It has none because vthread code calls itself in a circle without a wrapper.
    pub recursion: bool,
}

/// What processing an executable came to.
pub struct Outcome {
    /// The changes to make.
    pub plan: Plan,
    /// The entries.
    pub entries: Vec<Entry>,
    /// What goes elsewhere.
    pub rewritten: Rewritten,
    /// Functions that are counted while they run.
    pub pins: Pins,
    /// Rules that name functions which this program does not have; looked for if the environment asks for a log.
    pub unmatched_rules: Vec<&'static str>,
}

/// Runs the linker and everything after it. Returns the exit code.
pub(super) fn link(arguments: &[OsString], settings: &LinkStep) -> Result<i32> {
    let Some(tool) =
        arguments.first().filter(|a| !a.to_string_lossy().starts_with('-') && Command::is_linker(a))
    else {
        return other_tool(arguments);
    };
    link_in_place_of(tool, &arguments[1..], settings)
}

/// Runs this linker and everything after it.
pub(super) fn link_in_place_of(tool: &OsString, arguments: &[OsString], settings: &LinkStep) -> Result<i32> {
    let command = Command::parse(tool, arguments)?;
    if command.partial {
        return run(std::process::Command::new(tool).args(arguments), tool);
    }
    let start = Instant::now();
    let (mut process, _file) = command.process()?;
    let code = run(&mut process, tool)?;
    if code != 0 {
        return Ok(code);
    }
    let linked = start.elapsed();
    let result = after_link(&command, settings, linked);
    if result.is_err() {
        // Nothing that could be run must be left behind; that it is gone already is fine.
        let _ = std::fs::remove_file(&command.output);
    }
    result.map(|()| 0)
}

/// The compiler runs other programs through the wrapper as well. Arguments without a program mean that this executable
/// was named as the linker itself, in place of `cc`.
fn other_tool(arguments: &[OsString]) -> Result<i32> {
    let named_as_linker = arguments.first().is_none_or(|a| {
        let text = a.to_string_lossy();
        text.starts_with('-')
            || text.starts_with('@')
            || Path::new(a).extension().is_some_and(|e| e == "o" || e == "a")
    });
    if !named_as_linker {
        return run(std::process::Command::new(&arguments[0]).args(&arguments[1..]), &arguments[0]);
    }
    let driver = env::var_os(DRIVER_VARIABLE).unwrap_or_else(|| "cc".into());
    let me = env::current_exe()
        .map_err(|source| LinkError::Tool { tool: "the link step itself".to_owned(), source })?;
    run(std::process::Command::new(&driver).arg("-wrapper").arg(me).args(arguments), &driver)
}

fn run(process: &mut std::process::Command, tool: &std::ffi::OsStr) -> Result<i32> {
    let status = process
        .status()
        .map_err(|source| LinkError::Tool { tool: tool.to_string_lossy().into_owned(), source })?;
    Ok(status.code().unwrap_or(1))
}

fn after_link(command: &Command, settings: &LinkStep, linked: Duration) -> Result<()> {
    let path = &command.output;
    let start = Instant::now();
    let failed = |source| LinkError::File { path: path.to_owned(), source };
    let file = std::fs::File::options().read(true).write(true).open(path).map_err(failed)?;
    // SAFETY: the linker is done with the file, and nobody else knows of it yet. The map is gone before the file is written.
    let data = unsafe { memmap2::Mmap::map(&file) }.map_err(failed)?;
    let outcome =
        if command.shared { refuse_records(path, &data)? } else { Some(process_for(path, &data, settings)?) };
    drop(data);
    if let Some(outcome) = outcome {
        report_unproved(&outcome.entries, settings)?;
        let failed = |failure| match failure {
            Failure::Io(source) => failed(source),
            Failure::Differs(what) => LinkError::NotVerified(what),
        };
        outcome.plan.apply(&file).map_err(failed)?;
        outcome.plan.verify(&file).map_err(failed)?;
        log(path, &outcome, linked, start.elapsed())?;
    }
    strip(command)
}

fn load<'d>(path: &Path, data: &'d [u8]) -> Result<Loaded<'d>> {
    Loaded::read(data).map_err(|error| match error {
        LoadError::Elf(source) => LinkError::Elf { path: path.to_owned(), source },
        LoadError::Record(error) => LinkError::Record(error),
    })
}

/// Proc-macros and other shared objects of the same package pass, as long as there are no virtual threads in them.
fn refuse_records(path: &Path, data: &[u8]) -> Result<Option<Outcome>> {
    let loaded = load(path, data)?;
    if loaded.records.all.is_empty() { Ok(None) } else { Err(LinkError::Shared { path: path.to_owned() }) }
}

/// Proves the entries of an executable, and plans what is to be written into it.
///
/// # Errors
/// When its records contradict its code, or something does not fit.
pub fn process(path: &Path, data: &[u8]) -> Result<Outcome> {
    process_for(path, data, &LinkStep::new())
}

fn process_for(path: &Path, data: &[u8], settings: &LinkStep) -> Result<Outcome> {
    let loaded = load(path, data)?;
    let mut outcome = Outcome {
        plan: Plan::default(),
        entries: Vec::new(),
        rewritten: Rewritten::default(),
        pins: Pins::default(),
        unmatched_rules: Vec::new(),
    };
    if loaded.records.all.is_empty() {
        return Ok(outcome);
    }
    // Taking it down piece by piece takes its time, and the process ends soon.
    let solved = ManuallyDrop::new(loaded.entries());
    if env::var_os(LOG_VARIABLE).is_some() {
        // Only the log says it, and it takes the name of every function.
        let names = || loaded.functions.iter().map(|f| display_name(&loaded.image, f.start)).collect();
        outcome.unmatched_rules = solved.graph.policy.rules.unmatched(&names);
        let symbols: Vec<&str> = loaded.image.code_symbols.iter().map(|s| s.name).collect();
        outcome.unmatched_rules.extend(solved.graph.policy.rules.unmatched_pins(&symbols));
    }
    outcome.rewritten = rewrite::plan(&solved.graph, &mut outcome.plan)?;
    outcome.entries = write_sizes(&loaded, &solved, &mut outcome.plan)?;
    write_thread_locals(&loaded, &mut outcome.plan)?;
    let rules = &solved.graph.policy.rules;
    outcome.pins = pins::find(&loaded.image, &loaded.functions, &loaded.records, rules);
    pin::plan(&loaded.image, &outcome.pins.all, &mut outcome.plan)?;
    name_lines(&loaded, &mut outcome.entries, settings);
    Ok(outcome)
}

/// What will be an error names lines of source. Reading them takes its time, so nothing else does.
fn name_lines(loaded: &Loaded<'_>, entries: &mut [Entry], settings: &LinkStep) {
    let refused = |e: &&mut Entry| e.written == UNPROVED && is_refused(e, settings);
    let addresses: Vec<u64> = entries
        .iter_mut()
        .filter(refused)
        .flat_map(|e| &e.explanation)
        .flat_map(Explanation::addresses)
        .collect();
    let sources = source::find(&loaded.image, addresses);
    for entry in entries.iter_mut().filter(refused) {
        if let Some(explanation) = &entry.explanation {
            entry.why = Some(explanation.text(&sources));
        }
    }
}

fn is_refused(entry: &Entry, settings: &LinkStep) -> bool {
    entry.recursion || entry.exact || settings.denies_unproved()
}

fn write_sizes(loaded: &Loaded<'_>, solved: &Solved<'_, '_>, plan: &mut Plan) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    // Identical code may have been folded: one site, several records, and the largest size serves all.
    let mut sizes: BTreeMap<u64, u32> = BTreeMap::new();
    for record in loaded.records.of_kind(Kind::Chunk) {
        check_chunk(loaded, record)?;
        let entry = entry(loaded, solved, record);
        let size = sizes.entry(record.site).or_insert(0);
        *size = (*size).max(entry.written);
        entries.push(entry);
    }
    share_sites(&mut entries, &sizes);
    for entry in &entries {
        // Proved with a size, or unproved with a reason: there is nothing else.
        let proved = entry.written != UNPROVED;
        if proved != entry.bound.is_some() || proved == entry.why.is_some() {
            return Err(LinkError::NotVerified(format!("`{}` is neither proved nor unproved", entry.name)));
        }
    }
    for (site, size) in sizes {
        plan.replace(&loaded.image, site, &size.to_le_bytes(), "size of an entry")?;
    }
    Ok(entries)
}

/// Entries whose code was folded into one share what is written there: the largest size, or none if one of them has none.
fn share_sites(entries: &mut [Entry], sizes: &BTreeMap<u64, u32>) {
    for index in 0..entries.len() {
        let entry = &entries[index];
        let written = sizes.get(&entry.site).copied().unwrap_or(UNPROVED);
        let shared = (written == UNPROVED && entry.written != UNPROVED).then(|| {
            let other = entries.iter().find(|e| e.site == entry.site && e.written == UNPROVED);
            let (name, why) =
                other.map_or(("another", ""), |e| (&e.name, e.why.as_deref().unwrap_or_default()));
            format!("the linker folded its call with that of `{name}`, which is unproved: {why}")
        });
        let entry = &mut entries[index];
        entry.written = written;
        if shared.is_some() {
            entry.bound = None;
            entry.why = shared;
        }
    }
}

/// The immediate must be as compiled, and the address that the code calls must be the record's.
fn check_chunk(loaded: &Loaded<'_>, record: &Record<'_>) -> Result<()> {
    let wrong = |what: String| LinkError::Record(RecordError::Contradicted { site: record.site, what });
    if loaded.image.bytes(record.site, 4) != Some(&UNPATCHED.to_le_bytes()) {
        return Err(wrong("there is no size to be written".to_owned()));
    }
    let code = loaded.image.bytes(record.site + 4, 7).unwrap_or_default();
    let next = Decoder::with_ip(64, code, record.site + 4, 0).decode();
    let loads = next.mnemonic() == Mnemonic::Lea && next.is_ip_rel_memory_operand();
    // A linker may have relaxed it for a program at fixed addresses.
    let moves = next.mnemonic() == Mnemonic::Mov && next.op0_register().is_gpr();
    let reaches = if loads { next.ip_rel_memory_address() } else { next.immediate(1) };
    if !(loads || moves) || reaches != record.callee {
        return Err(wrong(format!("the code calls {reaches:#x}, the record speaks of {:#x}", record.callee)));
    }
    Ok(())
}

fn entry(loaded: &Loaded<'_>, solved: &Solved<'_, '_>, record: &Record<'_>) -> Entry {
    let node = solved.graph.entry(record.callee, Place::OnChunk);
    let bound = node.and_then(|n| solved.needs[n].bound());
    let size = bound.and_then(|bound| {
        if record.flags & RAW == 0 {
            return chunk_size(bound, record.extra);
        }
        let size = bound.checked_add(u64::from(record.extra))?.checked_next_multiple_of(16)?;
        u32::try_from(size).ok().filter(|s| *s < UNPATCHED)
    });
    let proved = bound.filter(|_| size.is_some());
    let explanation = node.filter(|_| size.is_none()).and_then(|node| explanation(solved, node));
    let why = match (node, size) {
        (_, Some(_)) => None,
        (Some(_), None) if bound.is_some() => Some("its bound is above 2 GiB".to_owned()),
        (Some(_), None) => Some(
            explanation
                .as_ref()
                .map_or("no reason was noted".to_owned(), |e| e.text(&source::Sources::new())),
        ),
        (None, None) => Some("it was not analysed".to_owned()),
    };
    let name = if record.marker.is_empty() {
        display_name(&loaded.image, record.callee)
    } else {
        record.marker.to_owned()
    };
    Entry {
        name,
        function: record.callee,
        site: record.site,
        bound: proved,
        written: size.unwrap_or(UNPROVED),
        why,
        explanation,
        exact: record.flags & EXACT != 0,
        recursion: node.is_some_and(|n| ends_in_vthread_recursion(solved, n)),
    }
}

fn ends_in_vthread_recursion(solved: &Solved<'_, '_>, mut node: usize) -> bool {
    loop {
        match &solved.needs[node] {
            Need::Unknown { why: Why::Callee(callee), .. } => node = *callee,
            Need::Unknown { why: Why::Recursion(group), .. } => {
                let mut functions = group.iter().map(|n| solved.graph.nodes[*n].key.function);
                let by_others = |f| solved.graph.program.records.is_called_by_others(f);
                return functions.clone().any(|f| solved.graph.is_vthread(f)) && !functions.any(by_others);
            }
            Need::Unknown { why: Why::Own, .. } | Need::Proved(_) => return false,
        }
    }
}

fn write_thread_locals(loaded: &Loaded<'_>, plan: &mut Plan) -> Result<()> {
    for record in loaded.records.of_kind(Kind::ThreadLocal) {
        let mut named = loaded.image.tls_symbols.iter().filter(|s| s.name.contains(record.marker));
        let (Some(symbol), Some(size)) = (named.next(), loaded.image.tls_size) else { continue };
        // A program may have one of a like name: then it is not known which is meant.
        if named.any(|other| other.address != symbol.address) {
            continue;
        }
        let offset = symbol.address.wrapping_sub(size).cast_signed();
        let Ok(offset) = i32::try_from(offset) else { continue };
        plan.replace(&loaded.image, record.site, &offset.to_le_bytes(), "offset of a thread-local")?;
    }
    Ok(())
}

/// Entries without a proof are told, or are errors.
fn report_unproved(entries: &[Entry], settings: &LinkStep) -> Result<()> {
    let mut text = String::new();
    let mut denied = 0;
    for entry in entries.iter().filter(|e| e.written == UNPROVED) {
        let why = entry.why.as_deref().unwrap_or("no reason was noted");
        if entry.recursion {
            let _ = writeln!(
                text,
                "`{}` would run on a chunk and recurse there without end: {why}\n  help: let one call of the circle take a chunk of \
                 its own: mark its function #[vthread(recursive)]",
                entry.name
            );
        } else if entry.exact || settings.denies_unproved() {
            let rule = if entry.exact { "#[vthread(exact)]" } else { "deny_unproved()" };
            let _ =
                writeln!(text, "`{}` has no proved stack bound, and {rule} demands one: {why}", entry.name);
        } else {
            continue;
        }
        denied += 1;
    }
    if denied == 0 { Ok(()) } else { Err(LinkError::Unproved(text.trim_end().to_owned())) }
}

/// Strips what the linker was told to strip: records and symbols were needed until now.
fn strip(command: &Command) -> Result<()> {
    if command.strip.is_empty() {
        return Ok(());
    }
    let mut tool = std::process::Command::new("strip");
    tool.args(&command.strip);
    if command.strip.contains(&"--strip-all") {
        // Without symbols the report could not use them.
        tool.arg(format!("--remove-section={SECTION}"));
    }
    tool.arg(&command.output);
    let status = tool.status().map_err(|source| LinkError::Tool { tool: "strip".to_owned(), source })?;
    if status.success() {
        return Ok(());
    }
    Err(LinkError::ToolFailed {
        tool: format!("strip {}", command.strip.join(" ")),
        status: status.to_string(),
    })
}

/// One write to a file opened for appending: links that run at the same time do not mix their lines.
fn log(path: &Path, outcome: &Outcome, linked: Duration, took: Duration) -> Result<()> {
    let Some(log) = env::var_os(LOG_VARIABLE) else { return Ok(()) };
    let mut text = format!(
        "{}: linked in {} us, step {} us, {} entries, {} places written, {} call sites rewritten, {} functions, {} imports and {} indirect calls \
         by way of stubs; {} sites call imports so, {} imports are redirected for the whole program; {} initialisers are counted; {} functions call entries in place\n",
        path.display(),
        linked.as_micros(),
        took.as_micros(),
        outcome.entries.len(),
        outcome.plan.len(),
        outcome.rewritten.sites,
        outcome.rewritten.functions,
        outcome.rewritten.imports,
        outcome.rewritten.moved,
        outcome.rewritten.import_sites,
        outcome.rewritten.exchanged,
        outcome.pins.all.len(),
        outcome.rewritten.in_place,
    );
    for (function, why) in &outcome.pins.refused {
        let _ = writeln!(
            text,
            "  {function:#x}: a thread-local is initialised there, and a park in it is not noticed: {why}"
        );
    }
    for rule in &outcome.unmatched_rules {
        let _ = writeln!(text, "  no function is called `{rule}`: the rule for it did nothing");
    }
    for entry in &outcome.entries {
        match (entry.bound, &entry.why) {
            (Some(bound), None) => {
                let _ = writeln!(text, "  {}: bound {bound}, size {}", entry.name, entry.written);
            }
            (_, why) => {
                let _ = writeln!(text, "  {}: unproved: {}", entry.name, why.as_deref().unwrap_or("?"));
            }
        }
    }
    let write = || {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
        file.write_all(text.as_bytes())
    };
    write().map_err(|source| LinkError::File { path: log.clone().into(), source })
}
