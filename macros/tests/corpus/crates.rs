//! What the first users of public crates would meet: shapes found in them that once went wrong.

program!(names_that_numbers_have {
    pub trait Word: Copy {
        fn from_le(bytes: [u8; 4]) -> Self;
        fn from_le_bytes(bytes: [u8; 4]) -> Self;
        fn leading_ones(self) -> u32;
        fn overflowing_add(self, other: Self) -> (Self, bool);
    }

    impl Word for u32 {
        fn from_le(bytes: [u8; 4]) -> u32 {
            u32::from_le_bytes(bytes)
        }

        fn from_le_bytes(bytes: [u8; 4]) -> u32 {
            Self::from_le_bytes(bytes)
        }

        fn leading_ones(self) -> u32 {
            u32::leading_ones(self)
        }

        fn overflowing_add(self, other: u32) -> (u32, bool) {
            self.overflowing_add(other)
        }
    }

    pub trait Bits {
        fn from_bits(bits: u32) -> Self;
    }

    impl Bits for f32 {
        fn from_bits(_: u32) -> f32 {
            -1.0
        }
    }

    pub trait Make {
        fn new() -> Self;
    }

    impl Make for String {
        fn new() -> String {
            "made by the trait".into()
        }
    }

    fn sum<W: Word + Into<u64>>(all: &[W]) -> u64 {
        let added = all.iter().copied().reduce(|a, b| a.overflowing_add(b).0);
        added.map_or(0, Into::into)
    }

    pub fn run() -> String {
        format!(
            "{} {} {:?} {:?} {} {:?} {:?} {}",
            <u32 as Word>::leading_ones(u32::MAX),
            <u32 as Word>::from_le([1, 0, 0, 0]),
            200_u8.overflowing_add(100),
            Word::overflowing_add(u32::MAX, 2),
            f32::from_bits(0x3f80_0000),
            String::new(),
            <String as Make>::new(),
            sum(&[1_u32, 2, u32::MAX]),
        )
    }
});

program!(alternatives_of_one_name {
    // Where there is no std.
    #[cfg(all())]
    use std::io::Write as Sink;

    #[cfg(not(all()))]
    trait Sink {
        fn write_all(&mut self, bytes: &[u8]) -> Result<(), ()>;
    }

    #[cfg(not(all()))]
    impl Sink for Vec<u8> {
        fn write_all(&mut self, bytes: &[u8]) -> Result<(), ()> {
            self.extend(bytes);
            Ok(())
        }
    }

    fn put<S: Sink>(to: &mut S, what: &str) -> bool {
        to.write_all(what.as_bytes()).is_ok()
    }

    // The same the other way around.
    #[cfg(any())]
    use std::fmt::Width as Height;

    #[cfg(not(any()))]
    trait Height {
        fn height(&self) -> usize;
    }

    #[cfg(not(any()))]
    impl Height for str {
        fn height(&self) -> usize {
            self.lines().count()
        }
    }

    #[cfg(any())]
    type Store = Heap;
    #[cfg(not(any()))]
    type Store = Inline;

    struct Heap(usize);
    struct Inline(usize);

    impl Heap {
        fn held(&self) -> usize {
            self.0
        }
    }

    impl Inline {
        const fn held(&self) -> usize {
            self.0 + 1
        }
    }

    #[cfg(not(any()))]
    use std::cmp::min as lesser;

    #[cfg(any())]
    fn lesser(a: usize, b: usize) -> usize {
        if a < b { a } else { b }
    }

    struct Parts {
        #[cfg(any())]
        part: Heap,
        #[cfg(not(any()))]
        part: Inline,
    }

    fn held(store: &Store, parts: &Parts) -> usize {
        store.held() + parts.part.held()
    }

    pub fn run() -> String {
        let held = held(&Inline(3), &Parts { part: Inline(5) });
        let _ = Heap(1).held();
        let mut written = vec![];
        let all = put(&mut written, "abc") && put(&mut written, "d");
        format!("{all} {written:?} {} {held} {}", "a\nb".height(), lesser(held, 4))
    }
});

