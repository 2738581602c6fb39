//! What `vthread-bounds` shows: the results of an analysis as plain data, and the forms it can be written in.

mod constants;
mod dot;
mod json;
mod reach;
mod table;
mod why;

pub use constants::{Language, constants};
pub use dot::dot;
pub use json::json;
pub use table::{buckets, chain, histogram, table};

use crate::bounds::Need;
use crate::elf::Image;
use crate::explain::{Explanation, Link, explanation, worst_chain};
use crate::frames::Place;
use crate::functions::{display_name, symbol_names};
use crate::pools::HopTo;
use crate::program::{Loaded, Solved};
use crate::source::{self, Sources};
use reach::Reach;
use std::collections::BTreeSet;
use vale_threads_abi::{Kind, UNPATCHED, UNPROVED};

/// How sure a bound is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Certainty {
    /// A path of calls needs this, to the byte.
    Exact,
    /// No path needs more; padding or the red zone may make it less.
    AtMost,
    /// No bound, and why.
    Unknown(String),
}

/// One function or entry.
#[derive(Clone, Debug)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its address.
    pub address: u64,
    /// Its bound in bytes, return address included; for unknown ones what it needs at least.
    pub bytes: u64,
    /// How sure that is.
    pub certainty: Certainty,
    /// Of an entry: the size that is written in the program.
    pub written: Option<Written>,
    /// The chain of calls that needs most.
    pub chain: Vec<Link>,
    /// Why there is no bound, in parts.
    pub explanation: Option<Explanation>,
    /// Of an entry: imports that it can call, on whatever stack, and that can block the whole carrier. A system call that is made in place (`syscall` in
    /// the code itself, as `vthread::io` reads and opens what is in memory) is no import, and not among them.
    pub blocking: Vec<String>,
    /// Of an entry: the functions in which it can be switched away from, and where.
    pub switches: Vec<(String, u64)>,
}

/// What the program holds where an entry's size belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Written {
    /// Bytes of its chunk.
    Size(u32),
    /// It gets a large guarded stack.
    Unproved,
    /// The link step did not run.
    Unpatched,
}

/// Everything about one executable.
#[derive(Debug, Default)]
pub struct Report {
    /// Entries, or with `--all` every function.
    pub lines: Vec<Line>,
    /// Functions that are carried out on a big stack, and why.
    pub hopped: Vec<(String, String)>,
    /// Imports that are.
    pub imports: Vec<String>,
    /// Of the imports those that can block the whole carrier.
    pub blocking: Vec<String>,
    /// Chains of calls from what is carried out on a big stack to a context switch: parks off the chunks, each of which keeps a big
    /// stack as long as it lasts.
    pub parks: Vec<Vec<String>>,
    /// What was wrong with the file without making it useless.
    pub notes: Vec<String>,
}

/// The entries of an executable.
pub fn entries(loaded: &Loaded<'_>) -> Report {
    let mut solved = loaded.entries();
    let mut report = Report { notes: notes(loaded), ..Report::default() };
    for record in loaded.records.of_kind(Kind::Chunk) {
        let Some(node) = solved.graph.entry(record.callee, Place::OnChunk) else { continue };
        let mut line = line(&solved, node);
        if !record.marker.is_empty() {
            record.marker.clone_into(&mut line.name);
        }
        line.written = written(&loaded.image, record.site);
        report.notes.extend(agree_with_written(&mut line, record.extra));
        report.lines.push(line);
    }
    report.lines.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    let hops = hops(&solved);
    let linked: Vec<u64> = hops
        .iter()
        .filter_map(|to| match to {
            HopTo::Function(address) if !solved.graph.hopped.contains_key(address) => Some(*address),
            _ => None,
        })
        .collect();
    for (function, why) in &solved.graph.hopped {
        report.hopped.push((display_name(&loaded.image, *function), why.clone()));
    }
    for to in hops {
        match to {
            HopTo::Site(at) => {
                report.hopped.push((crate::explain::hop_name(&solved.graph, to), why_site(&solved, at)));
            }
            HopTo::Function(_) => {}
            HopTo::Import(import) => report.imports.push(loaded.image.import_name(import).to_owned()),
        }
    }
    for (function, why) in why::whys(loaded, &mut solved, &linked) {
        report.hopped.push((display_name(&loaded.image, function), why));
    }
    let rules = &solved.graph.policy.rules;
    report.blocking = report.imports.iter().filter(|i| rules.blocks(i)).cloned().collect();
    add_reach(&mut report, &mut solved);
    report.name_lines(&loaded.image);
    report
}

/// What entries can come to, and which parks are off the chunks.
fn add_reach(report: &mut Report, solved: &mut Solved<'_, '_>) {
    let image = solved.graph.program.image;
    let mut hopped: BTreeSet<u64> = solved.graph.hopped.keys().copied().collect();
    hopped.extend(hops(solved).into_iter().filter_map(|to| match to {
        HopTo::Function(address) => Some(address),
        HopTo::Import(_) | HopTo::Site(_) => None,
    }));
    let mut reach = Reach::new(&mut solved.graph);
    let mut imports = Vec::new();
    for line in &mut report.lines {
        let reached = reach.from(line.address);
        line.switches = reached.switches.iter().map(|(f, site)| (display_name(image, *f), *site)).collect();
        imports.push(reached.imports);
    }
    for function in hopped {
        if let Some(path) = reach.path_to_switch(function) {
            report.parks.push(path.into_iter().map(|f| display_name(image, f)).collect());
        }
    }
    let rules = &solved.graph.policy.rules;
    for (line, imports) in report.lines.iter_mut().zip(imports) {
        let names = imports.into_iter().map(|import| image.import_name(import));
        line.blocking = names.filter(|name| rules.blocks(name)).map(str::to_owned).collect();
        line.blocking.sort_unstable();
    }
}

