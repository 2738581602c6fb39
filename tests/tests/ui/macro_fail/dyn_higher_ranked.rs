#[vthread::vthread]
mod m {
    pub trait System<'a> {
        fn run(&mut self, world: &'a [u32]) -> &'a u32;
    }

    pub struct First;

    impl<'a> System<'a> for First {
        fn run(&mut self, world: &'a [u32]) -> &'a u32 {
            &world[0]
        }
    }

    pub fn all(systems: &mut [Box<dyn for<'a> System<'a> + Send>], world: &[u32]) -> u32 {
        systems.iter_mut().map(|s| s.run(world)).sum()
    }

    pub fn first() -> Box<dyn for<'a> System<'a> + Send> {
        Box::new(First)
    }
}

fn main() {
    m::all(&mut [m::first()], &[1]);
}
