//! Why functions are carried out elsewhere in an executable that the link step has been through: found anew.

use crate::frames::Place;
use crate::graph::{Graph, Reason, Step};
use crate::groups::groups;
use crate::pools::HopTo;
use crate::program::{Loaded, Solved};
use std::collections::{BTreeMap, BTreeSet};

/// What is said where it cannot be found anew: calls that were rewritten do not show any more what they were.
const DECIDED: &str = "as the link step decided";

/// Why calls of these go elsewhere.
pub(super) fn whys(
    loaded: &Loaded<'_>,
    solved: &mut Solved<'_, '_>,
    functions: &[u64],
) -> BTreeMap<u64, String> {
    // All together they stay where they are, and show what is in the way.
    let alone = loaded.as_linked(functions).graph;
    let circling = circling(&alone);
    let why = |function: u64| {
        let node = alone.entry(function, Place::Anywhere)?;
        if circling.contains(&node) {
            return Some("recursive".to_owned());
        }
        // Imports go elsewhere by themselves.
        let own = |reason: &&Reason| !matches!(reason, Reason::Import { .. });
        alone.nodes[node].reasons.iter().find(own).map(ToString::to_string)
    };
    let mut whys = BTreeMap::new();
    for function in functions {
        let ruled = solved.graph.rule_for(*function);
        let said = ruled.or_else(|| why(*function)).unwrap_or_else(|| DECIDED.to_owned());
        whys.insert(*function, said);
    }
    whys
}

/// The nodes that call each other in circles, by way of stubs as well: those were put there because of the circle.
fn circling(graph: &Graph<'_, '_>) -> BTreeSet<usize> {
    let mut callees = graph.callees();
    for (number, node) in graph.nodes.iter().enumerate() {
        callees[number].extend(node.edges.iter().filter_map(|edge| match edge.step {
            Step::Hop(HopTo::Function(to), _) => graph.entry(to, Place::Anywhere),
            _ => None,
        }));
    }
    let circle = |group: &Vec<usize>| group.len() > 1 || callees[group[0]].contains(&group[0]);
    groups(&callees).into_iter().filter(circle).flatten().collect()
}
