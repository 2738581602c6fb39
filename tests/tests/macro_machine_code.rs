//! What a call through a trait object is in the machine code: the vtable leads to a slot, and the slot indexes the generated
//! array of `[plain, concurrent]` pairs.

use iced_x86::{Decoder, DecoderOptions, FlowControl, Instruction, Mnemonic, OpKind};
use object::{Object, ObjectSection, ObjectSymbol};

#[vthread::vthread]
mod animals {
    pub trait Animal {
        fn legs(&self) -> u32;
        fn wings(&self) -> u32;
    }

    pub struct Bird(pub u32);

    impl Animal for Bird {
        fn legs(&self) -> u32 {
            self.0
        }

        fn wings(&self) -> u32 {
            self.0 + 100
        }
    }

    // So that it stays a function that asks the vtable.
    #[inline(never)]
    pub fn wings_of(animal: &dyn Animal) -> u32 {
        animal.wings()
    }
}

/// The instructions of every function of this executable whose symbol contains all of `parts`.
fn functions(parts: &[&str]) -> Vec<Vec<Instruction>> {
    let bytes = std::fs::read(std::env::current_exe().expect("a path")).expect("the executable");
    let file = object::File::parse(&*bytes).expect("an ELF file");
    let mut found = vec![];
    for symbol in file.symbols() {
        let name = symbol.name().unwrap_or_default();
        if symbol.size() == 0 || !parts.iter().all(|part| name.contains(part)) {
            continue;
        }
        let section = symbol.section_index().and_then(|i| file.section_by_index(i).ok()).expect("a section");
        let code = section.data_range(symbol.address(), symbol.size()).expect("readable").expect("code");
        found.push(Decoder::with_ip(64, code, symbol.address(), DecoderOptions::NONE).iter().collect());
    }
    found
}

/// `mov register, [table + 8 * index]`.
fn loads_from_array(i: &Instruction) -> bool {
    i.mnemonic() == Mnemonic::Mov
        && i.op1_kind() == OpKind::Memory
        && i.memory_index_scale() == 8
        && i.memory_index() != iced_x86::Register::None
        && i.memory_displacement64() == 0
}

#[test]
fn a_slot_calls_what_it_loads_from_the_array() {
    let bird = animals::Bird(std::hint::black_box(2));
    assert_eq!(animals::wings_of(std::hint::black_box(&bird)), 102);
    assert_eq!(vthread::run(|| animals::wings_of(&bird)), 102);
    let slots = functions(&["machine_code", "__slot_wings"]);
    assert!(!slots.is_empty(), "no slot among the symbols");
    for slot in slots {
        let load = slot.iter().position(loads_from_array).expect("the array is indexed");
        let leaves = |i: &Instruction| {
            matches!(i.flow_control(), FlowControl::IndirectCall | FlowControl::IndirectBranch)
                // The link step may have moved an indirect call into a thunk.
                || matches!(i.flow_control(), FlowControl::Call | FlowControl::UnconditionalBranch)
        };
        assert!(slot[load..].iter().any(leaves), "what was loaded is not called");
    }
    // The call through the vtable: `wings` is the second slot behind drop, size and alignment.
    let dispatchers = functions(&["machine_code", "Obj", "__vt_wings"]);
    let through_vtable = |i: &Instruction| i.memory_displacement64() == 0x20 && i.memory_index_scale() == 1;
    let all: Vec<_> = dispatchers.into_iter().chain(functions(&["machine_code", "__vt_wings_of"])).collect();
    assert!(all.iter().flatten().any(through_vtable), "no call through a vtable");
}
