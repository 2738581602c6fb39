//! Calls that go elsewhere: through hop stubs, or to copies of ours that can be bounded.
//!
//! Call sites and imports are changed, never pointers to functions: a function's address stays what it was.
//!
//! ```text
//! call rel32 / jmp rel32 / jcc rel32      the displacement
//! call [rip + slot]   ff 15 d32           67 e8 d32        addr32 call stub
//! jmp  [rip + slot]   ff 25 d32           e9 d32 90        jmp stub; nop
//! mov r, [rip + slot] REX 8b /r d32       REX 8d /r d32    lea r, [rip + function]
//! ```

use super::Result;
use super::imports::Entries;
use super::patch::Plan;
use crate::elf::{Image, Import, Slot};
use crate::error::LinkError;
use crate::frames::{Callee, Form, Site, Target};
use crate::graph::{Graph, Step, is_plain_load};
use crate::pools::{Fill, HopTo, Placed, Stub};
use crate::preload;
use crate::thunk::Way;
use iced_x86::Decoder;
use std::collections::{BTreeMap, BTreeSet};

/// What was rewritten.
#[derive(Default, Debug, Clone)]
pub struct Rewritten {
    /// Call sites that were changed.
    pub sites: usize,
    /// Functions that are called through stubs.
    pub functions: usize,
    /// Indirect calls that were moved into thunks.
    pub moved: usize,
    /// Functions that call in place what they would else enter on chunks.
    pub in_place: usize,
    /// Imports that are called through stubs.
    pub imports: usize,
    /// Of the call sites those that call imports.
    pub import_sites: usize,
    /// Of the imports those that are called through stubs in the whole program, because their address is loaded.
    pub exchanged: usize,
}

/// Plans all rewriting that the call graph asks for.
pub(super) fn plan(graph: &Graph<'_, '_>, plan: &mut Plan) -> Result<Rewritten> {
    let image = graph.program.image;
    let mut done = Rewritten::default();
    let mut used: BTreeSet<HopTo> = BTreeSet::new();
    let stubs: BTreeMap<HopTo, Stub> = graph.policy.pools.given().collect();
    let slots = import_slots(graph, &stubs);
    let mut entries = Entries::find(image, &slots);
    let exchanged = exchanged(graph, &slots, &entries);
    let mut seen = BTreeSet::new();
    for node in &graph.nodes {
        for edge in &node.edges {
            let site = &node.frame.sites[edge.site];
            let target = match &edge.step {
                Step::Hop(to, _) => {
                    used.insert(*to);
                    match (to, stubs.get(to)) {
                        (HopTo::Function(callee), Some(stub)) if site.form == Form::Other => {
                            if seen.insert(site.at) {
                                rename_load(graph, plan, site, *callee, stub)?;
                                done.sites += 1;
                            }
                            continue;
                        }
                        (HopTo::Function(_), Some(stub)) => stub.address,
                        (HopTo::Import(import), Some(stub)) if !exchanged.contains(import) => {
                            done.import_sites += usize::from(!seen.contains(&site.at));
                            stub.address
                        }
                        (HopTo::Site(_), Some(stub)) => {
                            if seen.insert(site.at) {
                                move_call(graph, plan, site, stub)?;
                                done.sites += 1;
                            }
                            continue;
                        }
                        _ => continue,
                    }
                }
                Step::Node(_) => match replacement(graph, site) {
                    Some(address) if site.form != Form::Other => address,
                    _ => continue,
                },
                Step::Elsewhere => continue,
            };
            if seen.insert(site.at) {
                retarget(image, plan, site, target)?;
                done.sites += 1;
            }
        }
        for reference in &node.frame.references {
            let Some(ours) = graph.policy.replaced.get(&reference.import) else { continue };
            if seen.insert(reference.at) && is_plain_load(graph.program, reference.at, reference.len) {
                let displacement = displacement(reference.at + 7, *ours)?;
                plan.replace(image, reference.at + 1, &[0x8d], "load of an import's address")?;
                plan.replace(image, reference.at + 3, &displacement, "load of an import's address")?;
                plan.must_reach(image, reference.at, *ours)?;
                done.sites += 1;
            }
        }
    }
    done.sites += call_directly(graph, plan, &mut seen)?;
    done.in_place = call_in_place(graph, plan)?;
    for to in &used {
        let Some(stub) = stubs.get(to) else { continue };
        match (to, stub.fill) {
            (HopTo::Function(callee), Fill::Displacements(places)) => {
                for place in places {
                    plan.replace(image, place, &displacement(place + 4, *callee)?, "hop stub")?;
                }
                done.functions += 1;
            }
            (HopTo::Site(site), Fill::Displacements(places)) => {
                let Some(moved) = graph.policy.pools.thunk_of(*site) else { continue };
                // The jump is off the chunks, the call from one.
                for (place, thunk) in places.into_iter().zip(moved.at) {
                    let to = displacement(place + 4, thunk)?;
                    plan.replace(image, place, &to, "hop stub of a moved call")?;
                }
                done.moved += 1;
            }
            (HopTo::Import(import), Fill::Slot(slot)) => {
                if exchanged.contains(import) {
                    entries.exchange(*import, slot, stub.address, plan)?;
                    done.exchanged += 1;
                } else {
                    entries.bind(*import, slot)?;
                }
                done.imports += 1;
            }
            _ => return Err(LinkError::NotVerified("a stub of the wrong pool".to_owned())),
        }
    }
    entries.write(plan)?;
    Ok(done)
}

