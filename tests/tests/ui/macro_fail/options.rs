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

fn main() {
    f();
}
