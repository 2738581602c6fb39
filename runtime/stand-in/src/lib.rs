//! `vthread` for tests of packages whose build script does not run the link step: executables link without it, and
//! entries that it has not sized run on chunks of 256 KiB. Never for production: it hides a missing link step.
//!
//! It is a crate and no feature, because features are united: a feature that one package's tests ask for would be there for all
//! executables that are built along with them.

pub use runtime::*;

#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
mod symbols {
    // Weak, for executables that the link step is run for as well.
    core::arch::global_asm!(
        ".weak __vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step",
        ".set __vthread_link_step_missing__add_build_rs__fn_main_vale_threads_build_link_step, 0",
    );

    /// What `vale_threads` looks for: bytes of a chunk for an entry without a size.
    // SAFETY: the name is the project's own, and the type what is expected there.
    #[unsafe(no_mangle)]
    static __vthread_stand_in_bytes: usize = 256 << 10;
}
