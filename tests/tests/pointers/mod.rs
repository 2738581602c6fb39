//! Calls by pointers in annotated code, in all forms, last in a function and not: each is carried out elsewhere, and what makes it keeps its bound, because
//! the macro gives it room. `exact`: without a bound this does not link.

#[vthread::vthread(exact)]
mod calls {
    use std::hint::black_box;
    use std::rc::Rc;
    use std::sync::Arc;

    type Measure = dyn Fn(&str) -> usize;

    pub type Step = fn(&mut Machine, u32) -> u32;

    /// Functions by number, and what they have done.
    pub struct Machine {
        table: Vec<Step>,
        spare: Option<Step>,
        by: Box<dyn Fn(u32) -> u32>,
        shared: Arc<dyn Fn(u32, u32) -> u32>,
        pub done: u32,
    }

    static TABLE: [Step; 2] = [more, less];

    fn more(machine: &mut Machine, n: u32) -> u32 {
        machine.done += 1;
        n + 3
    }

    fn less(machine: &mut Machine, n: u32) -> u32 {
        machine.done += 10;
        n - 1
    }

    impl Machine {
        pub fn new() -> Self {
            Machine {
                table: vec![more, less],
                spare: Some(less),
                by: Box::new(|n| n * 2),
                shared: Arc::new(|a, b| a ^ b),
                done: 0,
            }
        }

        #[inline(never)]
        fn indexed(&mut self, n: u32) -> u32 {
            self.table[n as usize % 2](self, n)
        }

        #[inline(never)]
        fn bound(&mut self, n: u32) -> u32 {
            let step = self.table[black_box(0)];
            step(self, n)
        }

        #[inline(never)]
        fn boxed(&self, n: u32) -> u32 {
            (self.by)(n)
        }

        #[inline(never)]
        fn given(&self, n: u32) -> u32 {
            (self.shared)(n, self.boxed(n))
        }

        #[inline(never)]
        fn chosen(&mut self, n: u32) -> u32 {
            if n > 50 {
                return self.spare.unwrap_or(more)(self, n);
            }
            match n % 3 {
                0 => TABLE[n as usize % 2](self, n),
                1 => choose(n)(self, n),
                _ => self.indexed(n),
            }
        }
    }

    #[inline(never)]
    fn choose(n: u32) -> Step {
        black_box(if n.is_multiple_of(2) { more } else { less })
    }

    #[inline(never)]
    fn by_reference(f: &dyn Fn(u32) -> u32, n: u32) -> u32 {
        f(n)
    }

    #[inline(never)]
    fn by_mutable_reference(f: &mut dyn FnMut(u32), n: u32) {
        f(n);
    }

    #[inline(never)]
    fn without_arguments(f: fn() -> u32) -> u32 {
        f()
    }

    #[inline(never)]
    fn of_many(f: fn(u32, u32, u32, u32, u32, u32) -> u32, n: u32) -> u32 {
        f(n, 1, 2, 3, 4, 5)
    }

    /// What it gives is on the caller's stack.
    #[inline(never)]
    fn of_large(f: &Rc<dyn Fn([u64; 5]) -> [u64; 5]>, n: u64) -> [u64; 5] {
        f([n; 5])
    }

    #[inline(never)]
    fn a_text(f: &dyn Fn(&str) -> String, text: &str) -> String {
        f(text.trim())
    }

    /// The closure's type comes from the parameter's.
    #[inline(never)]
    fn with_a_closure(f: fn(&Measure) -> usize) -> usize {
        f(&|text| text.len() + 1)
    }

    fn seven() -> u32 {
        black_box(7)
    }

    /// An entry: `exact` is about these.
    #[vthread(recursive)]
    pub fn all() -> String {
        let mut machine = Machine::new();
        let mut sum = 0;
        for n in black_box(0..60) {
            sum += machine.indexed(n + 1)
                + machine.bound(n)
                + machine.boxed(n)
                + machine.given(n)
                + machine.chosen(n + 1);
        }
        let scale = black_box(3);
        let mut seen = vec![];
        by_mutable_reference(&mut |n| seen.push(n), sum);
        let scaled = by_reference(&|n| n * scale, sum);
        let many = of_many(black_box(|a, b, c, d, e, f| a + b + c + d + e + f), scale);
        let large: Rc<dyn Fn([u64; 5]) -> [u64; 5]> = Rc::new(|mut all| {
            all[4] += 1;
            all
        });
        let text = a_text(&|text| text.to_uppercase(), " text ");
        let length = with_a_closure(black_box(|f| f("four")));
        format!(
            "{sum} {scaled} {seen:?} {} {many} {:?} {text} {length} {}",
            without_arguments(black_box(seven)),
            of_large(&large, 4),
            machine.done
        )
    }
}

/// Function pointers as what vthreads begin with, and as what is run where one runs.
fn begin_with_pointers() -> u32 {
    let table: [fn() -> u32; 2] = std::hint::black_box([|| 1, || 2]);
    vthread::run(move || {
        let threads = table.map(vthread::spawn);
        let sum: u32 = threads.into_iter().map(|thread| thread.join().expect("no panic")).sum();
        sum + vthread::run(table[1])
    })
}

/// On an ordinary thread, and in a vthread.
pub fn answers() -> [String; 2] {
    assert_eq!(begin_with_pointers(), 5);
    [calls::all(), vthread::run(calls::all)]
}
