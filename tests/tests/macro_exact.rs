//! `#[vthread(exact)]` on what can be proved.

#[vthread::vthread(exact)]
mod exact {
    pub trait Step {
        fn step(&self, n: u32) -> u32;
    }

    pub struct By(pub u32);

    impl Step for By {
        fn step(&self, n: u32) -> u32 {
            if n == 0 { self.0 } else { self.step(n - 1) + self.0 }
        }
    }

    pub fn run() -> u32 {
        let step: Box<dyn Step> = Box::new(By(2));
        step.step(20)
    }
}

#[test]
fn an_exact_module_links_when_everything_is_proved() {
    assert_eq!((exact::run(), vthread::run(exact::run)), (42, 42));
}
