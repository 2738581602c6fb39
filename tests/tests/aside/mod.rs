//! Methods that need little but for a call on one of their paths. Some make it at most once, of what can do without chunks; others must not be called in
//! place for it.

#[vthread::vthread]
mod methods {
    use std::hint::black_box;

    #[inline(never)]
    fn large(n: u64) -> u64 {
        let mut all = [n; 60];
        black_box(&mut all);
        all[(n % 60) as usize]
    }

    #[inline(never)]
    fn other(n: u64) -> u64 {
        let mut all = [n + 1; 50];
        black_box(&mut all);
        all.iter().sum()
    }

    #[inline(never)]
    fn fussy(n: u64) -> u64 {
        let mut all = [n; 40];
        black_box(&mut all);
        if n % 11 == 7 {
            std::panic::resume_unwind(Box::new(n));
        }
        all[3] + 2
    }

    #[inline(never)]
    fn large_of_words([a, b, c, d]: [u64; 4], of: [f64; 2], more: &[u64], last: u128) -> u64 {
        let mut all = [a; 40];
        black_box(&mut all);
        all[1] + 2 * b + 3 * c + 4 * d + 5 * of[0] as u64 + 6 * of[1] as u64 + 7 * more[0] + 8 * (last as u64)
    }

    /// More arguments on the stack than most stubs copy.
    #[inline(never)]
    fn large_of_many(pair: [u64; 2], one: u128, two: u128, three: u128, four: u128, five: u128) -> u64 {
        let mut all = [pair[0]; 40];
        black_box(&mut all);
        let of_all =
            [one, two, three, four, five].iter().zip(2..).map(|(one, by)| *one as u64 * by).sum::<u64>();
        all[1] + pair[1] + of_all
    }

    /// What two methods call, one of them in a loop, and others.
    #[inline(never)]
    fn helper(n: u64) -> u64 {
        large(n) + 1
    }

    #[inline(never)]
    fn of_helpers(n: u64) -> u64 {
        (0..n).map(helper).sum()
    }

    #[inline(never)]
    fn waiting(n: u64) -> u64 {
        let mut all = [n; 40];
        black_box(&mut all);
        vthread::yield_now();
        all[5] ^ 1
    }

    #[inline(never)]
    fn down(n: u64) -> u64 {
        if n == 0 { 1 } else { black_box(down(n - 1)) + 1 }
    }

    #[inline(never)]
    fn enormous(n: u64) -> u64 {
        let mut all = [n; 1000];
        black_box(&mut all);
        all[999]
    }

    pub trait Rare {
        fn once(&self, n: u64) -> u64;
        fn either(&self, n: u64) -> u64;
        fn fails(&self, n: u64) -> u64;
        fn passes(&self, n: u64) -> u64;
        fn passes_many(&self, n: u64) -> u64;
        fn helped(&self, n: u64) -> u64;
        fn helped_often(&self, n: u64) -> u64;
        fn twice(&self, n: u64) -> u64;
        fn loops(&self, n: u64) -> u64;
        fn waits(&self, n: u64) -> u64;
        fn recurs(&self, n: u64) -> u64;
        fn swells(&self, n: u64) -> u64;
    }

    macro_rules! rare {
        ($name:ident, $more:literal) => {
            pub struct $name(pub u64);
            impl Rare for $name {
                fn once(&self, n: u64) -> u64 {
                    if self.0 > n { self.0 } else { large(n) + $more }
                }
                fn either(&self, n: u64) -> u64 {
                    match n % 3 {
                        0 => self.0,
                        1 => large(n) + $more,
                        _ => other(n) + 2 * $more,
                    }
                }
                fn fails(&self, n: u64) -> u64 {
                    if self.0 > n { self.0 } else { fussy(n) + $more }
                }
                fn passes(&self, n: u64) -> u64 {
                    if self.0 > n {
                        self.0
                    } else {
                        large_of_words([n, 2, n + 1, 4], [5.0, n as f64], &[n * 2, n], $more)
                    }
                }
                fn passes_many(&self, n: u64) -> u64 {
                    let of = |by: u64| u128::from(n * by);
                    if self.0 > n {
                        self.0
                    } else {
                        large_of_many([n, $more], of(1), of(2), of(3), of(4), of(5))
                    }
                }
                fn helped(&self, n: u64) -> u64 {
                    if self.0 > n { self.0 } else { helper(n) + $more }
                }
                fn helped_often(&self, n: u64) -> u64 {
                    (self.0..n).map(helper).sum::<u64>() + $more
                }
                fn twice(&self, n: u64) -> u64 {
                    if self.0 > n { self.0 } else { large(n) + other(large(n + 1)) + $more }
                }
                fn loops(&self, n: u64) -> u64 {
                    (self.0..n).map(large).sum::<u64>() + of_helpers(n) + $more
                }
                fn waits(&self, n: u64) -> u64 {
                    if self.0 > n { self.0 } else { waiting(n) + $more }
                }
                fn recurs(&self, n: u64) -> u64 {
                    if self.0 > n { self.0 } else { down(n) + $more }
                }
                fn swells(&self, n: u64) -> u64 {
                    if self.0 > n { self.0 } else { enormous(n) + $more }
                }
            }
        };
    }
    rare!(Here, 3);
    rare!(There, 5);

    fn answers_of(of: &dyn Rare) -> Vec<Option<u64>> {
        let first = |n| [of.once(n), of.either(n), of.passes(n), of.twice(n)];
        let others = |n| [of.loops(n), of.waits(n), of.recurs(n), of.swells(n)];
        let fails = |n| std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| of.fails(n))).ok();
        let helped = |n| [of.passes_many(n), of.helped(n), of.helped_often(n)];
        let all = |n| {
            first(n)
                .into_iter()
                .chain(others(n))
                .chain(helped(n))
                .map(Some)
                .chain([fails(n)])
                .collect::<Vec<_>>()
        };
        (0..40).flat_map(all).collect()
    }

    pub fn answers() -> Vec<Option<u64>> {
        let objects: [&dyn Rare; 2] = [&Here(9), &There(12)];
        objects.into_iter().flat_map(answers_of).collect()
    }
}

/// Methods by name, and whether they are called in place where they are optimised.
pub const METHODS: &[(&str, bool)] = &[
    ("once", true),
    ("either", true),
    ("fails", true),
    ("passes", true),
    ("passes_many", false),
    // Aside goes what all of them share.
    ("helped", true),
    ("helped_often", false),
    ("twice", false),
    ("loops", false),
    ("waits", false),
    // The recursion takes its own chunks, and for the rest there is room anyway.
    ("recurs", true),
    ("swells", false),
];

/// What they answer plainly, and in a vthread.
pub fn answers() -> [Vec<Option<u64>>; 2] {
    [methods::answers(), vthread::run(methods::answers)]
}