/// Who goes onto another stack by way of a slot goes there directly: the compiler calls all functions of other packages through slots, and has no linker
/// change that. A call onto a chunk is so short that this is a cycle of twelve. Such functions are never carried out elsewhere, so nothing
/// else is wanted of these sites.
fn call_directly(graph: &Graph<'_, '_>, plan: &mut Plan, seen: &mut BTreeSet<u64>) -> Result<usize> {
    let mut changed = 0;
    for node in &graph.nodes {
        for edge in node.edges.iter().filter(|edge| matches!(edge.step, Step::Node(_))) {
            let site = &node.frame.sites[edge.site];
            let Callee::Targets(targets) = &site.callee else { continue };
            let (Form::Slot, Some(Target::Function(callee)), 1) = (site.form, targets.first(), targets.len())
            else {
                continue;
            };
            if graph.program.records.switches(*callee) && seen.insert(site.at) {
                retarget(graph.program.image, plan, site, *callee)?;
                changed += 1;
            }
        }
    }
    Ok(changed)
}

/// The jump to where small entries are called in place becomes unconditional.
///
/// ```text
/// jae rel8    73 d8           eb d8
/// jae rel32   0f 83 d32       e9 d32 90     the displacement counts from one byte earlier
/// ```
fn call_in_place(graph: &Graph<'_, '_>, plan: &mut Plan) -> Result<usize> {
    let image = graph.program.image;
    let what = "jump to a call in place";
    for function in graph.decided_in_place() {
        for jump in graph.program.records.enters(*function).into_iter().flat_map(|enters| &enters.jumps) {
            let wrong = || LinkError::NotVerified(format!("{what}: {jump:#x} is no conditional jump"));
            let bytes = image.bytes(*jump, 6).ok_or_else(wrong)?;
            let instruction = Decoder::with_ip(64, bytes, *jump, 0).decode();
            let target = instruction.near_branch_target();
            match (instruction.is_jcc_short_or_near(), bytes[0], bytes[1]) {
                (true, 0x70..0x80, _) => plan.replace(image, *jump, &[0xeb], what)?,
                (true, 0x0f, 0x80..0x90) => {
                    let [a, b, c, d] = displacement(*jump + 5, target)?;
                    plan.replace(image, *jump, &[0xe9, a, b, c, d, 0x90], what)?;
                }
                _ => return Err(wrong()),
            }
            plan.must_reach(image, *jump, target)?;
        }
    }
    Ok(graph.decided_in_place().len())
}

/// The imports that are called through stubs, with the stubs' own slots.
fn import_slots(graph: &Graph<'_, '_>, stubs: &BTreeMap<HopTo, Stub>) -> BTreeMap<Import, u64> {
    let hops = graph.nodes.iter().flat_map(|n| &n.edges).filter_map(|edge| match edge.step {
        Step::Hop(to @ HopTo::Import(import), _) => match stubs.get(&to)?.fill {
            Fill::Slot(slot) => Some((import, slot)),
            Fill::Displacements(_) => None,
        },
        _ => None,
    });
    hops.collect()
}

