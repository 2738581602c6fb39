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

/// A wait is a switch in the function that waits, and leaves much of what that has in its frame. None of it is an argument of the calls that follow.
mod waits {
    use vthread::__private::on_chunk_exact;
    use vthread::channel::{Receiver, Sender, rendezvous};

    trait Weighs: Send {
        fn weight(&self) -> u32;
    }

    impl Weighs for Vec<u32> {
        fn weight(&self) -> u32 {
            self.iter().sum()
        }
    }

    impl Weighs for u32 {
        fn weight(&self) -> u32 {
            *self
        }
    }

    #[inline(never)]
    fn receives_then_drops(numbers: &Receiver<u32>, thing: Box<dyn Weighs>) -> u32 {
        let number = numbers.recv().unwrap_or(0);
        drop(thing);
        number
    }

    #[inline(never)]
    fn receives_things(things: &Receiver<Box<dyn Weighs>>) -> u32 {
        let mut sum = 0;
        while let Ok(thing) = things.recv() {
            sum += thing.weight();
        }
        sum
    }

    #[inline(never)]
    fn sends(things: &Sender<Box<dyn Weighs>>, thing: Box<dyn Weighs>, other: Box<dyn Weighs>) -> u32 {
        let _ = things.send(thing);
        let weight = other.weight();
        drop(other);
        weight
    }

    pub fn run() -> u32 {
        let (numbers, receiver) = rendezvous();
        let (sender, things) = rendezvous::<Box<dyn Weighs>>();
        let first =
            vthread::spawn(move || on_chunk_exact(|| receives_then_drops(&receiver, Box::new(vec![1]))));
        let second = vthread::spawn(move || on_chunk_exact(|| receives_things(&things)));
        let third =
            vthread::spawn(move || on_chunk_exact(|| sends(&sender, Box::new(3), Box::new(vec![4, 5]))));
        let _ = numbers.send(7);
        [first, second, third].into_iter().map(|handle| handle.join().unwrap_or(0)).sum()
    }
}

#[test]
fn what_waits_and_calls_through_a_dyn_is_proved() {
    assert_eq!(vthread::run(waits::run), 7 + 3 + 9);
}
