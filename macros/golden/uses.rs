//! What an import brings in besides.

#[vthread(area, grow)]
pub use crate::shapes::{Shape, total};

#[vthread]
mod user {
    mod inner {
        pub fn helper(n: u32) -> u32 {
            n
        }
        pub trait Tool {
            fn apply(&self) -> u32;
        }
    }

    use inner::helper as assist;
    use inner::Tool;
    #[vthread(area)]
    use crate::shapes::{Shape, total};

    pub fn run(tool: &dyn Tool, shape: &dyn Shape) -> f64 {
        f64::from(assist(tool.apply())) + shape.area() + total()
    }
}
