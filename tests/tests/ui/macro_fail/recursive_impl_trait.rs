#[vthread::vthread]
mod m {
    pub fn numbers(n: u32) -> impl Iterator<Item = u32> {
        let rest: Vec<u32> = if n == 0 { vec![] } else { numbers(n - 1).collect() };
        rest.into_iter().chain([n])
    }
}

fn main() {
    m::numbers(3);
}
