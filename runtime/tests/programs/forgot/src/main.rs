//! Has virtual threads, and no build script.
fn main() {
    println!("{}", vthread::run(|| 42));
}
