//! The graph of calls, and which of them get wrappers so that what remains has no cycle.
//!
//! A call that is written as a plain name goes through the ordinary function, the shim: in a function that is on a cycle the
//! shim wraps, so such calls never close one. Calls that pass the context word on go to the body. Of those, the ones
//! that a depth-first search finds to lead back get a wrapper (an edge to a node that is still open closes a cycle,
//! and without all such edges there is none).
//!
//! What returns `impl Trait` can have no wrapper on a cycle: its type would be defined by itself. So such functions are left as
//! they are where the others of a cycle can be wrapped (those that somebody else calls cannot), and a call that leads to one by nothing but its name is taken for a call of something else,
//! such as `map.range(..)` in a method `range`. If it is not, the link step says so.

use crate::choose::Leads;
use crate::signature;
use crate::world::{Mode, NodeId, Owner, World};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Calls, as the first run of the rewriting saw them.
#[derive(Default)]
pub(crate) struct Calls {
    /// They pass the context word on.
    direct: BTreeMap<NodeId, BTreeSet<NodeId>>,
    /// They go through the ordinary name.
    named: BTreeMap<NodeId, BTreeSet<NodeId>>,
    /// Those of `named` for which nothing but a method's name speaks.
    guessed: BTreeSet<(NodeId, NodeId)>,
    /// Those of all that do not only lead inward. Where the others alone lead from function to function, types get smaller and smaller, so nothing is called twice.
    firm: BTreeSet<(NodeId, NodeId)>,
}

impl Calls {
    pub(crate) fn add(&mut self, from: NodeId, to: NodeId, passes_word: bool, leads: Leads) {
        self.lead(from, to, leads);
        let edges = if passes_word { &mut self.direct } else { &mut self.named };
        edges.entry(from).or_default().insert(to);
    }

    /// One by the name of a method, on a type that is not known.
    pub(crate) fn guess(&mut self, from: NodeId, to: NodeId, leads: Leads) {
        self.lead(from, to, leads);
        self.guessed.insert((from, to));
    }

    fn lead(&mut self, from: NodeId, to: NodeId, leads: Leads) {
        if leads == Leads::Anywhere {
            self.firm.insert((from, to));
        }
    }

    /// Without guesses of what returns `impl Trait`.
    fn likely(&self, world: &World) -> Self {
        let (direct, mut named) = (self.direct.clone(), self.named.clone());
        for &(from, to) in &self.guessed {
            if !returns_impl(world, to) {
                named.entry(from).or_default().insert(to);
            }
        }
        Self { direct, named, guessed: BTreeSet::new(), firm: self.firm.clone() }
    }

    /// Whether calls among `members` alone lead from one of `open` back to it.
    fn lead_back(&self, count: usize, members: &HashSet<NodeId>, open: &HashSet<NodeId>) -> bool {
        let mut inside = Self::default();
        for &from in members {
            self.next(from).filter(|to| members.contains(to)).for_each(|to| {
                let firm = self.firm.contains(&(from, to));
                inside.add(from, to, false, if firm { Leads::Anywhere } else { Leads::Inward });
            });
        }
        components(count, &inside).iter().any(|c| inside.is_cycle(c) && c.iter().any(|n| open.contains(n)))
    }

    /// Whether a component is one that leads back.
    fn is_cycle(&self, component: &[NodeId]) -> bool {
        let leads_on = |&from: &NodeId| {
            self.next(from).any(|to| component.contains(&to) && self.firm.contains(&(from, to)))
        };
        component.iter().any(leads_on)
    }

    fn next(&self, node: NodeId) -> impl Iterator<Item = NodeId> {
        let named = self.named.get(&node).into_iter().flatten();
        self.direct.get(&node).into_iter().flatten().chain(named).copied()
    }
}

/// What came out.
#[derive(Default)]
pub(crate) struct Plan {
    wrapped: HashSet<(NodeId, NodeId)>,
    cyclic: HashSet<NodeId>,
    /// Methods of these names have a wrapper, because a call may not tell which of them it means.
    wrapped_methods: HashSet<String>,
}

