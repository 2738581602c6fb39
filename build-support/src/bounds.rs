//! Sixth stage: the bound of each function: its own frame, or the deepest call: depth of the call + 8 for the return
//! address + bound of the callee, whichever is most.
//!
//! Computed over groups, callees first. Nothing is cut off and remembered, so no order of looking at things can make a
//! bound too small.

use crate::frames::Site;
use crate::graph::{Edge, Graph, Step};
use crate::groups::groups;

/// Bytes of a return address.
pub const RETURN_ADDRESS: u64 = 8;

/// What is known of the stack that a node needs below its return address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Need {
    /// Never more than this.
    Proved(Proved),
    /// No bound.
    Unknown {
        /// It does need this much.
        at_least: u64,
        /// Where the reason is.
        why: Why,
    },
}

/// A proved bound.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Proved {
    /// Bytes below the return address.
    pub bytes: u64,
    /// Some path of calls needs exactly this (if that path is ever taken).
    pub exact: bool,
    /// The call that needs most; `None`: the function's own frame does.
    pub worst: Option<Edge>,
}

/// Where the reason for having no bound is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Why {
    /// The node's own reasons.
    Own,
    /// The node that this call enters.
    Callee(usize),
    /// These nodes call each other in a circle.
    Recursion(Vec<usize>),
}

impl PartialEq for Edge {
    fn eq(&self, other: &Self) -> bool {
        self.site == other.site
    }
}
impl Eq for Edge {}

impl Need {
    /// The bound as the runtime counts it, from before the call pushes its return address.
    pub fn bound(&self) -> Option<u64> {
        match self {
            Need::Proved(proved) => Some(proved.bytes + RETURN_ADDRESS),
            Need::Unknown { .. } => None,
        }
    }

    /// Bytes below the return address, as far as they are known.
    pub fn bytes(&self) -> u64 {
        match self {
            Need::Proved(proved) => proved.bytes,
            Need::Unknown { at_least, .. } => *at_least,
        }
    }
}

/// Computes what every node needs.
pub fn solve(graph: &Graph<'_, '_>) -> Vec<Need> {
    let callees = graph.callees();
    let nothing = Need::Unknown { at_least: 0, why: Why::Own };
    let mut needs = vec![nothing; callees.len()];
    for group in groups(&callees) {
        if group.len() > 1 || graph.calls_itself(group[0]) {
            let at_least = group.iter().map(|n| graph.nodes[*n].frame.own()).max().unwrap_or(0);
            for number in &group {
                needs[*number] = Need::Unknown { at_least, why: Why::Recursion(group.clone()) };
            }
        } else {
            needs[group[0]] = need(graph, &needs, group[0]);
        }
    }
    needs
}

fn need(graph: &Graph<'_, '_>, needs: &[Need], number: usize) -> Need {
    let node = &graph.nodes[number];
    let mut most = Proved { bytes: node.frame.own(), exact: node.frame.exact(), worst: None };
    let mut unknown = if node.reasons.is_empty() { None } else { Some(Why::Own) };
    for edge in &node.edges {
        let (bytes, exact) = match &edge.step {
            Step::Node(callee) => {
                let need = &needs[*callee];
                if let (Need::Unknown { .. }, None) = (need, &unknown) {
                    unknown = Some(Why::Callee(*callee));
                }
                (need.bytes(), matches!(need, Need::Proved(p) if p.exact))
            }
            Step::Hop(_, cost) => (*cost, true),
            Step::Elsewhere => (0, true),
        };
        let total = through(graph, number, edge, bytes);
        if total > most.bytes || most.worst.is_none() && total == most.bytes && exact {
            most = Proved { bytes: total, exact: exact && node.frame.padding == 0, worst: Some(*edge) };
        }
    }
    match unknown {
        None => Need::Proved(most),
        Some(why) => Need::Unknown { at_least: most.bytes, why },
    }
}

/// What a call needs in all, if its callee needs `bytes`.
pub fn through(graph: &Graph<'_, '_>, number: usize, edge: &Edge, bytes: u64) -> u64 {
    through_site(&graph.nodes[number].frame.sites[edge.site], bytes)
}

/// The same of a site.
pub fn through_site(site: &Site, bytes: u64) -> u64 {
    let pushed = if site.tail { 0 } else { RETURN_ADDRESS };
    site.depth.saturating_add(pushed).saturating_add(bytes)
}
