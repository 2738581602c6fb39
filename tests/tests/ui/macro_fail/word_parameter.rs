#[vthread::vthread]
mod m {
    fn f(is_concurrent: bool) -> bool {
        is_concurrent
    }

    fn g((a, is_concurrent): (u8, u8)) -> u8 {
        a + is_concurrent
    }
}

fn main() {}
