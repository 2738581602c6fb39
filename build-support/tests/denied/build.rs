fn main() {
    vale_threads_build::LinkStep::new().deny_unproved().run();
}
