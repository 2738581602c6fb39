// Calls that the macro rewrites in other ways: recursive ones, methods of traits, calls through trait objects.
#[vthread::vthread]
mod m {
    fn walk(depth: u32, path: &str) -> u32 {
        if depth == 0 { 0 } else { walk(depth - 1) + walk("one", path) + walk(depth, path, true) }
    }

    pub trait Shape {
        fn scaled(&self, by: f64) -> f64;
    }

    pub fn sum(shapes: &[Box<dyn Shape>], one: &impl Shape) -> f64 {
        one.scaled('x') + shapes[0].scaled("y") + shapes[1].scaled(1.0, 2.0) + one.scaled()
    }

    pub struct Tree(Vec<Tree>);

    impl Tree {
        fn count(&self, from: u32) -> u32 {
            self.0.iter().map(|t| t.count("deep")).sum::<u32>() + self.count(1, 2) + Self::count(self, None)
        }
    }
}

fn main() {}