impl Plan {
    pub(crate) fn new(world: &World, calls: &Calls) -> Self {
        let mut plan = Self::default();
        let (sure, calls) = (calls, &calls.likely(world));
        for component in components(world.nodes.len(), calls).iter().filter(|c| calls.is_cycle(c)) {
            let members: HashSet<NodeId> = component.iter().copied().collect();
            let (open, named): (HashSet<NodeId>, HashSet<NodeId>) =
                members.iter().partition(|&&n| returns_impl(world, n));
            let fixed = named.iter().filter(|&&n| world.nodes[n].mode == Mode::Fixed);
            let without_wrapper = open.iter().chain(fixed).copied().collect();
            if !open.is_empty() && !sure.lead_back(world.nodes.len(), &without_wrapper, &open) {
                plan.cyclic.extend(&named);
                plan.wrap_all(&members, &named, calls);
                continue;
            }
            plan.cyclic.extend(&members);
            if component.iter().all(|&n| world.nodes[n].mode == Mode::Vthread) {
                plan.wrap_back_edges(component, &members, calls);
            } else {
                plan.wrap_all(&members, &members, calls);
            }
        }
        for (id, node) in world.nodes.iter().enumerate() {
            if node.has_self && (node.forced || plan.cyclic.contains(&id)) {
                plan.wrapped_methods.insert(node.name.clone());
            }
        }
        plan
    }

    /// The call needs a wrapper.
    pub(crate) fn wraps(&self, world: &World, from: NodeId, to: NodeId) -> bool {
        world.nodes[to].forced || self.wrapped.contains(&(from, to))
    }

    /// The ordinary function goes through the wrapper.
    pub(crate) fn shim_wraps(&self, world: &World, node: NodeId) -> bool {
        world.nodes[node].forced || self.cyclic.contains(&node)
    }

    pub(crate) fn is_cyclic(&self, node: NodeId) -> bool {
        self.cyclic.contains(&node)
    }

    /// The function has a wrapper.
    pub(crate) fn has_wrapper(&self, world: &World, node: NodeId) -> bool {
        world.twins(node).any(|twin| self.shim_wraps(world, twin))
            || world.nodes[node].has_self && self.wrapped_methods.contains(&world.nodes[node].name)
    }

    /// The function's body is compiled for each word, so that plain calls on a cycle neither carry nor test it. Methods of traits
    /// cannot have the constant parameter, and two bodies would return two types for one `impl Trait`.
    pub(crate) fn knows_word(&self, world: &World, node: NodeId) -> bool {
        let of = &world.nodes[node];
        of.mode == Mode::Vthread
            && matches!(of.owner, Owner::Module | Owner::Type(_))
            && !signature::mentions_impl(&of.output)
            && self.has_wrapper(world, node)
    }

    /// Its ordinary function wraps, and is inlined down to the body for a known word, or to its address: it asks with one comparison and a jump, and not at all where that is
    /// known.
    pub(crate) fn asks_well(&self, world: &World, node: NodeId) -> bool {
        self.shim_wraps(world, node) && self.knows_word(world, node)
    }

    /// Where a function that somebody else calls takes part, only calls into our own can be wrapped: all of them, if they lead to `targets`.
    fn wrap_all(&mut self, members: &HashSet<NodeId>, targets: &HashSet<NodeId>, calls: &Calls) {
        for &from in members {
            let inside = calls.direct.get(&from).into_iter().flatten().filter(|to| targets.contains(to));
            self.wrapped.extend(inside.map(|&to| (from, to)));
        }
    }

    fn wrap_back_edges(&mut self, component: &[NodeId], members: &HashSet<NodeId>, calls: &Calls) {
        let mut state: BTreeMap<NodeId, bool> = BTreeMap::new();
        let mut ordered = component.to_vec();
        ordered.sort_unstable();
        for &root in &ordered {
            if state.contains_key(&root) {
                continue;
            }
            let edges = |n: NodeId| -> Vec<NodeId> {
                calls
                    .direct
                    .get(&n)
                    .into_iter()
                    .flatten()
                    .copied()
                    .filter(|to| members.contains(to))
                    .collect()
            };
            // `true`: open.
            state.insert(root, true);
            let mut stack = vec![(root, edges(root))];
            while let Some((node, rest)) = stack.last_mut() {
                let node = *node;
                let Some(next) = rest.pop() else {
                    state.insert(node, false);
                    stack.pop();
                    continue;
                };
                match state.get(&next) {
                    None => {
                        state.insert(next, true);
                        stack.push((next, edges(next)));
                    }
                    Some(true) => {
                        self.wrapped.insert((node, next));
                    }
                    Some(false) => {}
                }
            }
        }
    }
}

