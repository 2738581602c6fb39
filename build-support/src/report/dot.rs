//! For Graphviz.

use crate::bounds::Need;
use crate::explain::hop_name;
use crate::functions::display_name;
use crate::graph::Step;
use crate::program::Solved;
use std::fmt::Write as _;

/// The call graph: a box a function with its frame and its bound, dashed edges to what is carried out elsewhere.
pub fn dot(solved: &Solved<'_, '_>) -> String {
    let graph = &solved.graph;
    let mut text = String::from("digraph bounds {\n  node [shape=box, fontname=monospace];\n");
    for (number, node) in graph.nodes.iter().enumerate() {
        let name = escape(&display_name(graph.program.image, node.key.function));
        let need = match &solved.needs[number] {
            Need::Proved(proved) => format!("bound {}", proved.bytes + crate::bounds::RETURN_ADDRESS),
            Need::Unknown { .. } => "unknown".to_owned(),
        };
        let _ = writeln!(text, "  n{number} [label=\"{name}\\nframe {}, {need}\"];", node.frame.own());
        for edge in &node.edges {
            let depth = node.frame.sites[edge.site].depth;
            let _ = match &edge.step {
                Step::Node(callee) => writeln!(text, "  n{number} -> n{callee} [label=\"{depth}\"];"),
                Step::Hop(to, _) => {
                    let to = escape(&hop_name(graph, *to));
                    writeln!(text, "  n{number} -> \"{to}\" [label=\"{depth}\", style=dashed];")
                }
                Step::Elsewhere => {
                    writeln!(text, "  n{number} -> \"another stack\" [label=\"{depth}\", style=dashed];")
                }
            };
        }
    }
    text.push_str("}\n");
    text
}

fn escape(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"")
}
