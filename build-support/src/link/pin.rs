//! Leads the initialisers of thread-locals through their stubs.

use super::Result;
use super::patch::Plan;
use crate::elf::Image;
use crate::error::LinkError;
use crate::pins::Pin;

/// Plans the jumps to the stubs, and what the stubs hold.
pub(super) fn plan(image: &Image<'_>, pins: &[Pin], plan: &mut Plan) -> Result<()> {
    let what = "initialiser of a thread-local";
    for pin in pins {
        let end = pin.function + 5;
        let distance = i32::try_from(pin.stub.wrapping_sub(end).cast_signed())
            .map_err(|_| LinkError::NotVerified(format!("{what}: its stub is too far away")))?;
        let mut jump = vec![0xe9];
        jump.extend(distance.to_le_bytes());
        // Nothing leads behind the jump.
        jump.resize((pin.rest - pin.function) as usize, 0xcc);
        plan.replace(image, pin.function, &jump, what)?;
        plan.must_reach(image, pin.function, pin.stub)?;
        plan.replace(image, pin.room, &pin.code, what)?;
        plan.must_reach(image, pin.room + pin.code.len() as u64 - 5, pin.rest)?;
    }
    Ok(())
}