/// The imports whose address somebody loads who can run on a chunk, or that are called in a way that cannot be rewritten.
fn exchanged(
    graph: &Graph<'_, '_>,
    slots: &BTreeMap<Import, u64>,
    entries: &Entries<'_, '_>,
) -> BTreeSet<Import> {
    let mut found: BTreeSet<Import> =
        slots.iter().filter(|(i, slot)| !entries.can_bind(**i, **slot)).map(|(import, _)| *import).collect();
    for node in &graph.nodes {
        found.extend(node.frame.references.iter().map(|r| r.import).filter(|i| slots.contains_key(i)));
        for edge in &node.edges {
            if let Step::Hop(HopTo::Import(import), _) = edge.step
                && node.frame.sites[edge.site].form == Form::Other
            {
                found.insert(import);
            }
        }
    }
    found
}

/// The copy of ours that a call of an import goes to, if it is one that has a copy.
fn replacement(graph: &Graph<'_, '_>, site: &Site) -> Option<u64> {
    let Callee::Targets(targets) = &site.callee else { return None };
    let import = targets.iter().find_map(|target| match target {
        Target::Import(import) => Some(*import),
        Target::Function(address) => match graph.program.image.plt(*address) {
            Some(Slot::Import(import)) => Some(import),
            _ => None,
        },
        _ => None,
    })?;
    graph.policy.replaced.get(&import).copied()
}

fn displacement(from: u64, to: u64) -> Result<[u8; 4]> {
    let distance = i32::try_from(to.wrapping_sub(from).cast_signed())
        .map_err(|_| LinkError::NotVerified(format!("{to:#x} is too far from {from:#x}")))?;
    Ok(distance.to_le_bytes())
}

fn retarget(image: &Image<'_>, plan: &mut Plan, site: &Site, target: u64) -> Result<()> {
    let what = "call site";
    let end = site.at + site.len as u64;
    match (site.form, site.tail) {
        (Form::Near, _) => plan.replace(image, end - 4, &displacement(end, target)?, what)?,
        (Form::Slot, false) => {
            let [a, b, c, d] = displacement(end, target)?;
            plan.replace(image, site.at, &[0x67, 0xe8, a, b, c, d], what)?;
        }
        (Form::Slot, true) => {
            let [a, b, c, d] = displacement(end - 1, target)?;
            plan.replace(image, site.at, &[0xe9, a, b, c, d, 0x90], what)?;
        }
        (Form::Other, _) => {
            return Err(LinkError::NotVerified(format!("the call at {:#x} has no room", site.at)));
        }
    }
    plan.must_reach(image, site.at, target)
}

/// The load that belongs to a call names the stub.
fn rename_load(graph: &Graph<'_, '_>, plan: &mut Plan, site: &Site, callee: u64, stub: &Stub) -> Result<()> {
    let load = preload::find(graph.program, site, callee).ok_or_else(|| {
        LinkError::NotVerified(format!("the call at {:#x} has no load of its own", site.at))
    })?;
    let end = load + 7;
    let what = "load of a call's target";
    plan.replace(graph.program.image, load + 1, &[0x8d], what)?;
    plan.replace(graph.program.image, end - 4, &displacement(end, stub.address)?, what)?;
    plan.must_reach(graph.program.image, load, stub.address)
}

fn move_call(graph: &Graph<'_, '_>, plan: &mut Plan, site: &Site, stub: &Stub) -> Result<()> {
    let image = graph.program.image;
    let too_far = || LinkError::NotVerified(format!("the call at {:#x} cannot be moved", site.at));
    let Placed { at, thunk } = graph.policy.pools.thunk_of(site.at).ok_or_else(too_far)?;
    for (address, way) in at.iter().zip([Way::OffChunks, Way::FromChunk]) {
        plan.replace(image, *address, &thunk.code_at(*address, way).ok_or_else(too_far)?, "thunk")?;
    }
    plan.replace(image, thunk.start, &thunk.replacement(stub.address).ok_or_else(too_far)?, "moved call")?;
    plan.must_reach(image, thunk.end - 5, stub.address)
}
