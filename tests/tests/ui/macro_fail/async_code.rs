#[vthread::vthread]
mod m {
    async fn fetch() -> u32 {
        1
    }

    fn block() {
        let _ = async { 1 };
        let _ = async |n: u32| n;
    }
}

#[vthread::vthread]
async fn alone() {}

fn main() {}
