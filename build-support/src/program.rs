//! A file with everything that was read from it.

use crate::bounds::{self, Need};
use crate::elf::Image;
use crate::error::{ElfError, RecordError};
use crate::frames::{Place, Program};
use crate::functions::Functions;
use crate::graph::{Graph, Policy};
use crate::pools::Pools;
use crate::records::Records;
use crate::rules::Rules;
use std::collections::HashMap;
use vale_threads_abi::Kind;

/// An executable, its functions and its records.
pub struct Loaded<'d> {
    /// The file.
    pub image: Image<'d>,
    /// Its functions.
    pub functions: Functions<'d>,
    /// Its records.
    pub records: Records<'d>,
}

/// A file that cannot be analysed.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its headers.
    #[error(transparent)]
    Elf(#[from] ElfError),
    /// Its records.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl<'d> Loaded<'d> {
    /// Reads an executable.
    ///
    /// # Errors
    /// When it is none, or its records are not of this version.
    pub fn read(data: &'d [u8]) -> Result<Self, LoadError> {
        let image = Image::parse(data)?;
        let functions = Functions::find(&image);
        let records = Records::read(&image, &functions)?;
        Ok(Loaded { image, functions, records })
    }

    /// What an analysis reads.
    pub fn program(&self) -> Program<'_, 'd> {
        Program { image: &self.image, functions: &self.functions, records: &self.records }
    }

    /// Bounds of every function, with nothing carried out elsewhere.
    pub fn every_function(&self) -> Solved<'_, 'd> {
        let policy = Policy {
            pools: Pools::default(),
            replaced: HashMap::new(),
            rules: Rules::ours(),
            in_place: false,
        };
        let entries: Vec<_> = self.functions.iter().map(|f| (f.start, Place::Anywhere)).collect();
        self.solve(policy, &entries)
    }

    /// Bounds of the entries that ask for one, with what cannot be bounded carried out elsewhere.
    pub fn entries(&self) -> Solved<'_, 'd> {
        let pools = Pools::find(&self.image, &self.records);
        let imports: HashMap<_, _> = self.image.imports().map(|(import, name)| (name, import)).collect();
        let replaced = self
            .records
            .of_kind(Kind::Replace)
            .filter_map(|r| imports.get(r.marker).map(|import| (*import, r.site)))
            .collect();
        // What is called in place is decided once.
        let in_place = !self.records.are_served(&self.image);
        let policy = Policy { pools, replaced, rules: Rules::ours(), in_place };
        let mut entries: Vec<_> =
            self.records.of_kind(Kind::Chunk).map(|r| (r.callee, Place::OnChunk)).collect();
        entries.sort_unstable();
        entries.dedup();
        self.solve(policy, &entries)
    }

    /// Bounds of these functions, with nothing carried out elsewhere but what an earlier link step has seen to.
    pub(crate) fn as_linked(&self, functions: &[u64]) -> Solved<'_, 'd> {
        let pools = Pools::find(&self.image, &self.records).without_stubs_to_give();
        let policy = Policy { pools, replaced: HashMap::new(), rules: Rules::ours(), in_place: false };
        let entries: Vec<_> = functions.iter().map(|f| (*f, Place::Anywhere)).collect();
        self.solve(policy, &entries)
    }

    fn solve(&self, policy: Policy, entries: &[(u64, Place)]) -> Solved<'_, 'd> {
        let mut graph = Graph::new(self.program(), policy);
        graph.build(entries);
        let needs = bounds::solve(&graph);
        Solved { graph, needs }
    }
}

/// A call graph and what each of its nodes needs.
pub struct Solved<'a, 'd> {
    /// The graph.
    pub graph: Graph<'a, 'd>,
    /// By node.
    pub needs: Vec<Need>,
}
