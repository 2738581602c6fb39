//! Calls on what `Self` is made of lead to smaller types: no circle, so no wrappers. One that leads back has its own. What a macro takes as values is
//! rewritten in place.

#[vthread]
mod reading {
    trait Read {
        fn read(&mut self) -> u32;
    }

    impl<R: Read + ?Sized> Read for &mut R {
        fn read(&mut self) -> u32 {
            (**self).read()
        }
    }

    struct Twice<R>(R);

    impl<R: Read> Read for Twice<R> {
        fn read(&mut self) -> u32 {
            self.0.read() * 2
        }
    }

    struct Both<A, B> {
        left: A,
        right: B,
    }

    impl<Y: Read, X: Read> Read for Both<X, Y> {
        fn read(&mut self) -> u32 {
            self.left.read() + self.right.read()
        }
    }

    struct List {
        value: u32,
        next: Option<Box<List>>,
    }

    impl List {
        fn sum(&self) -> u32 {
            match &self.next {
                Some(next) => self.value + next.sum(),
                None => self.value,
            }
        }
    }

    macro_rules! or_nothing {
        ($e:expr) => {
            match $e {
                Some(value) => value,
                None => return 0,
            }
        };
    }

    fn checked(n: u32) -> Option<u32> {
        (n < 100).then_some(n)
    }

    fn through_a_macro(n: u32) -> u32 {
        or_nothing!(checked(n)) + 1
    }

    macro_rules! of_half {
        ($e:expr) => {
            halved($e)
        };
    }

    fn halved(n: u32) -> u32 {
        if n == 0 { 0 } else { 1 + halved(n / 2) }
    }

    // It asks by way of the macro's text, and need not where the body knows.
    fn of_halves(n: u32) -> u32 {
        if n == 0 { 0 } else { of_half!(n) + of_halves(n - 1) }
    }

    fn of_checked(n: u32) -> u32 {
        or_nothing!(checked(n)) + or_nothing!(Some(of_checked(n + 1)))
    }
}
