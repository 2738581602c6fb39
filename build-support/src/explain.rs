//! Last stage: why a bound is what it is, and why there is none.

use crate::bounds::{Need, Why};
use crate::functions::display_name;
use crate::graph::{Graph, Step};
use crate::pools::HopTo;
use crate::program::Solved;
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
            chain.push(Link { name, address, bytes: node.frame.own() + pushed });
            break;
        };
        let site = &node.frame.sites[edge.site];
        chain.push(Link { name, address, bytes: site.depth + pushed });
        pushed = if site.tail { 0 } else { crate::bounds::RETURN_ADDRESS };
        match &edge.step {
            Step::Node(callee) => number = *callee,
            Step::Hop(to, cost) => {
                chain.push(Link {
                    name: format!("hop to {}", hop_name(graph, *to)),
                    address: 0,
                    bytes: pushed + cost,
                });
                break;
            }
            Step::Elsewhere => {
                chain.push(Link { name: "a call onto another stack".to_owned(), address: 0, bytes: pushed });
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

/// Why a node has no bound: the chain of calls down to where the reason is, in words. `None`: it has one.
pub fn why_unknown(solved: &Solved<'_, '_>, start: usize) -> Option<String> {
    let graph = &solved.graph;
    let name = |number: usize| display_name(graph.program.image, graph.nodes[number].key.function);
    let mut chain = vec![start];
    loop {
        let number = *chain.last()?;
        let Need::Unknown { why, .. } = &solved.needs[number] else { return None };
        let mut text = chain.iter().map(|n| format!("`{}`", name(*n))).collect::<Vec<_>>().join(" calls ");
        match why {
            Why::Callee(callee) => {
                chain.push(*callee);
                continue;
            }
            Why::Own => {
                let reasons: Vec<String> =
                    graph.nodes[number].reasons.iter().map(ToString::to_string).collect();
                let _ = write!(text, ": {}", reasons.first().map_or("no reason was noted", String::as_str));
                if reasons.len() > 1 {
                    let _ = write!(text, " (and {} more)", reasons.len() - 1);
                }
            }
            Why::Recursion(group) => {
                let circle = circle(graph, group);
                let _ = write!(
                    text,
                    ": recursion: {}",
                    circle.iter().map(|n| format!("`{}`", name(*n))).collect::<Vec<_>>().join(" -> ")
                );
            }
        }
        return Some(text);
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
