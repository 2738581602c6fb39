//! Methods that need more than is called in place as a rule, called where there is room for them anyway, and where there is none.

#[vthread::vthread]
mod methods {
    use std::hint::black_box;

    #[inline(never)]
    fn words<const N: usize>(n: u64) -> u64 {
        let mut all = [n; N];
        black_box(&mut all);
        all[n as usize % N] + N as u64
    }

    pub trait Roomy {
        fn fits(&self, n: u64) -> u64;
        fn fits_and_waits(&self, n: u64) -> u64;
        fn fits_one(&self, n: u64) -> u64;
        fn too_large(&self, n: u64) -> u64;
        fn again(&self, n: u64) -> u64;
        fn there(&self, of: &dyn Roomy, n: u64) -> u64;
        fn back(&self, of: &dyn Roomy, n: u64) -> u64;
    }

    macro_rules! roomy {
        ($name:ident, $more:literal) => {
            pub struct $name(pub u64);
            impl Roomy for $name {
                fn fits(&self, n: u64) -> u64 {
                    self.0 + words::<{ 40 + $more }>(n)
                }
                fn fits_and_waits(&self, n: u64) -> u64 {
                    vthread::yield_now();
                    words::<{ 41 + $more }>(n) + self.0
                }
                fn fits_one(&self, n: u64) -> u64 {
                    words::<{ 42 + $more }>(n) ^ self.0
                }
                fn too_large(&self, n: u64) -> u64 {
                    self.0 * words::<{ 200 + $more }>(n)
                }
                fn again(&self, n: u64) -> u64 {
                    let of: &dyn Roomy = black_box(self);
                    words::<{ 20 + $more }>(n) + if n == 0 { self.0 } else { of.again(n - 1) }
                }
                fn there(&self, of: &dyn Roomy, n: u64) -> u64 {
                    self.0 + if n == 0 { $more } else { of.back(self, n - 1) }
                }
                fn back(&self, of: &dyn Roomy, n: u64) -> u64 {
                    words::<{ 60 + $more }>(n) + if n == 0 { self.0 } else { of.there(self, n - 1) }
                }
            }
        };
    }
    roomy!(This, 3);
    roomy!(That, 5);

    #[inline(never)]
    fn object(n: u64) -> &'static dyn Roomy {
        if n.is_multiple_of(2) { &This(9) } else { &That(12) }
    }

    pub fn with_room(n: u64) -> u64 {
        let of = object(n);
        let fits = of.fits(n) + 3 * of.fits_and_waits(n) + 5 * of.fits_one(n);
        let others = of.too_large(n) + 7 * of.again(n) + 11 * of.there(of, n) + 13 * of.back(of, n);
        words::<100>(n) + fits + others
    }

    pub fn without_room(n: u64) -> u64 {
        2 * object(n).fits_one(n) + 1
    }
}

/// Methods by name, and whether they are called in place where they are optimised.
pub const METHODS: &[(&str, bool)] = &[
    ("fits", true),
    ("fits_and_waits", true),
    // Not everybody who calls it has room.
    ("fits_one", false),
    ("too_large", false),
    // A chunk each time, or its stack would have no end.
    ("again", false),
    // One of the two is enough.
    ("there", true),
    ("back", false),
];

/// What they answer plainly, and in vthreads.
pub fn answers() -> [Vec<u64>; 2] {
    use methods::{with_room, without_room};
    let plain = |n| with_room(n) ^ without_room(n);
    let concurrent = |n| vthread::run(move || with_room(n)) ^ vthread::run(move || without_room(n));
    [(0..40).map(plain).collect(), (0..40).map(concurrent).collect()]
}
