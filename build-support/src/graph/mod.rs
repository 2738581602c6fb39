//! Fourth stage: who calls whom, and which calls are carried out elsewhere.
//!
//! A node is a function, together with the functions it is passed where it calls those, and whether rsp is on a chunk. With
//! hop stubs at hand, an ordinary function that cannot be bounded is *hopped*: calls to it go over to a big stack.
//! Which these are is found step by step: what cannot be bounded by itself, then what calls such a thing in a way that
//! cannot be rewritten, until nothing new is found.

mod aside;
mod elsewhere;
mod in_place;
mod reason;
mod room;
mod steps;
mod stubs;
mod ways;

pub use reason::Reason;

use crate::ahead::Ahead;
use crate::elf::Import;
use crate::frames::{self, Callee, Form, Frame, Place, Problem, Program, Target};
use crate::functions::display_name;
use crate::hash::Map;
use crate::pools::{HopTo, Pools};
use crate::rules::Rules;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// Functions passed in argument registers: register number (0: rdi) and which.
pub type Binding = BTreeMap<u8, BTreeSet<Target>>;

/// What identifies a node.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    /// The function.
    pub function: u64,
    /// For which executions.
    pub place: Place,
    /// What it is passed.
    pub binding: Binding,
}

/// Where a call leads.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Into this node.
    Node(usize),
    /// Through a stub that uses so many bytes here.
    Hop(HopTo, u64),
    /// Onto another stack.
    Elsewhere,
}

/// A call.
#[derive(Clone, Copy, Debug)]
pub struct Edge {
    /// Index of the site in the node's frame.
    pub site: usize,
    /// Where it leads.
    pub step: Step,
}

/// A function in the call graph.
#[derive(Debug)]
pub struct Node {
    /// Which.
    pub key: Key,
    /// What is known about it alone.
    pub frame: Arc<Frame>,
    /// Its calls.
    pub edges: Vec<Edge>,
    /// Why it has no bound.
    pub reasons: Vec<Reason>,
}

/// What may be done about calls that cannot be bounded.
pub struct Policy {
    /// Stubs; empty: nothing hops.
    pub pools: Pools,
    /// Imports that have a copy of ours which can be bounded.
    pub replaced: HashMap<Import, u64>,
    /// Rules for others' code.
    pub rules: &'static Rules,
    /// Small entries may be called in place.
    pub in_place: bool,
}

/// The call graph of a program, or of what some entries reach.
pub struct Graph<'a, 'd> {
    /// What it was made from.
    pub program: Program<'a, 'd>,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// What hops, and why.
    pub hopped: BTreeMap<u64, String>,
    pub(crate) policy: Policy,
    numbers: Map<Key, usize>,
    frames: Map<(u64, Place), Arc<Frame>>,
    entries: HashSet<u64>,
    names: Map<u64, Rc<str>>,
    incoming: Map<u64, frames::Incoming>,
    /// What is in `hopped`, and what is not: asked for each call.
    known_to_hop: Map<u64, bool>,
    /// Ordinary functions that stay where they are, and whose calls through pointers are moved.
    moving: BTreeSet<u64>,
    at_top: Option<stubs::AtTop>,
    /// Functions that call in place what they would else enter on chunks.
    in_place: BTreeSet<u64>,
    /// Calls that are made by way of stubs so that those who make them can be called in place.
    aside: BTreeSet<u64>,
    ahead: Option<Arc<Ahead<'a, 'd>>>,
}

const NO_STUB: &str = "no hop stub is left that copies its stack arguments";
const PATHS_UNKNOWN: &str = "not all paths in its function are known, so one may lead in between";
const ARGUMENTS_UNKNOWN: &str = "how many of its arguments are on the stack is not known";

