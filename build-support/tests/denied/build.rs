use vale_threads_build::LinkStep;

fn main() {
    // The environment of a build script is the linker's, too.
    let some = std::env::var_os("ONLY_EXACT_ONES").is_some();
    let step = if some { LinkStep::new() } else { LinkStep::new().deny_unproved() };
    step.run_with(|| {
        println!("cargo:rerun-if-env-changed=ONLY_EXACT_ONES");
        println!("cargo:rustc-env=MADE_BESIDE_THE_LINK_STEP=by the package's own build code");
    });
}