impl Report {
    /// Looks up the lines of all calls in chains and explanations.
    pub fn name_lines(&mut self, image: &Image<'_>) {
        let calls = self.lines.iter().flat_map(|l| {
            l.chain
                .iter()
                .filter_map(|link| link.call)
                .chain(l.explanation.iter().flat_map(Explanation::addresses))
        });
        let sources = source::find(image, calls);
        for line in &mut self.lines {
            for link in &mut line.chain {
                link.source = link.call.and_then(|call| sources.get(&call).cloned());
            }
            if let (Certainty::Unknown(why), Some(explanation)) = (&mut line.certainty, &line.explanation) {
                *why = explanation.text(&sources);
            }
        }
    }
}

/// Every function of an executable, with or without virtual threads.
pub fn every_function(loaded: &Loaded<'_>, solved: &Solved<'_, '_>) -> Report {
    let mut report = Report { notes: notes(loaded), ..Report::default() };
    for function in loaded.functions.iter() {
        let node = solved.graph.entry(function.start, Place::Anywhere);
        report.lines.extend(node.map(|node| line(solved, node)));
    }
    report.lines.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.name.cmp(&b.name)));
    report
}

/// Those of `functions` that entries reach, as these see them: with rsp on a chunk, and with what cannot be bounded carried out
/// elsewhere.
pub fn reached(solved: &Solved<'_, '_>, functions: &[u64]) -> Report {
    let mut report = Report::default();
    let mut seen = BTreeSet::new();
    for (number, node) in solved.graph.nodes.iter().enumerate() {
        let function = node.key.function;
        if functions.contains(&function) && seen.insert(function) {
            report.lines.push(line(solved, number));
        }
    }
    report
}

fn notes(loaded: &Loaded<'_>) -> Vec<String> {
    let mut notes: Vec<String> = loaded.functions.damage.iter().cloned().collect();
    if loaded.image.code_symbols.is_empty() {
        notes.push("no symbols: functions are known from unwind tables alone, and have no names".to_owned());
    }
    notes
}

fn line(solved: &Solved<'_, '_>, node: usize) -> Line {
    let address = solved.graph.nodes[node].key.function;
    let explanation = explanation(solved, node);
    let (bytes, certainty) = match &solved.needs[node] {
        Need::Proved(proved) if proved.exact => (proved.bytes, Certainty::Exact),
        Need::Proved(proved) => (proved.bytes, Certainty::AtMost),
        Need::Unknown { at_least, .. } => (
            *at_least,
            Certainty::Unknown(
                explanation.as_ref().map_or("no reason was noted".to_owned(), |e| e.text(&Sources::new())),
            ),
        ),
    };
    Line {
        name: display_name(solved.graph.program.image, address),
        address,
        bytes: bytes + crate::bounds::RETURN_ADDRESS,
        certainty,
        written: None,
        chain: worst_chain(solved, node),
        explanation,
        blocking: Vec::new(),
        switches: Vec::new(),
    }
}

fn written(image: &Image<'_>, site: u64) -> Option<Written> {
    let value = image.bytes(site, 4).and_then(crate::elf::read_u32)?;
    Some(match value {
        UNPATCHED => Written::Unpatched,
        UNPROVED => Written::Unproved,
        bytes => Written::Size(bytes),
    })
}

/// What is in the file decides: an entry that got a size was proved by the link step, one that got none was not. Returns what to tell
/// where this analysis, of the finished file, has come to something else.
fn agree_with_written(line: &mut Line, reserve: u32) -> Option<String> {
    match (line.written?, &line.certainty) {
        (Written::Unproved, Certainty::Exact | Certainty::AtMost) => {
            line.certainty = Certainty::Unknown(format!(
                "the link step wrote no size for it, though in the finished file a bound of {} bytes is found: its call was \
                 folded with that of an unproved entry, or the link step was of another version",
                line.bytes
            ));
            None
        }
        (Written::Size(size), Certainty::Unknown(why)) => {
            let note = format!(
                "`{}`: the link step proved that {size} bytes are enough; from the finished file alone this cannot be seen: {why}",
                line.name
            );
            line.bytes = u64::from(size.saturating_sub(reserve));
            line.explanation = None;
            line.certainty = Certainty::AtMost;
            Some(note)
        }
        _ => None,
    }
}

fn why_site(solved: &Solved<'_, '_>, at: u64) -> String {
    let function = solved.graph.program.functions.containing(at).map(|f| f.start);
    format!(
        "an indirect call in `{}`",
        function.map_or_else(String::new, |f| display_name(solved.graph.program.image, f))
    )
}

fn hops(solved: &Solved<'_, '_>) -> BTreeSet<HopTo> {
    let edges = solved.graph.nodes.iter().flat_map(|n| &n.edges);
    edges.filter_map(|e| if let crate::graph::Step::Hop(to, _) = e.step { Some(to) } else { None }).collect()
}

/// The addresses of functions whose name contains `text`.
pub fn find(loaded: &Loaded<'_>, text: &str) -> Vec<u64> {
    let named = |start: u64| {
        display_name(&loaded.image, start).contains(text)
            || symbol_names(&loaded.image, start).any(|n| n.contains(text))
    };
    loaded.functions.iter().map(|f| f.start).filter(|start| named(*start)).collect()
}
