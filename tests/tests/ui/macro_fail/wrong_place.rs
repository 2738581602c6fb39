#[vthread::vthread]
struct S;

#[vthread::vthread]
mod m {
    #[vthread]
    struct T;
}

#[vthread::vthread]
fn main() {}