impl<'a, 'd> Graph<'a, 'd> {
    /// An empty graph.
    pub fn new(program: Program<'a, 'd>, policy: Policy) -> Self {
        Graph {
            program,
            nodes: Vec::new(),
            hopped: BTreeMap::new(),
            policy,
            numbers: Map::default(),
            frames: Map::default(),
            entries: HashSet::new(),
            names: Map::default(),
            incoming: Map::default(),
            known_to_hop: Map::default(),
            moving: BTreeSet::new(),
            at_top: None,
            in_place: BTreeSet::new(),
            aside: BTreeSet::new(),
            ahead: None,
        }
    }

    /// Builds the graph of what `entries` reach, and decides what hops.
    pub fn build(&mut self, entries: &[(u64, Place)]) {
        self.entries = entries.iter().map(|(address, _)| *address).collect();
        let threads = Ahead::threads();
        if threads == 0 {
            return self.find_nodes(entries);
        }
        let ahead = Arc::new(Ahead::new(self.program, entries.iter().map(|(address, _)| *address)));
        self.ahead = Some(Arc::clone(&ahead));
        std::thread::scope(|scope| {
            let _closing = ahead.closing();
            for _ in 0..threads {
                // Without a thread everything is done here.
                let _ = std::thread::Builder::new().spawn_scoped(scope, || ahead.work());
            }
            self.find_nodes(entries);
        });
        self.ahead = None;
    }

    fn find_nodes(&mut self, entries: &[(u64, Place)]) {
        loop {
            self.nodes.clear();
            self.numbers.clear();
            for &(function, place) in entries {
                self.node(function, place, Binding::new());
            }
            let mut next = 0;
            while next < self.nodes.len() {
                self.connect(next);
                next += 1;
            }
            if !self.policy.pools.is_empty() && self.hop_more()
                || self.call_in_place_with_room()
                || self.call_more_in_place()
            {
                continue;
            }
            return;
        }
    }

    /// The node of an entry.
    pub fn entry(&self, function: u64, place: Place) -> Option<usize> {
        self.numbers.get(&Key { function, place, binding: Binding::new() }).copied()
    }

    /// The name of a function, as shown.
    pub fn name(&mut self, address: u64) -> Rc<str> {
        let image = self.program.image;
        Rc::clone(self.names.entry(address).or_insert_with(|| display_name(image, address).into()))
    }

    /// Most functions do not care where they run, and are looked at once; what they call may care.
    fn place(&self, function: u64, place: Place) -> Place {
        match place {
            _ if !self.program.records.depends_on_place(function) => Place::Anywhere,
            Place::OnChunk if self.calls_in_place(function) => Place::InPlace,
            place => place,
        }
    }

    fn node(&mut self, function: u64, place: Place, binding: Binding) -> usize {
        let key = Key { function, place, binding };
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let frame = self.frame(function, self.place(function, place));
        let number = self.nodes.len();
        self.numbers.insert(key.clone(), number);
        self.nodes.push(Node { key, frame, edges: Vec::new(), reasons: Vec::new() });
        number
    }

    /// What is known of a function alone.
    pub fn frame(&mut self, function: u64, place: Place) -> Arc<Frame> {
        if let Some(frame) = self.frames.get(&(function, place)) {
            return Arc::clone(frame);
        }
        let frame = match self.program.functions.number_at(function) {
            Some((number, found)) => {
                let ahead = self.ahead.clone().filter(|_| place == Place::Anywhere);
                let known = ahead.as_ref().and_then(|ahead| ahead.get(number));
                known.unwrap_or_else(|| {
                    let mut frame = frames::analyse(self.program, found, place);
                    if place != Place::Anywhere {
                        // Only an analysis of every path sees whether every path is known.
                        let all = self.frame(function, Place::Anywhere);
                        frame.problems.extend(all.problems.iter().cloned());
                        begin_blocks_as_in(&mut frame, &all);
                    }
                    if let Some(ahead) = &ahead {
                        ahead.follow(&frame);
                    }
                    Arc::new(frame)
                })
            }
            None => Arc::new(Frame { problems: vec![Problem::NoCode], ..Frame::default() }),
        };
        self.frames.insert((function, place), Arc::clone(&frame));
        frame
    }

