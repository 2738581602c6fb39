//! Paths from the root of the crate that lead into an annotated module.

#[vthread::vthread]
#[allow(unused_qualifications, reason = "paths are what is tested")]
mod by_path {
    pub trait Shape {
        fn area(&self) -> u32;
        fn twice(&self) -> u32 {
            2 * self.area()
        }
    }

    pub struct Square(pub u32);
    pub struct Group(pub Vec<Box<dyn crate::by_path::Shape>>);

    impl crate::by_path::Shape for Square {
        fn area(&self) -> u32 {
            self.0 * self.0
        }
    }

    impl self::Shape for u32 {
        fn area(&self) -> u32 {
            *self
        }
    }

    impl crate::by_path::Shape for Group {
        fn area(&self) -> u32 {
            self.0.iter().map(|s| s.area()).sum()
        }
    }

    pub type AnyShape = dyn Shape;

    pub mod inner {
        use crate::by_path::Square as Other;
        use crate::by_path::{self, Shape as Form};

        pub struct Strip(pub u32, pub u32);

        impl super::Shape for Strip {
            fn area(&self) -> u32 {
                self.0 * self.1
            }
        }

        impl Form for (u32, u32) {
            fn area(&self) -> u32 {
                halvings(self.0) + by_path::inner::halvings(self.1)
            }
        }

        impl by_path::Shape for [Other] {
            fn area(&self) -> u32 {
                self.iter().map(by_path::Shape::area).sum()
            }
        }

        /// The circle is closed by a path.
        pub fn halvings(n: u32) -> u32 {
            if n < 2 { 0 } else { 1 + crate::by_path::inner::halvings(n / 2) }
        }
    }

    pub fn all() -> Vec<Box<dyn Shape>> {
        let group: Vec<Box<dyn Shape>> = vec![Box::new(7), Box::new(inner::Strip(2, 3)), Box::new((9, 4))];
        vec![Box::new(Square(3)), Box::new(Group(group))]
    }

    /// The name of this module and of a function in it, in another place: an ordinary call.
    pub fn other() -> u32 {
        crate::beside::by_path::all()
    }

    pub fn run() -> (u32, u32, u32) {
        let all = all();
        let slice: &[Square] = &[Square(1), Square(2)];
        (all.iter().map(|s| s.twice()).sum(), slice.twice(), inner::halvings(1 << 20))
    }
}

/// Another module of the same name.
mod beside {
    pub mod by_path {
        pub fn all() -> u32 {
            1
        }
    }
}

#[vthread::vthread]
mod user_of_paths {
    pub struct Dot;

    // A trait of another annotated module: the attribute says that it is one.
    #[vthread]
    impl crate::by_path::Shape for Dot {
        fn area(&self) -> u32 {
            crate::beside::by_path::all()
        }
    }

    pub struct Pair(pub [Box<crate::by_path::AnyShape>; 2]);

    // On a circle with itself, without an import of the trait.
    #[vthread]
    impl crate::by_path::Shape for Pair {
        fn area(&self) -> u32 {
            self.0.iter().map(|s| s.area()).sum()
        }
    }

    pub fn total() -> u32 {
        let mut all = crate::by_path::all();
        all.push(Box::new(Pair([Box::new(Dot), Box::new(Pair([Box::new(Dot), Box::new(Dot)]))])));
        all.iter().map(|s| s.area()).sum()
    }
}

/// A trait is recognised by a path from the root of the crate, as it is by its name: its impls, `dyn`, imports and circles.
#[test]
fn paths_from_the_root_lead_into_the_module() {
    let want = (2 * (9 + 7 + 6 + 5), 10, 20);
    assert_eq!(by_path::run(), want);
    assert_eq!(vthread::run(by_path::run), want);
    assert_eq!(vthread::run(user_of_paths::total), 9 + (7 + 6 + 5) + 3);
    assert_eq!(vthread::run(by_path::other), 1);
}

/// The import says which methods are meant, which no warning takes away though trait objects have theirs without it.
#[vthread::vthread]
#[deny(unused_imports)]
mod through_objects {
    #[vthread(area)]
    use super::by_path::Shape;

    pub fn area(of: &super::by_path::AnyShape) -> u32 {
        of.area()
    }
}

#[test]
fn an_import_for_calls_of_trait_objects_is_used() {
    let square = by_path::Square(3);
    assert_eq!((through_objects::area(&square), vthread::run(|| through_objects::area(&square))), (9, 9));
}
