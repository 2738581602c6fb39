#[vthread::vthread]
fn f(#[cfg(all())] n: u32) -> u32 {
    n
}

fn main() {
    f(1);
}
