//! Functions, traits and trait objects of one crate in another: the same as within one.

#[vthread::vthread]
mod user {
    #[vthread(weight, parts)]
    use vale_threads_tests::shared::{Assembly as Group, Part, times, total as sum};

    pub struct Bolt(pub u64);

    impl Part for Bolt {
        fn weight(&self) -> u64 {
            self.0
        }
    }

    /// Overrides the default method, and holds trait objects of the other crate.
    pub struct Wrapped {
        pub own: u64,
        pub inner: Box<dyn Part>,
    }

    impl Part for Wrapped {
        fn weight(&self) -> u64 {
            self.own
        }

        fn parts(&self) -> Vec<&dyn Part> {
            vec![&*self.inner, self.inner.as_ref()]
        }
    }

    pub fn run() -> String {
        let bolts: Vec<Box<dyn Part>> = vec![Box::new(Bolt(3)), Box::new(Bolt(4))];
        let group = Group(bolts);
        let wrapped = Wrapped { own: 100, inner: Box::new(group) };
        let part: &dyn Part = &wrapped;
        let doubled = times(5, 1, &|n: u64| n + sum(&Bolt(n)));
        format!("{} {} {} {doubled}", part.weight(), part.parts().len(), sum(part))
    }
}

#[test]
fn another_crates_names_work_plain_and_on_chunks() {
    let want = "100 2 114 32";
    assert_eq!(user::run(), want);
    assert_eq!(vthread::run(user::run), want);
    let guarded = vthread::Builder::new().stacks(vthread::Mode::Guarded).run(user::run);
    assert_eq!(guarded.expect("stacks"), want);
}

#[test]
fn code_without_the_attribute_calls_in() {
    let bolt = user::Bolt(9);
    assert_eq!(vale_threads_tests::shared::total(&bolt), 9);
    assert_eq!(vthread::run(|| vale_threads_tests::shared::total(&bolt)), 9);
}

/// Code without the attribute that holds trait objects of another crate.
mod plain_code {
    use super::user::{Bolt, Wrapped};
    #[vthread::vthread(dyn)]
    use vale_threads_tests::shared::Part as AnyPart;
    use vale_threads_tests::shared::total;

    pub struct Shelf<'a> {
        pub own: Vec<Box<dyn AnyPart>>,
        pub lent: &'a (dyn AnyPart + Send + Sync),
    }

    impl Shelf<'_> {
        fn heaviest(&self) -> Option<&dyn AnyPart> {
            self.own.iter().map(|part| &**part).max_by_key(|part| part.weight())
        }
    }

    pub fn run() -> String {
        let inner: Box<dyn AnyPart> = Box::new(Bolt(6));
        let mut shelf = Shelf { own: vec![inner], lent: &Bolt(2) };
        shelf.own.push(Box::new(Wrapped { own: 30, inner: Box::new(Bolt(1)) }));
        let heaviest = shelf.heaviest().map(|part| (part.weight(), part.parts().len()));
        let all: u64 = shelf.own.iter().map(|part| total(&**part)).sum();
        format!("{heaviest:?} {all} {}", shelf.lent.weight())
    }
}

#[test]
fn code_without_the_attribute_names_trait_objects() {
    let want = "Some((30, 2)) 38 2";
    assert_eq!(plain_code::run(), want);
    assert_eq!(vthread::run(plain_code::run), want);
}
