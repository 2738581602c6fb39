//! What is to be written where, and that it was.

use super::Result;
use crate::elf::Image;
use crate::error::LinkError;
use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// Bytes to be replaced.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Patch {
    /// Offset in the file.
    pub offset: usize,
    /// What must be there before.
    pub old: Vec<u8>,
    /// What must be there after.
    pub new: Vec<u8>,
    /// What it is for.
    pub what: String,
}

/// All changes to one executable.
#[derive(Default, Debug)]
pub struct Plan {
    /// By place in the file.
    patches: BTreeMap<usize, Patch>,
    sites: Vec<Site>,
}

/// An instruction that must be a call or jump to a target, or a load of its address.
#[derive(Debug)]
struct Site {
    at: u64,
    offset: usize,
    target: u64,
}

/// The longest instruction.
const LONGEST: usize = 15;

impl Plan {
    /// Replaces the bytes at `address`.
    pub(super) fn replace(&mut self, image: &Image<'_>, address: u64, new: &[u8], what: &str) -> Result<()> {
        let offset = image.file_offset(address);
        let old = image.bytes(address, new.len());
        let (Some(offset), Some(old)) = (offset, old) else {
            return Err(LinkError::NotVerified(format!("{what}: {address:#x} is not in the file")));
        };
        self.replace_in_file(offset, old, new, what)
    }

    /// Replaces bytes by their place in the file.
    pub(super) fn replace_in_file(
        &mut self,
        offset: usize,
        old: &[u8],
        new: &[u8],
        what: &str,
    ) -> Result<()> {
        let patch = Patch { offset, old: old.to_vec(), new: new.to_vec(), what: what.to_owned() };
        let before = self.patches.range(..offset + new.len()).next_back();
        if let Some((_, same)) = before.filter(|(_, p)| offset < p.offset + p.new.len()) {
            // Two records of one site ask for the same thing, or something is wrong.
            if same.offset == patch.offset && same.new == patch.new {
                return Ok(());
            }
            return Err(LinkError::NotVerified(format!("{what}: also changed for {}", same.what)));
        }
        self.patches.insert(offset, patch);
        Ok(())
    }

    /// How many places change.
    pub fn len(&self) -> usize {
        self.patches.len()
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.patches.is_empty()
    }

    /// After the changes, the instruction at `at` reaches `target`.
    pub(super) fn must_reach(&mut self, image: &Image<'_>, at: u64, target: u64) -> Result<()> {
        let offset = image
            .file_offset(at)
            .ok_or_else(|| LinkError::NotVerified(format!("the call site {at:#x} is not in the file")))?;
        self.sites.push(Site { at, offset, target });
        Ok(())
    }

    /// Makes the changes, each where what is there is what should be.
    ///
    /// # Errors
    /// When a place holds something else, or the file cannot be read or written; then it must be thrown away.
    pub fn apply(&self, file: &File) -> std::result::Result<(), Failure> {
        let before = Content::of(file)?;
        for patch in self.patches.values() {
            if before.at(patch.offset, patch.old.len())? != patch.old {
                return Err(Failure::Differs(format!("{}: the place holds something else", patch.what)));
            }
        }
        drop(before);
        for patch in self.patches.values() {
            file.write_all_at(&patch.new, patch.offset as u64)?;
        }
        Ok(())
    }

    /// Reads the changed places again.
    ///
    /// # Errors
    /// When a change is not there, or a rewritten instruction does not decode to what was meant.
    pub fn verify(&self, file: &File) -> std::result::Result<(), Failure> {
        let after = Content::of(file)?;
        for patch in self.patches.values() {
            if after.at(patch.offset, patch.new.len())? != patch.new {
                return Err(Failure::Differs(format!("{}: it was not written", patch.what)));
            }
        }
        for &Site { at, offset, target } in &self.sites {
            // Code is never the last in a file: the section headers are.
            let code = after.at(offset, LONGEST)?;
            let instruction = iced_x86::Decoder::with_ip(64, code, at, 0).decode();
            let reaches = if instruction.is_ip_rel_memory_operand() {
                instruction.ip_rel_memory_address()
            } else {
                instruction.near_branch_target()
            };
            if reaches != target {
                return Err(Failure::Differs(format!("{at:#x} reaches {reaches:#x}, not {target:#x}")));
            }
        }
        Ok(())
    }
}

/// What a file holds now. A system call for each place would take longer than all the rest.
struct Content(memmap2::Mmap);

impl Content {
    fn of(file: &File) -> std::io::Result<Self> {
        // SAFETY: the linker is done with the file, and nobody else knows of it yet. This process writes it only while there is no such
        // map: `apply` drops its own before, and `verify` writes nothing.
        Ok(Content(unsafe { memmap2::Mmap::map(file) }?))
    }

    fn at(&self, offset: usize, len: usize) -> std::io::Result<&[u8]> {
        let end = offset.saturating_add(len);
        self.0.get(offset..end).ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    }
}

/// Why changes could not be made, or are not there.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The system's reason.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// What is not as it was meant.
    #[error("{0}")]
    Differs(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(old: &[u8]) -> Plan {
        let mut plan = Plan::default();
        plan.replace_in_file(3, old, b"XY", "a test").expect("the first change");
        plan
    }

    #[test]
    fn changes_are_made_only_where_the_old_bytes_are() {
        let mut file = tempfile::tempfile().expect("a file");
        std::io::Write::write_all(&mut file, b"abcdefgh").expect("written");
        assert!(matches!(plan(b"zz").apply(&file), Err(Failure::Differs(_))));
        assert!(matches!(plan(b"de").verify(&file), Err(Failure::Differs(_))), "not made yet");
        plan(b"de").apply(&file).expect("made");
        plan(b"de").verify(&file).expect("there");
        let mut text = [0; 8];
        file.read_exact_at(&mut text, 0).expect("readable");
        assert_eq!(&text, b"abcXYfgh");
    }

    #[test]
    fn a_site_that_reaches_something_else_is_found() {
        let mut file = tempfile::tempfile().expect("a file");
        // call +0x10, at address 0x1000
        std::io::Write::write_all(
            &mut file,
            &[0xe8, 0x10, 0, 0, 0, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90, 0x90],
        )
        .expect("written");
        let site = |target| Plan { sites: vec![Site { at: 0x1000, offset: 0, target }], ..Plan::default() };
        site(0x1015).verify(&file).expect("it reaches that");
        assert!(matches!(site(0x1016).verify(&file), Err(Failure::Differs(_))));
    }

    #[test]
    fn contradicting_changes_are_refused() {
        let mut plan = plan(b"de");
        plan.replace_in_file(3, b"de", b"XY", "the same again").expect("no contradiction");
        plan.replace_in_file(4, b"e", b"Q", "another").expect_err("a contradiction");
    }
}
