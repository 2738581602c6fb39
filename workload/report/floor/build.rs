//! `zork` has virtual threads, though the floor starts none.
fn main() {
    vale_threads_build::link_step();
}
