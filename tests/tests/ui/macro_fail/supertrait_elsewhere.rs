#[vthread::vthread]
mod base {
    pub trait Named {
        fn name(&self) -> String;
    }
}

#[vthread::vthread]
mod m {
    #[vthread(name)]
    use super::base::Named;

    pub trait Pet: Named {
        fn owner(&self) -> String;
    }

    pub fn f(x: &dyn Pet) -> String {
        x.owner()
    }
}

fn main() {}
