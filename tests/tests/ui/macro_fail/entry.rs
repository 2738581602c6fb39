#[vthread::main]
async fn main() {}

#[vthread::main]
fn with_argument(n: u32) {}

#[vthread::test]
fn generic<T>() {}

#[vthread::test(recursive)]
fn option() {}

#[vthread::test(names(f))]
fn names() {}
