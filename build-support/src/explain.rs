//! Last stage: why a bound is what it is, and why there is none.

use crate::bounds::{Need, Why};
use crate::functions::display_name;
use crate::graph::{Graph, Reason, Step};
use crate::pools::HopTo;
use crate::program::Solved;
use crate::source::Sources;
use std::fmt::Write as _;

/// One function of the worst chain.
#[derive(Clone, Debug)]
pub struct Link {
    /// Its name.
    pub name: String,
    /// Its address; 0 for what is not a function of the program.
    pub address: u64,
    /// Bytes that it uses before it calls the next, return address included.
    pub bytes: u64,
    /// The call of the next; `None` for the last.
    pub call: Option<u64>,
    /// Where that call is in the source, as `file:line`, once it was looked up.
    pub source: Option<String>,
}

/// Why there is no bound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Explanation {
    /// Names of functions, each calling the next, with the addresses of these calls.
    pub chain: Vec<(String, Option<u64>)>,
    /// What is in the way in the last of them.
    pub reason: String,
    /// The instruction that the reason speaks of.
    pub at: Option<u64>,
}

impl Explanation {
    /// In words, with the lines that are known.
    pub fn text(&self, sources: &Sources) -> String {
        let place = |at: Option<u64>| {
            at.and_then(|at| sources.get(&at)).map_or_else(String::new, |source| format!(" ({source})"))
        };
        let chain: Vec<String> =
            self.chain.iter().map(|(name, call)| format!("`{name}`{}", place(*call))).collect();
        format!("{}: {}{}", chain.join(" calls "), self.reason, place(self.at))
    }

    /// The instructions whose lines the text could name.
    pub fn addresses(&self) -> impl Iterator<Item = u64> + '_ {
        self.chain.iter().filter_map(|(_, call)| *call).chain(self.at)
    }
}

/// The chain of calls that needs most, outermost first; its bytes sum to the bound.
pub fn worst_chain(solved: &Solved<'_, '_>, start: usize) -> Vec<Link> {
    let graph = &solved.graph;
    let mut chain = Vec::new();
    let mut number = start;
    let mut pushed = crate::bounds::RETURN_ADDRESS;
    while let Some(Need::Proved(proved)) = solved.needs.get(number) {
        let node = &graph.nodes[number];
        let name = display_name(graph.program.image, node.key.function);
        let address = node.key.function;
        let Some(edge) = &proved.worst else {
            let bytes = node.frame.own() + pushed;
            chain.push(Link { name, address, bytes, call: None, source: None });
            break;
        };
        let site = &node.frame.sites[edge.site];
        let bytes = site.depth + pushed;
        chain.push(Link { name, address, bytes, call: Some(site.at), source: None });
        pushed = if site.tail { 0 } else { crate::bounds::RETURN_ADDRESS };
        match &edge.step {
            Step::Node(callee) => number = *callee,
            Step::Hop(to, cost) => {
                chain.push(Link {
                    name: format!("hop to {}", hop_name(graph, *to)),
                    address: 0,
                    bytes: pushed + cost,
                    call: None,
                    source: None,
                });
                break;
            }
            Step::Elsewhere => {
                let name = "a call onto another stack".to_owned();
                chain.push(Link { name, address: 0, bytes: pushed, call: None, source: None });
                break;
            }
        }
    }
    chain
}

/// The name of what a stub calls.
pub fn hop_name(graph: &Graph<'_, '_>, to: HopTo) -> String {
    match to {
        HopTo::Function(address) => display_name(graph.program.image, address),
        HopTo::Site(at) => format!("what is called at {at:#x}"),
        HopTo::Import(import) => graph.program.image.import_name(import).to_owned(),
    }
}

/// Why a node has no bound: the chain of calls down to where the reason is. `None`: it has one.
pub fn explanation(solved: &Solved<'_, '_>, start: usize) -> Option<Explanation> {
    let graph = &solved.graph;
    let name = |number: usize| display_name(graph.program.image, graph.nodes[number].key.function);
    let call = |from: usize, to: usize| {
        let node = &graph.nodes[from];
        let edge = node.edges.iter().find(|e| matches!(e.step, Step::Node(callee) if callee == to))?;
        Some(node.frame.sites[edge.site].at)
    };
    let mut chain = Vec::new();
    let mut number = start;
    loop {
        let Need::Unknown { why, .. } = &solved.needs[number] else { return None };
        let (reason, at) = match why {
            Why::Callee(callee) => {
                chain.push((name(number), call(number, *callee)));
                number = *callee;
                continue;
            }
            Why::Own => {
                let reasons = &graph.nodes[number].reasons;
                let mut text = reasons.first().map_or("no reason was noted".to_owned(), ToString::to_string);
                if reasons.len() > 1 {
                    let _ = write!(text, " (and {} more)", reasons.len() - 1);
                }
                (text, reasons.first().and_then(Reason::at))
            }
            Why::Recursion(group) => {
                let circle = circle(graph, group);
                let names: Vec<String> = circle.iter().map(|n| format!("`{}`", name(*n))).collect();
                let first = circle.first().zip(circle.get(1)).and_then(|(from, to)| call(*from, *to));
                (format!("recursion: {}", names.join(" -> ")), first)
            }
        };
        chain.push((name(number), None));
        return Some(Explanation { chain, reason, at });
    }
}

/// A circle of calls within a group, its first member once more at the end.
fn circle(graph: &Graph<'_, '_>, group: &[usize]) -> Vec<usize> {
    let Some(&first) = group.first() else { return Vec::new() };
    let mut path = vec![first];
    loop {
        let here = path[path.len() - 1];
        let calls = graph.nodes[here].edges.iter().filter_map(|e| match e.step {
            Step::Node(callee) if group.contains(&callee) => Some(callee),
            _ => None,
        });
        let calls: Vec<usize> = calls.collect();
        // The first step back to where the path has been closes the circle.
        if let Some(seen) = calls.iter().find_map(|c| path.iter().position(|p| p == c)) {
            let again = path[seen];
            path.drain(..seen);
            path.push(again);
            return path;
        }
        match calls.first() {
            Some(next) => path.push(*next),
            None => return path,
        }
    }
}
