//! What macros put in, of every kind of fragment, keeps its meaning under the attribute: one text with and without it.

#![allow(unused, clippy::all, clippy::pedantic, reason = "what is written is what macros write")]

/// Gives back what it is given: its tokens are not parsed by the attribute.
macro_rules! pass {
    ($e:expr) => {
        $e
    };
}

macro_rules! text {
    (
        [$($attribute:tt)*] $name:ident,
        $sum:expr, $negative:literal, $either:pat, $range:pat, $number:ty, $object:ty, $let:stmt, $block:block, $vis:vis,
        $meta:meta, $path:path, $life:lifetime, $item:item
    ) => {
        $($attribute)*
        mod $name {
            const LONG: [u8; $sum] = [1; $sum];
            static DOUBLED: &[u32] = &[pass!($sum * 2), $sum];

            thread_local! {
                static LOCAL: u32 = $sum * 2;
            }

            $item

            $vis struct Lent<$life>(pub &$life u32, pub $number);

            impl<$life> Lent<$life> {
                fn next(&self) -> u32 {
                    next(*self.0)
                }
            }

            #[$meta]
            pub struct Point {
                pub x: u32,
            }

            impl $path {
                fn new(x: u32) -> $path {
                    Self { x }
                }
            }

            fn next(n: u32) -> u32 {
                n + 1
            }

            fn literals() -> i64 {
                let n: i64 = 2 - $negative;
                n + $negative.abs()
            }

            fn patterns(n: u32) -> (u32, u32, bool) {
                let bound = match n {
                    k @ $either => next(k),
                    k @ $range => 10 * next(k),
                    _ => 0,
                };
                let referred = match &n {
                    &$either => 1,
                    &$range => 2,
                    _ => 3,
                };
                (bound, referred, matches!(Some(n), Some(k @ $either) if next(k) > 1))
            }

            fn casts(n: $number) -> bool {
                (n as $number) < next(3) as $number && n as $number >> 1 < 100
            }

            fn calls(f: impl Fn() -> u32) -> u32 {
                f()
            }

            fn unparsed() -> (u32, usize) {
                let object: &$object = &5u8;
                (pass!($sum * 2) + calls(|| pass!($sum * 3 + next($sum))), pass!(size_of_val(object as &$object)))
            }

            fn statements() -> u32 {
                $let;
                next(1) + $block
            }

            fn operators() -> Vec<u32> {
                let condition = if $sum == 5 { 1 } else { 0 };
                let product = |n: u32| $sum * n;
                vec![!$sum & 255, condition, product(next(2)), *&$sum, (0..$sum).sum(), ($sum as u8 as u32).pow(2)]
            }

            fn written() -> (&'static str, &'static str) {
                (stringify!($sum), concat!($negative, "m"))
            }

            pub fn run() -> String {
                let (five, point) = (5, <$path>::new($sum));
                let lent = Lent(&five, 3);
                format!(
                    "{:?} {DOUBLED:?} {} {} {} {point:?} {} {:?} {} {:?} {} {:?} {:?} {}",
                    LONG,
                    LOCAL.with(|n| *n),
                    lent.next(),
                    lent.1,
                    literals(),
                    [1, 4, 7].map(patterns),
                    casts(9),
                    unparsed(),
                    statements(),
                    operators(),
                    written(),
                    extra()
                )
            }

            pub fn fail() {
                assert!($sum == 6, "{}", $sum * 2);
            }

            pub fn fail_alone() {
                assert!($sum == 6);
            }
        }
    };
}

macro_rules! texts {
    ($($fragments:tt)*) => {
        text!([] ordinary, $($fragments)*);
        text!([#[vthread::vthread]] annotated, $($fragments)*);
    };
}

texts!(
    2 + 3,
    -7i64,
    1 | 2,
    5..=9,
    u32,
    dyn std::fmt::Debug + Send,
    let _unused = 2,
    { 9u32 },
    pub(crate),
    derive(Debug),
    Point,
    'a,
    pub fn extra() -> u32 {
        77
    }
);

#[test]
fn every_kind_of_fragment() {
    let want = ordinary::run();
    assert_eq!(annotated::run(), want);
    assert_eq!(vthread::run(annotated::run), want);
}

#[test]
fn messages_are_the_same() {
    let message = |f: fn()| {
        let panic = std::panic::catch_unwind(f).expect_err("the sum is 5");
        panic
            .downcast::<String>()
            .map_or_else(|panic| format!("{:?}", panic.downcast::<&str>()), |text| *text)
    };
    assert_eq!(message(annotated::fail), "10");
    assert_eq!(message(annotated::fail_alone), message(ordinary::fail_alone));
}

macro_rules! tests {
    ($name:ident, $sum:expr, $either:pat) => {
        #[vthread::test]
        fn $name() {
            let double = $sum * 2;
            assert_eq!((double, pass!($sum * 2), $sum * 2), (10, 10, 10));
            assert!(matches!(2, k @ $either if k == 2));
        }
    };
}

tests!(in_a_test_of_vthreads, 2 + 3, 1 | 2);
