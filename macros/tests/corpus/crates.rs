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
