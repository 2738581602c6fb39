//! `zork` has virtual threads: its stacks are proved when it is linked.
fn main() {
    vale_threads_build::link_step();
}
