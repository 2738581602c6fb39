#[vthread::vthread]
mod m {
    pub trait Show {
        fn show(&self) -> String;
    }

    impl<T: std::fmt::Debug + ?Sized> Show for T {
        fn show(&self) -> String {
            format!("{self:?}")
        }
    }

    pub fn f(x: &dyn Show) -> String {
        x.show()
    }
}

fn main() {}
