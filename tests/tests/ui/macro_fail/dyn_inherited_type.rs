pub trait Graph {
    type Id: Copy;
}

#[vthread::vthread]
mod m {
    use super::Graph;

    pub trait Walk: Graph {
        fn first(&self) -> Self::Id;
    }

    pub fn first(of: &dyn Walk<Id = u32>) -> u32 {
        of.first()
    }
}

fn main() {}