fn returns_impl(world: &World, node: NodeId) -> bool {
    signature::mentions_impl(&world.nodes[node].output)
}

/// Strongly connected components (Tarjan 1972), without recursion.
fn components(count: usize, calls: &Calls) -> Vec<Vec<NodeId>> {
    let (mut index, mut low) = (vec![usize::MAX; count], vec![0; count]);
    let (mut path, mut on_path) = (vec![], vec![false; count]);
    let (mut found, mut counter) = (vec![], 0);
    for root in 0..count {
        if index[root] != usize::MAX {
            continue;
        }
        let mut work: Vec<(NodeId, Vec<NodeId>)> = vec![];
        let mut enter = Some(root);
        loop {
            if let Some(node) = enter.take() {
                index[node] = counter;
                low[node] = counter;
                counter += 1;
                path.push(node);
                on_path[node] = true;
                work.push((node, calls.next(node).collect()));
            }
            let Some((node, rest)) = work.last_mut() else { break };
            let node = *node;
            match rest.pop() {
                Some(next) if index[next] == usize::MAX => enter = Some(next),
                Some(next) => {
                    if on_path[next] {
                        low[node] = low[node].min(index[next]);
                    }
                }
                None => {
                    work.pop();
                    if let Some((above, _)) = work.last() {
                        low[*above] = low[*above].min(low[node]);
                    }
                    if low[node] == index[node] {
                        let at = path.iter().rposition(|&n| n == node).unwrap_or(0);
                        let component = path.split_off(at);
                        for &n in &component {
                            on_path[n] = false;
                        }
                        found.push(component);
                    }
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::Node;

    fn world(modes: &[Mode]) -> World {
        let mut world = World::default();
        for (i, &mode) in modes.iter().enumerate() {
            world.add(Node {
                name: format!("f{i}"),
                owner: Owner::Module,
                mode,
                has_self: false,
                arity: 0,
                output: None,
                module: 0,
                forced: false,
            });
        }
        world
    }

    fn calls(direct: &[(usize, usize)], named: &[(usize, usize)]) -> Calls {
        let mut calls = Calls::default();
        for &(a, b) in direct {
            calls.add(a, b, true, Leads::Anywhere);
        }
        for &(a, b) in named {
            calls.add(a, b, false, Leads::Anywhere);
        }
        calls
    }

    /// What is left after wrapping has no cycle among functions that take the word.
    fn is_acyclic(world: &World, all: &Calls, plan: &Plan) -> bool {
        let mut left = Calls::default();
        for (&from, to) in &all.direct {
            to.iter()
                .filter(|&&to| !plan.wraps(world, from, to))
                .for_each(|&to| left.add(from, to, true, Leads::Anywhere));
        }
        for (&from, to) in &all.named {
            to.iter()
                .filter(|&&to| !plan.shim_wraps(world, to))
                .for_each(|&to| left.add(from, to, false, Leads::Anywhere));
        }
        components(world.nodes.len(), &left)
            .iter()
            .all(|c| c.len() == 1 && !left.next(c[0]).any(|n| n == c[0]))
    }

    #[test]
    fn a_chain_needs_nothing() {
        let world = world(&[Mode::Vthread; 3]);
        let calls = calls(&[(0, 1), (1, 2)], &[(0, 2)]);
        let plan = Plan::new(&world, &calls);
        assert!(plan.wrapped.is_empty() && plan.cyclic.is_empty());
    }

    #[test]
    fn one_wrapper_breaks_a_ring() {
        let world = world(&[Mode::Vthread; 4]);
        let calls = calls(&[(0, 1), (1, 2), (2, 3), (3, 0)], &[]);
        let plan = Plan::new(&world, &calls);
        assert_eq!((plan.wrapped.len(), plan.cyclic.len()), (1, 4));
        assert!(is_acyclic(&world, &calls, &plan));
    }

    #[test]
    fn a_named_call_on_a_cycle_needs_no_other_wrapper() {
        let world = world(&[Mode::Vthread; 2]);
        let calls = calls(&[(0, 1)], &[(1, 0)]);
        let plan = Plan::new(&world, &calls);
        assert!(plan.wrapped.is_empty() && plan.shim_wraps(&world, 0));
        assert!(is_acyclic(&world, &calls, &plan));
    }

    #[test]
    fn through_a_fixed_function_every_call_is_wrapped() {
        let world = world(&[Mode::Vthread, Mode::Fixed]);
        let calls = calls(&[(1, 0)], &[(0, 1)]);
        let plan = Plan::new(&world, &calls);
        assert!(plan.wraps(&world, 1, 0));
    }

    #[test]
    fn what_returns_impl_trait_is_left_where_others_can_be_wrapped() {
        let mut world = world(&[Mode::Vthread; 3]);
        world.nodes[1].output = Some(syn::parse_quote!(impl Iterator<Item = u32>));
        let calls = calls(&[(0, 1), (1, 2), (2, 0)], &[(2, 1)]);
        let plan = Plan::new(&world, &calls);
        assert!(!plan.is_cyclic(1) && plan.is_cyclic(0) && plan.is_cyclic(2));
        assert!(is_acyclic(&world, &calls, &plan));
    }

    #[test]
    fn what_returns_impl_trait_does_not_call_itself_by_name_alone() {
        let mut world = world(&[Mode::Vthread; 2]);
        let mut calls = Calls::default();
        calls.guess(0, 0, Leads::Anywhere);
        calls.guess(0, 1, Leads::Anywhere);
        calls.guess(1, 0, Leads::Anywhere);
        assert!(Plan::new(&world, &calls).is_cyclic(0));
        world.nodes[0].output = Some(syn::parse_quote!(impl Iterator<Item = u32>));
        assert!(!Plan::new(&world, &calls).is_cyclic(0) && !Plan::new(&world, &calls).is_cyclic(1));
        calls.add(0, 0, false, Leads::Anywhere);
        assert!(Plan::new(&world, &calls).is_cyclic(0));
    }

    #[test]
    fn what_returns_impl_trait_is_recursive_if_only_what_others_call_could_be_wrapped() {
        let mut world = world(&[Mode::Fixed, Mode::Vthread, Mode::Fixed, Mode::Vthread]);
        world.nodes[1].output = Some(syn::parse_quote!(impl Iterator<Item = u32>));
        assert!(Plan::new(&world, &calls(&[(0, 1)], &[(1, 0)])).is_cyclic(1));
        // Perhaps it is something else of that name.
        let mut by_name = calls(&[(0, 1)], &[]);
        by_name.guess(1, 0, Leads::Anywhere);
        assert!(!Plan::new(&world, &by_name).is_cyclic(1));
        // A circle beside it is not its own, and one through something of ours is broken there.
        let beside = calls(&[(0, 1), (1, 3), (3, 0)], &[(0, 2), (2, 0)]);
        let plan = Plan::new(&world, &beside);
        assert!(!plan.is_cyclic(1) && plan.wraps(&world, 1, 3));
    }

    #[test]
    fn what_leads_only_inward_is_no_cycle() {
        let world = world(&[Mode::Vthread; 2]);
        let mut calls = Calls::default();
        calls.add(0, 0, true, Leads::Inward);
        calls.guess(0, 1, Leads::Inward);
        calls.guess(1, 0, Leads::Inward);
        assert!(Plan::new(&world, &calls).cyclic.is_empty());
        calls.add(0, 1, false, Leads::Anywhere);
        assert_eq!(Plan::new(&world, &calls).cyclic.len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn what_is_left_has_no_cycle(
            direct in proptest::collection::vec((0usize..12, 0usize..12), 0..40),
            named in proptest::collection::vec((0usize..12, 0usize..12), 0..10),
            open in proptest::collection::vec(0usize..12, 0..4),
        ) {
            let mut world = world(&[Mode::Vthread; 12]);
            for node in open {
                world.nodes[node].output = Some(syn::parse_quote!(impl Sized));
            }
            let calls = calls(&direct, &named);
            let plan = Plan::new(&world, &calls);
            assert!(is_acyclic(&world, &calls, &plan));
        }
    }
}
