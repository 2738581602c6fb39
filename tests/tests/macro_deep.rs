//! Recursion by way of code that knows nothing of chunks: traits of others, function pointers, closures in boxes.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Takes a chunk for each level, or another hop stack when one is half used.
#[vthread::vthread]
mod marked {
    use std::fmt;

    pub struct Raw(Vec<Raw>);

    /// How deep it is, and what is in it.
    pub struct Tree(pub usize, Vec<Tree>);

    impl From<Raw> for Tree {
        #[vthread(recursive)]
        fn from(raw: Raw) -> Tree {
            let children: Vec<Tree> = raw.0.into_iter().map(Tree::from).collect();
            Tree(1 + children.iter().map(|child| child.0).max().unwrap_or(0), children)
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let mut rest = std::mem::take(&mut self.1);
            while let Some(mut tree) = rest.pop() {
                rest.append(&mut tree.1);
            }
        }
    }

    impl fmt::Display for Tree {
        #[vthread(recursive)]
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            if self.1.is_empty() {
                super::at_the_bottom();
            }
            f.write_str("(")?;
            for child in &self.1 {
                write!(f, "{child}")?;
            }
            f.write_str(")")
        }
    }

    pub struct Countdown(pub usize);

    impl Iterator for Countdown {
        type Item = usize;

        #[vthread(recursive)]
        fn next(&mut self) -> Option<usize> {
            self.0 = self.0.checked_sub(1)?;
            Some(self.next().map_or(1, |rest| rest + 1))
        }
    }

    #[derive(Clone, Copy)]
    pub struct Step(pub fn(&[Step], usize) -> usize);

    #[vthread(recursive)]
    pub fn step(table: &[Step], n: usize) -> usize {
        if n == 0 { 0 } else { (table[n % table.len()].0)(table, n - 1) + 1 }
    }

    pub fn tree(depth: usize) -> Tree {
        Tree::from((1..depth).fold(Raw(vec![]), |inner, _| Raw(vec![inner])))
    }
}

/// What the deepest level of a `Display` does.
fn at_the_bottom() {
    vthread::yield_now();
    assert!(!PANICS.with(std::cell::Cell::get), "at the bottom");
}

vthread::vthread_local! {
    static PANICS: std::cell::Cell<bool> = std::cell::Cell::new(false);
}

const DEEP: usize = 200_000;

#[test]
fn marked_methods_and_functions_recurse_without_a_limit() {
    let depths = vthread::run(|| {
        let tree = marked::tree(DEEP);
        let table = [marked::Step(marked::step); 2];
        let next = marked::Countdown(DEEP).next().expect("more than none");
        [tree.0, tree.to_string().len() / 2, next, marked::step(&table, DEEP)]
    });
    assert_eq!(depths, [DEEP; 4]);
}

/// A call by a pointer that is chosen at run time leaves what makes it without a bound where it is inlined.
#[test]
fn so_they_do_in_a_vthread_without_a_bound() {
    let choose = |n: usize| if std::hint::black_box(n) > 0 { marked::tree } else { |_| marked::tree(1) };
    let depths = vthread::run(|| {
        let tree = choose(1)(DEEP);
        [tree.0, choose(0)(DEEP).0, tree.to_string().len() / 2]
    });
    assert_eq!(depths, [DEEP, 1, DEEP]);
}

#[test]
fn several_that_are_deep_wait_at_once_and_panics_find_their_way_back() {
    vthread::run(|| {
        vthread::scope(|s| {
            let threads: Vec<_> = (0..6)
                .map(|i| {
                    s.spawn(move || {
                        PANICS.with(|panics| panics.set(i % 3 == 0));
                        let tree = marked::tree(DEEP / 4);
                        let text = catch_unwind(AssertUnwindSafe(|| tree.to_string()));
                        PANICS.with(|panics| panics.set(false));
                        assert_eq!(text.is_err(), i % 3 == 0);
                        // All stacks are where they were.
                        tree.to_string().len()
                    })
                })
                .collect();
            for thread in threads {
                assert_eq!(thread.join().expect("no panic"), DEEP / 2);
            }
        });
        // One is installed, and a few are kept for others by who sleeps.
        vthread::sleep(std::time::Duration::from_millis(1));
        let stacks = vthread::stats().hop_stacks;
        assert!(stacks.kept == 0 && stacks.pooled <= 8, "{stacks:?}");
    });
}

/// Outside of vthreads the marks change nothing.
#[test]
fn marks_do_nothing_on_ordinary_threads() {
    let table = [marked::Step(marked::step)];
    assert_eq!((marked::step(&table, 100), marked::Countdown(100).next()), (100, Some(100)));
    assert_eq!(marked::tree(100).0, 100);
}

/// Has a hop stack for all that comes back off the chunks, which is larger than an ordinary thread's stack.
#[vthread::vthread]
mod unmarked {
    use std::ops::Add;
    use std::str::FromStr;

    #[derive(Clone)]
    pub enum Term {
        One,
        Sum(Vec<Term>),
    }

    impl Add<&Term> for usize {
        type Output = usize;

        fn add(self, term: &Term) -> usize {
            match term {
                Term::One => self + 1,
                Term::Sum(terms) => terms.iter().fold(self, |sum, term| sum + term),
            }
        }
    }

    pub struct Nested(pub usize);

    impl FromStr for Nested {
        type Err = String;

        fn from_str(text: &str) -> Result<Self, String> {
            match text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
                Some(inner) => inner.parse().map(|inner: Nested| Nested(inner.0 + 1)),
                None if text.is_empty() => Ok(Nested(0)),
                None => Err(text.into()),
            }
        }
    }

    type Parse = dyn Fn(&str) -> Option<usize>;

    pub struct Parser(pub Box<Parse>);

    pub fn parser() -> Parser {
        Parser(Box::new(|text| match text.strip_prefix('(') {
            Some(rest) => (parser().0)(rest).map(|depth| depth + 1),
            None => Some(0),
        }))
    }
}

#[test]
fn unmarked_ones_recurse_as_deep_as_on_an_ordinary_thread() {
    const LEVELS: usize = 3000;
    let run = || {
        let term = (0..LEVELS).fold(unmarked::Term::One, |term, _| unmarked::Term::Sum(vec![term]));
        let text = "(".repeat(LEVELS) + &")".repeat(LEVELS);
        let nested: Result<unmarked::Nested, String> = text.parse();
        (0 + &term, nested.map(|nested| nested.0), (unmarked::parser().0)(&text))
    };
    assert_eq!(vthread::run(run), (1, Ok(LEVELS), Some(LEVELS)));
    let ordinary = std::thread::Builder::new().stack_size(16 << 20).spawn(run).expect("a thread");
    assert_eq!(ordinary.join().expect("no overflow"), (1, Ok(LEVELS), Some(LEVELS)));
}