program!(aliases_of_other_modules {
    pub struct Bucket<K, V>(pub K, pub V);

    impl<K: Copy, V> Bucket<K, V> {
        pub fn key(&self) -> K {
            self.0
        }
    }

    mod set {
        pub type Bucket<T> = super::Bucket<T, ()>;

        pub mod iter {
            use super::Bucket;

            pub fn key(b: &Bucket<u32>) -> u32 {
                b.key()
            }
        }
    }

    mod inner {
        pub struct T;

        impl T {
            pub const fn stop(&self) -> u32 {
                1
            }
        }

        pub type Alias = T;
    }

    struct T;

    impl T {
        fn stop(&self) -> u32 {
            2
        }
    }

    fn both(x: &inner::Alias, y: &T) -> u32 {
        x.stop() + 10 * y.stop()
    }

    pub fn run() -> String {
        format!("{} {}", set::iter::key(&Bucket(3, ())), both(&inner::T, &T))
    }
});

program!(traits_below_in_other_places {
    mod base {
        #[derive(Clone, Copy)]
        pub struct Own(pub u32);

        pub trait Base {
            fn plus(&self, own: Own) -> u32;
        }

        impl Base for u32 {
            fn plus(&self, own: Own) -> u32 {
                self + own.0
            }
        }
    }

    // A private trait with its supertrait in another module.
    mod beside {
        use super::base::{Base, Own};

        trait Sub: Base {}

        impl<A: Base> Sub for A {}

        pub fn run() -> u32 {
            let s: Box<dyn Sub> = Box::new(3_u32);
            s.plus(Own(1))
        }
    }

    // One that can be seen from nowhere but its module, deep down.
    mod deep {
        mod r#type {
            mod more {
                mod most {
                    use super::super::super::super::base::{Base, Own};

                    trait Hidden: Base {
                        fn hidden(&self) -> u32 {
                            5
                        }
                    }

                    impl Hidden for u32 {}

                    pub fn hidden() -> u32 {
                        let s: &(dyn Hidden + Send) = &4_u32;
                        s.plus(Own(1)) + s.hidden()
                    }

                    pub(in super::super) trait Sub: Base {
                        fn again(&self) -> u32 {
                            1
                        }
                    }

                    impl Sub for u32 {}
                }

                pub(super) use most::Sub;
                pub use most::hidden;
            }

            pub(super) use more::hidden;

            fn of(s: &dyn more::Sub) -> u32 {
                use super::super::base::Own;
                s.plus(Own(7)) + s.again()
            }

            pub(super) fn go() -> u32 {
                of(&3_u32)
            }
        }

        pub fn run() -> u32 {
            r#type::go() + 100 * r#type::hidden()
        }
    }

    trait Outer {
        fn out(&self, of: &dyn Outer) -> u32;
    }

    impl Outer for u32 {
        fn out(&self, of: &dyn Outer) -> u32 {
            if *self == 0 { 7 } else { of.out(&0_u32) + self }
        }
    }

    // In a block of the module.
    fn in_a_block() -> u32 {
        trait Inner: Outer {
            fn inner(&self) -> u32;
        }

        impl Inner for u32 {
            fn inner(&self) -> u32 {
                self.out(self) + 1
            }
        }

        let s: Box<dyn Inner> = Box::new(0_u32);
        s.out(&2_u32) + 10 * s.inner()
    }

    pub fn run() -> String {
        format!("{} {} {}", beside::run(), deep::run(), in_a_block())
    }
});

program!(methods_by_macros_beside_ones_own {
    struct Small(u32);

    impl Small {
        fn new(n: u32) -> Result<Small, Small> {
            if n > 9 { Err(Small(n)) } else { Ok(Small(n)) }
        }

        fn get(&self) -> u32 {
            self.0
        }
    }

    macro_rules! index {
        ($name:ident, $error:ident) => {
            struct $name(Small);
            struct $error(Small);

            impl $error {
                fn attempted(&self) -> u32 {
                    self.0.get()
                }
            }

            impl $name {
                fn new(n: u32) -> Result<$name, $error> {
                    Small::new(n).map($name).map_err($error)
                }

                fn get(&self) -> u32 {
                    self.0.get() + 1
                }
            }
        };
    }

    index!(State, StateError);

    struct Other(u32);

    impl Other {
        fn attempted(&self) -> u32 {
            self.0
        }
    }

    fn tried(n: u32) -> u32 {
        State::new(n).map(|s| s.get()).unwrap_or_else(|e| e.attempted())
    }

    pub fn run() -> String {
        format!("{} {} {}", tried(3), tried(30), Other(4).attempted())
    }
});

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
