//! What stays ordinary inside of annotated modules: `#[plain]` modules and items, and functions that foreign code calls back.

use std::ffi::{c_int, c_void};

// SAFETY: as the C library has it.
unsafe extern "C" {
    /// C's: sorts `count` elements of `size` bytes as `compare` says.
    fn qsort(
        base: *mut c_void,
        count: usize,
        size: usize,
        compare: extern "C" fn(*const c_void, *const c_void) -> c_int,
    );
}

/// C's `qsort` with this way to compare.
fn sorted(mut numbers: Vec<u32>, compare: extern "C" fn(*const c_void, *const c_void) -> c_int) -> Vec<u32> {
    // SAFETY: so many numbers of that size lie there, and the callbacks below read numbers.
    unsafe { qsort(numbers.as_mut_ptr().cast(), numbers.len(), size_of::<u32>(), compare) };
    numbers
}

#[vthread::vthread]
mod with_plain_module {
    #[plain]
    mod ordinary {
        pub trait Rank {
            fn rank(&self) -> u32;
        }

        impl Rank for u32 {
            fn rank(&self) -> u32 {
                self % 10
            }
        }

        // Recursive, and nobody breaks the circle.
        pub fn digits(n: u32) -> u32 {
            if n < 10 { n } else { n % 10 + digits(n / 10) }
        }

        pub mod deeper {
            /// The name of a vthread function around it.
            pub fn twice(n: u32) -> u32 {
                super::super::twice(n) + 1
            }
        }

        pub fn boxed() -> Box<dyn Rank> {
            Box::new(27_u32)
        }
    }

    use ordinary::Rank;

    pub fn twice(n: u32) -> u32 {
        if n == 0 { 0 } else { 2 + twice(n - 1) }
    }

    pub fn run() -> String {
        let ranks: Vec<u32> = [12, 45, 30].iter().map(|n: &u32| n.rank()).collect();
        format!(
            "{ranks:?} {} {} {} {}",
            ordinary::digits(98765),
            ordinary::deeper::twice(4),
            twice(4),
            ordinary::boxed().rank()
        )
    }
}

#[test]
fn a_plain_module_stays_as_it_is() {
    super::agrees(|| "[2, 5, 0] 35 9 8 7".to_owned(), with_plain_module::run);
}

#[vthread::vthread]
mod callback_inside {
    use std::ffi::{c_int, c_void};

    pub trait Weigh {
        fn weight(&self) -> u32;
    }

    impl Weigh for u32 {
        fn weight(&self) -> u32 {
            if *self == 0 { 0 } else { self % 10 + (self / 10).weight() }
        }
    }

    pub fn order(a: &dyn Weigh, b: &dyn Weigh) -> std::cmp::Ordering {
        a.weight().cmp(&b.weight())
    }

    #[plain]
    extern "C" fn compare(a: *const c_void, b: *const c_void) -> c_int {
        // SAFETY: `sorted` sorts numbers.
        let [a, b] = [a, b].map(|n| unsafe { &*n.cast::<u32>() });
        order(a, b) as c_int
    }

    pub fn run() -> String {
        format!("{:?}", super::sorted(vec![99, 100, 7, 12, 5000, 31], compare))
    }
}

#[test]
fn c_calls_a_function_of_an_annotated_module_back() {
    super::agrees(|| "[100, 12, 31, 5000, 7, 99]".to_owned(), callback_inside::run);
}

#[vthread::vthread]
mod called_from_outside {
    pub fn steps(n: u32) -> u32 {
        match n {
            0 | 1 => 0,
            n if n.is_multiple_of(2) => 1 + steps(n / 2),
            n => 1 + steps(3 * n + 1),
        }
    }

    pub fn run() -> String {
        format!("{:?}", super::sorted(vec![27, 8, 6, 7], super::compare_steps))
    }
}

extern "C" fn compare_steps(a: *const c_void, b: *const c_void) -> c_int {
    // SAFETY: `sorted` sorts numbers.
    let [a, b] = [a, b].map(|n| unsafe { *n.cast::<u32>() });
    called_from_outside::steps(a).cmp(&called_from_outside::steps(b)) as c_int
}

#[test]
fn c_calls_a_function_without_the_attribute_back() {
    super::agrees(|| "[8, 6, 7, 27]".to_owned(), called_from_outside::run);
}
