//! What is to be written where, and that it was.

use super::Result;
use crate::elf::Image;
use crate::error::LinkError;
use std::collections::BTreeMap;

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
    /// Sites that must decode to a call or jump to this address, or to a load of it.
    pub(super) sites: Vec<(u64, u64)>,
}

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

    /// Makes the changes.
    ///
    /// # Errors
    /// When a place does not hold what it should; then `data` must be thrown away.
    pub fn apply(&self, data: &mut [u8]) -> Result<()> {
        for patch in self.patches.values() {
            let range = patch.offset..patch.offset + patch.new.len();
            match data.get_mut(range) {
                Some(bytes) if *bytes == *patch.old => bytes.copy_from_slice(&patch.new),
                _ => {
                    return Err(LinkError::NotVerified(format!(
                        "{}: the place holds something else",
                        patch.what
                    )));
                }
            }
        }
        Ok(())
    }

    /// Checks that every change is in `data`, which was read back from the file.
    ///
    /// # Errors
    /// When one is not, or a rewritten instruction does not decode to what was meant.
    pub fn verify(&self, data: &[u8]) -> Result<()> {
        for patch in self.patches.values() {
            if data.get(patch.offset..patch.offset + patch.new.len()) != Some(&patch.new) {
                return Err(LinkError::NotVerified(format!("{}: it was not written", patch.what)));
            }
        }
        let image = Image::parse(data).map_err(|e| LinkError::NotVerified(e.to_string()))?;
        for &(site, target) in &self.sites {
            let code = image.bytes(site, 5).unwrap_or_default();
            // The instruction may be longer than five bytes, never shorter.
            let code = image.bytes(site, 15).unwrap_or(code);
            let instruction = iced_x86::Decoder::with_ip(64, code, site, 0).decode();
            let reaches = if instruction.is_ip_rel_memory_operand() {
                instruction.ip_rel_memory_address()
            } else {
                instruction.near_branch_target()
            };
            if reaches != target {
                return Err(LinkError::NotVerified(format!(
                    "{site:#x} reaches {reaches:#x}, not {target:#x}"
                )));
            }
        }
        Ok(())
    }
}
