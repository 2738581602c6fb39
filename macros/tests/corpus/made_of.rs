//! Calls that lead into what a type is made of, and some that only seem to.

program!(what_a_type_is_made_of {
    use std::ops::Deref;

    // Each leads to what it is made of: no recursion.
    trait Read {
        fn read(&mut self) -> u32;
    }

    struct Bytes(Vec<u8>);

    impl Read for Bytes {
        fn read(&mut self) -> u32 {
            self.0.pop().map_or(0, u32::from)
        }
    }

    impl<R: Read + ?Sized> Read for &mut R {
        fn read(&mut self) -> u32 {
            (**self).read()
        }
    }

    impl<R: Read + ?Sized> Read for Box<R> {
        fn read(&mut self) -> u32 {
            (**self).read() + 1
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

    // Swapped.
    impl<Y: Read, X: Read> Read for Both<X, Y> {
        fn read(&mut self) -> u32 {
            self.left.read() + 10 * self.right.read()
        }
    }

    // A field that leads back to what it is in: recursion.
    struct Node<P> {
        value: u32,
        next: P,
    }

    struct Handle(Option<Box<Node<Handle>>>);

    impl Deref for Handle {
        type Target = Node<Handle>;

        fn deref(&self) -> &Node<Handle> {
            self.0.as_ref().expect("one more")
        }
    }

    impl<P: Deref<Target = Node<P>>> Node<P> {
        fn sum(&self) -> u32 {
            if self.value == 0 { 0 } else { self.value + self.next.sum() }
        }
    }

    // So does a concrete argument.
    trait Total {
        fn total(&self, n: u32) -> u32;
    }

    struct Wrapper<A>(A);

    struct Held(Option<Box<Wrapper<Held>>>);

    impl Deref for Held {
        type Target = Wrapper<Held>;

        fn deref(&self) -> &Wrapper<Held> {
            self.0.as_ref().expect("one more")
        }
    }

    impl Total for Wrapper<Held> {
        fn total(&self, n: u32) -> u32 {
            if n == 0 { 0 } else { self.0.total(n - 1) + n }
        }
    }

    // And `self` that has been moved on, by a reference.
    struct List(u32, Option<Box<List>>);

    trait Sum {
        fn sum(self) -> u32;
    }

    impl Sum for &List {
        fn sum(mut self) -> u32 {
            let value = self.0;
            match &self.1 {
                None => value,
                Some(next) => {
                    self = next;
                    value + (*self).sum()
                }
            }
        }
    }

    macro_rules! or_nothing {
        ($e:expr $(,)?) => {
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
        let first = or_nothing!(checked(n));
        let second = or_nothing!(Some(first).filter(|n| checked(*n + 50).is_some()));
        if n == 0 { 1 } else { first + second + or_nothing!(Some(through_a_macro(n - 1))) }
    }

    pub fn run() -> String {
        let bytes = || Bytes(vec![1, 2, 3]);
        let mut dynamic: Box<dyn Read> = Box::new(Twice(Box::new(bytes()) as Box<dyn Read>));
        let mut both = Both { left: Twice(bytes()), right: bytes() };
        let mut list = Node { value: 0, next: Handle(None) };
        for value in 1..20 {
            list = Node { value, next: Handle(Some(Box::new(list))) };
        }
        let mut wrapped = Wrapper(Held(None));
        let mut links = List(0, None);
        for value in 1..20 {
            wrapped = Wrapper(Held(Some(Box::new(wrapped))));
            links = List(value, Some(Box::new(links)));
        }
        format!(
            "{} {} {} {} {} {} {} {}",
            wrapped.total(19),
            links.sum(),
            Twice(&mut bytes()).read(),
            dynamic.read(),
            both.read(),
            list.sum(),
            through_a_macro(5),
            through_a_macro(70)
        )
    }
});

program!(fields_that_are_counted {
    trait Value {
        fn value(&self) -> u32;
    }

    impl Value for u32 {
        fn value(&self) -> u32 {
            *self
        }
    }

    struct Text(&'static str);

    impl Text {
        // Takes no context word.
        const fn value(&self) -> &'static str {
            self.0
        }
    }

    // Parameters that are no types count, too.
    struct Rows<'a, const N: usize, A, B> {
        first: &'a [A; N],
        last: B,
    }

    trait Show {
        fn show(&self) -> String;
    }

    impl<'a, const N: usize, X: Value> Show for Rows<'a, N, X, Text> {
        fn show(&self) -> String {
            let sum: u32 = self.first.iter().map(|x| x.value()).sum();
            format!("{sum} {}", self.last.value())
        }
    }

    impl<'a, X: Value> Show for Rows<'a, 2, Text, X> {
        fn show(&self) -> String {
            format!("{} {}", self.first[0].value(), self.last.value())
        }
    }

    // So do fields, where they are there.
    struct Pair(#[cfg(any())] Text, u32, #[cfg(not(any()))] Text);

    impl Show for Pair {
        fn show(&self) -> String {
            format!("{} {}", self.0.value(), self.1.value())
        }
    }

    pub fn run() -> String {
        let (rows, texts) = ([1, 2, 3], [Text("a"), Text("b")]);
        format!(
            "{} {} {}",
            Rows { first: &rows, last: Text("end") }.show(),
            Rows { first: &texts, last: 7 }.show(),
            Pair(4, Text("five")).show()
        )
    }
});
