#[vthread::vthread]
mod m {
    pub trait Cursor: Iterator {
        fn largest(&mut self) -> Option<Self::Item>
        where
            Self::Item: Ord;
    }

    pub fn f(c: &mut dyn Cursor<Item = u8>) -> Option<u8> {
        c.largest()
    }
}

fn main() {}
