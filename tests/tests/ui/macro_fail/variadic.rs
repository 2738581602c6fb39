#[vthread::vthread]
mod m {
    pub unsafe extern "C" fn print(format: *const u8, more: ...) {
        let _ = (format, more);
    }
}

fn main() {}
