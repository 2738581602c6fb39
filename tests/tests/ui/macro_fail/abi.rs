#[vthread::vthread]
mod m {
    pub extern "C" fn callback(n: i32) -> i32 {
        n
    }

    pub trait T {
        extern "C" fn raw(&self);
    }
}

fn main() {
    m::callback(1);
}
