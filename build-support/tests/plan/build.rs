fn main() {
    vale_threads_build::link_step();
}
