//! Has an entry, and no build script.
fn main() {
    // SAFETY: loads an address that is not used.
    unsafe {
        core::arch::asm!("mov {}, qword ptr [rip + __vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step@GOTPCREL]", out(reg) _);
    }
}