    fn connect(&mut self, number: usize) {
        let frame = Arc::clone(&self.nodes[number].frame);
        let key = self.nodes[number].key.clone();
        let mut reasons: Vec<Reason> = frame.problems.iter().cloned().map(Reason::Problem).collect();
        let mut edges = Vec::new();
        for (index, site) in frame.sites.iter().enumerate() {
            match &site.callee {
                Callee::Elsewhere => edges.push(Edge { site: index, step: Step::Elsewhere }),
                Callee::Unknown(what) => match self.by_thunk(&key, site, &frame) {
                    Ok(step) => edges.push(Edge { site: index, step }),
                    Err(stays) => {
                        reasons.push(Reason::UnknownCallee { at: site.at, what: what.clone(), stays });
                    }
                },
                Callee::Targets(targets) => {
                    let alone = targets.len() == 1;
                    if alone
                        && let Some(target @ (Target::Function(_) | Target::Import(_))) = targets.first()
                        && let Ok(step) = self.step(*target, &key, site, alone, &frame)
                    {
                        // Nearly all calls.
                        edges.push(Edge { site: index, step });
                        continue;
                    }
                    let mut refused = Vec::new();
                    let mut steps = Vec::new();
                    for target in self.resolve(targets, &key, site, &mut refused) {
                        match self.step(target, &key, site, alone, &frame) {
                            Ok(step) => steps.push(step),
                            Err(reason) => refused.push(reason),
                        }
                    }
                    // What cannot be said of each callee can perhaps be said of the call.
                    let twice = |r: &Reason| matches!(r, Reason::ReturnsTwice { .. });
                    if !refused.is_empty()
                        && !refused.iter().any(twice)
                        && site.form == Form::Other
                        && let Ok(step) = self.by_thunk(&key, site, &frame)
                    {
                        refused.clear();
                        steps = vec![step];
                    }
                    reasons.extend(refused);
                    edges.extend(steps.into_iter().map(|step| Edge { site: index, step }));
                }
            }
        }
        for reference in &frame.references {
            if self.policy.replaced.contains_key(&reference.import)
                && !is_plain_load(self.program, reference.at, reference.len)
            {
                let name = self.program.image.import_name(reference.import).to_owned();
                reasons.push(Reason::Import { at: reference.at, name });
            }
        }
        self.nodes[number].edges = edges;
        self.nodes[number].reasons = reasons;
    }

    /// For each node the nodes that it calls.
    pub fn callees(&self) -> Vec<Vec<usize>> {
        let of = |node: &Node| {
            let mut callees: Vec<usize> = node
                .edges
                .iter()
                .filter_map(|e| if let Step::Node(number) = e.step { Some(number) } else { None })
                .collect();
            callees.sort_unstable();
            callees.dedup();
            callees
        };
        self.nodes.iter().map(of).collect()
    }

    /// Does the node call itself?
    pub fn calls_itself(&self, number: usize) -> bool {
        self.nodes[number].edges.iter().any(|e| matches!(e.step, Step::Node(callee) if callee == number))
    }
}

/// Plain paths lead to places that no path on a chunk leads to: where such a place lies in a block, the block begins there.
fn begin_blocks_as_in(frame: &mut Frame, all: &Frame) {
    for site in &mut frame.sites {
        // In the order of the code.
        if let Ok(index) = all.sites.binary_search_by_key(&site.at, |s| s.at) {
            site.block = site.block.max(all.sites[index].block);
        }
    }
}

/// `mov r64, [rip + slot]`: the form that can become a `lea`.
pub(crate) fn is_plain_load(program: Program<'_, '_>, at: u64, len: usize) -> bool {
    let Some(&[rex, opcode, modrm, ..]) = program.image.bytes(at, 7) else { return false };
    len == 7 && rex & 0xfb == 0x48 && opcode == 0x8b && modrm & 0xc7 == 0x05
}
