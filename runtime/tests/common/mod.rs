//! What several of these tests use.
#![allow(dead_code, reason = "each test uses a part")]

#[cfg(vthread_native)]
#[allow(unused_imports, reason = "each test uses a part")]
pub use native::{Lot, alone, carry};

#[cfg(vthread_native)]
mod native {
    use std::rc::Rc;
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use vthread::__private::inject::inject;
    use vthread::__private::{Carrying, Waiter};
    use vthread::Builder;

    /// Faults that are injected are the process's: one test at a time, and none is left.
    pub struct Alone(#[expect(dead_code, reason = "for as long as it is held")] MutexGuard<'static, ()>);

    impl Drop for Alone {
        fn drop(&mut self) {
            inject(None);
        }
    }

    pub fn alone() -> Alone {
        static ALONE: Mutex<()> = Mutex::new(());
        Alone(ALONE.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Where vthreads wait, by number.
    pub struct Lot(Vec<Waiter>);

    impl Lot {
        pub fn new(places: usize) -> Rc<Self> {
            Rc::new(Self((0..places).map(|_| Waiter::new()).collect()))
        }

        pub fn park(&self, place: usize) {
            self.0[place].park();
        }

        pub fn wake(&self, place: usize) {
            assert!(self.0[place].wake(), "nobody waits at {place}");
        }

        pub fn waiting(&self) -> Vec<usize> {
            (0..self.0.len()).filter(|&i| self.0[i].is_waiting()).collect()
        }
    }

    /// Makes this thread a carrier while `f` runs.
    pub fn carry<R>(f: impl FnOnce(&Carrying) -> R) -> R {
        Builder::new().carry(f).expect("a carrier")
    }
}

/// An order in which parked vthreads are woken.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    First,
    Last,
    Random,
}

impl Order {
    pub const ALL: [Self; 3] = [Self::First, Self::Last, Self::Random];

    /// Some of those that wait, in this order.
    pub fn choose(self, mut waiting: Vec<usize>, seed: &mut u64) -> Vec<usize> {
        match self {
            Self::First => {}
            Self::Last => waiting.reverse(),
            Self::Random => {
                for k in (1..waiting.len()).rev() {
                    *seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    waiting.swap(k, (*seed >> 33) as usize % (k + 1));
                }
                waiting.truncate(waiting.len().div_ceil(2));
            }
        }
        waiting
    }
}

/// Are the long versions of tests wanted?
pub fn long() -> bool {
    std::env::var_os("VTHREAD_LONG_TESTS").is_some_and(|v| v == "1")
}

/// Runs something at its drop.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

/// Runs one test of this executable again in a process of its own, with some environment, and gives its exit and what
/// it wrote.
pub fn child(test: &str, environment: &[(&str, &str)]) -> std::process::Output {
    let mut command = std::process::Command::new(std::env::current_exe().expect("this executable"));
    command.args(["--exact", test, "--nocapture", "--test-threads=1", "--include-ignored"]);
    command.env("VTHREAD_CHILD", "1").envs(environment.iter().copied());
    command.output().expect("a child")
}

/// Is this process the child of a test?
pub fn is_child() -> bool {
    std::env::var_os("VTHREAD_CHILD").is_some()
}

/// In a parent: runs this test in a child with a ring, and in one with the pool. `false`: this is such a child.
pub fn passes_with_and_without_a_ring(test: &str) -> bool {
    if is_child() {
        return false;
    }
    // Its pipes are descriptors that others would count.
    #[cfg(vthread_native)]
    let _alone = alone();
    for io in ["ring", "pool"] {
        let out = child(test, &[("VTHREAD_IO", io)]);
        assert!(out.status.success(), "{io}: {}", String::from_utf8_lossy(&out.stderr));
    }
    true
}

/// A directory that goes away.
pub struct Place(std::path::PathBuf);

impl Place {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("vthread-{name}-{}", std::process::id()));
        drop(std::fs::remove_dir_all(&path));
        std::fs::create_dir(&path).expect("a directory");
        Self(path)
    }

    pub fn path(&self) -> &std::path::Path {
        &self.0
    }

    pub fn at(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// What the system says of this process: in kilobytes.
pub fn status(key: &str) -> usize {
    let text = std::fs::read_to_string("/proc/self/status").expect("proc");
    let line = text.lines().find(|line| line.starts_with(key)).expect(key);
    line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number")
}
