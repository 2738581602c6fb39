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

#[vthread::vthread]
mod lasting {
    pub trait Task {
        fn boxed(&self) -> Box<dyn std::any::Any>
        where
            Self: 'static;
    }

    pub fn f(t: &dyn Task) {
        drop(t);
    }
}

fn main() {}
