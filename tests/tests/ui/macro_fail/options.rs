#[vthread::vthread(fast)]
fn f() {}

#[vthread::vthread(recursive)]
mod m {}

#[vthread::vthread]
mod n {
    #[vthread(quick)]
    fn g() {}

    #[vthread = "x"]
    fn h() {}

    #[vthread(recursive)]
    #[plain]
    fn left_alone() {}
}

struct Alone(u32);

impl std::fmt::Display for Alone {
    #[vthread::vthread(recursive)]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Alone {
    #[vthread::vthread]
    fn new() -> Self {
        Alone(1)
    }
}

fn main() {
    println!("{}", Alone::new());
    f();
}
