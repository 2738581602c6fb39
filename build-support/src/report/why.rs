//! Why functions are carried out elsewhere in an executable that the link step has been through: found anew.

use crate::frames::Place;
use crate::graph::{Graph, Reason, Step};
use crate::groups::groups;
use crate::pools::HopTo;
use crate::program::{Loaded, Solved};
use std::collections::{BTreeMap, BTreeSet};

/// What is said where it cannot be found anew: calls that were rewritten do not show any more what they were.
const DECIDED: &str = "as the link step decided";
/// What is said of what has a bound.
const ASIDE: &str = "so that a method that calls it once needs no chunk of its own";

/// Why calls of these go elsewhere.
pub(super) fn whys(
    loaded: &Loaded<'_>,
    solved: &mut Solved<'_, '_>,
    functions: &[u64],
) -> BTreeMap<u64, String> {
    // All together they stay where they are, and show what is in the way.
    let Solved { graph: alone, needs } = loaded.as_linked(functions);
    let circling = circling(&alone);
    let aside = called_aside(&solved.graph);
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
        let (ruled, why) = (solved.graph.rule_for(*function), why(*function));
        let is_bounded =
            alone.entry(*function, Place::Anywhere).is_some_and(|node| needs[node].bound().is_some());
        // Code of vthreads goes elsewhere for no other reason, but for recursion by way of others.
        let is_ours = || {
            let by_others = solved.graph.program.records.is_called_by_others(*function);
            solved.graph.is_vthread(*function) && !by_others
        };
        let is_aside = aside.contains(function) && (is_bounded || is_ours());
        let aside = is_aside.then(|| ASIDE.to_owned());
        let said = ruled.or(aside).or(why).unwrap_or_else(|| DECIDED.to_owned());
        whys.insert(*function, said);
    }
    whys
}

/// What is carried out elsewhere for those that are called in place.
fn called_aside(graph: &Graph<'_, '_>) -> BTreeSet<u64> {
    let in_place = |number: &usize| graph.calls_in_place(graph.nodes[*number].key.function);
    let mut work: Vec<usize> = (0..graph.nodes.len()).filter(in_place).collect();
    let mut seen: BTreeSet<usize> = work.iter().copied().collect();
    let mut found = BTreeSet::new();
    while let Some(number) = work.pop() {
        for edge in &graph.nodes[number].edges {
            match edge.step {
                Step::Node(callee) => work.extend(seen.insert(callee).then_some(callee)),
                Step::Hop(HopTo::Function(function), _) => drop(found.insert(function)),
                Step::Hop(..) | Step::Elsewhere => {}
            }
        }
    }
    found
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
