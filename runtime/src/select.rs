//! Waiting for the first of several things.
//!
//! One [`Waiting`] has a [`Link`] in the list of each thing, so whoever claims it through one of the lists ends the wait for all
//! of them, and the link says which it was. Then the others are taken out, and only then is anything moved.

use crate::sched::task::{checkpoint, raise_cancelled};
use crate::sched::wait::{Link, Outcome, Waiting, What};
use core::cell::Cell;
use std::time::{Duration, Instant};

/// Waits for the first of several things, and goes on with that: values from channels, room in channels, ends of
/// vthreads, and time.
///
/// - `recv(receiver) -> result => ..` for [`channel`](crate::channel), [`oneshot`](crate::channel::oneshot) and
///   [`watch`](crate::channel::watch); `result` is what `recv` gives.
/// - `send(sender, value) -> result => ..`: the value is dropped if something else is chosen.
/// - `join(handle) -> result => ..`, with the handle's name: it is joined if this is chosen, and stays as it was otherwise.
/// - `default => ..`, last, instead of waiting; `default(duration) => ..` after waiting so long. At most one of the two.
///
/// When several are ready, each is chosen about as often as the others. The value of `select!` is that of the chosen branch, in
/// which `?`, `return`, `break` and `continue` mean what they mean around it. At most one thing happens: a value is
/// received or sent in the chosen branch only.
///
/// Each branch is a step of the macro: with some sixty the crate needs a `#![recursion_limit = "256"]`, as the compiler says.
///
/// ```
/// use std::time::Duration;
/// use vthread::{channel, select};
/// let (words, receiver) = channel::unbounded();
/// let got = vthread::run(|| {
///     let clock = vthread::spawn(|| vthread::sleep(Duration::from_millis(1)));
///     vthread::spawn(move || ["to", "be"].map(|word| words.send(word).unwrap()));
///     let mut got = vec![];
///     loop {
///         select! {
///             recv(receiver) -> word => match word {
///                 Ok(word) => got.push(word),
///                 Err(_) => break,
///             },
///             default(Duration::from_secs(5)) => panic!("nobody sends"),
///         }
///     }
///     select! {
///         join(clock) -> ended => ended.unwrap(),
///         default(Duration::from_secs(5)) => panic!("too late"),
///     }
///     got
/// });
/// assert_eq!(got, ["to", "be"]);
/// ```
///
/// # Panics
/// With [`Cancelled`](crate::Cancelled), if that is what happens. When a vthread waits for its own end.
#[macro_export]
macro_rules! select {
    ($($branches:tt)+) => { $crate::__select_among!(() () ; $($branches)+) };
}

/// Takes branch by branch: first the arms, nested, then the patterns and bodies, in order.
#[doc(hidden)]
#[macro_export]
macro_rules! __select_among {
    // A body in braces needs no comma after it.
    ($arms:tt $then:tt; recv($($a:tt)+) -> $p:pat => $body:block, $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (recv $($a)+) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; recv($($a:tt)+) -> $p:pat => $body:block $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (recv $($a)+) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; recv($($a:tt)+) -> $p:pat => $body:expr, $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (recv $($a)+) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; recv($($a:tt)+) -> $p:pat => $body:expr) => {
        $crate::__select_arm!($arms $then; (recv $($a)+) ($p) ($body))
    };
    ($arms:tt $then:tt; send($($a:tt)+) -> $p:pat => $body:block, $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (send $($a)+) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; send($($a:tt)+) -> $p:pat => $body:block $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (send $($a)+) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; send($($a:tt)+) -> $p:pat => $body:expr, $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (send $($a)+) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; send($($a:tt)+) -> $p:pat => $body:expr) => {
        $crate::__select_arm!($arms $then; (send $($a)+) ($p) ($body))
    };
    ($arms:tt $then:tt; join($h:ident) -> $p:pat => $body:block, $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (join $h) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; join($h:ident) -> $p:pat => $body:block $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (join $h) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; join($h:ident) -> $p:pat => $body:expr, $($rest:tt)*) => {
        $crate::__select_arm!($arms $then; (join $h) ($p) ($body) $($rest)*)
    };
    ($arms:tt $then:tt; join($h:ident) -> $p:pat => $body:expr) => {
        $crate::__select_arm!($arms $then; (join $h) ($p) ($body))
    };
    ($arms:tt $then:tt; default => $body:expr $(,)?) => {
        $crate::__select_run!($arms $then (::core::option::Option::None) ($body))
    };
    ($arms:tt $then:tt; default($most:expr) => $body:expr $(,)?) => {
        $crate::__select_run!($arms $then (::core::option::Option::Some($crate::__private::after($most))) ($body))
    };
    ($arms:tt $then:tt;) => {
        $crate::__select_run!($arms $then (::core::option::Option::Some(::core::option::Option::None))
            (::core::unreachable!("a select without a default has no end of its time")))
    };
    ($arms:tt $then:tt; $($rest:tt)+) => {
        ::core::compile_error!(::core::concat!(
            "select! cannot read this branch: `", ::core::stringify!($($rest)+),
            "`; write recv(receiver) -> result => .., send(sender, value) -> result => .., join(handle) -> result => .., ",
            "or last default => .. or default(duration) => .."
        ))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select_arm {
    (($($arms:tt)*) ($($then:tt)*); (recv $receiver:expr) ($p:pat) ($body:expr) $($rest:tt)*) => {
        $crate::__select_among!(($($arms)* (($receiver).__recv_arm())) ($($then)* (value $p, $body)) ; $($rest)*)
    };
    (($($arms:tt)*) ($($then:tt)*); (send $sender:expr, $value:expr) ($p:pat) ($body:expr) $($rest:tt)*) => {
        $crate::__select_among!(($($arms)* (($sender).__send_arm($value))) ($($then)* (value $p, $body)) ; $($rest)*)
    };
    (($($arms:tt)*) ($($then:tt)*); (join $handle:ident) ($p:pat) ($body:expr) $($rest:tt)*) => {
        $crate::__select_among!(($($arms)* ($handle.__join_arm())) ($($then)* ($handle $p, $body)) ; $($rest)*)
    };
    ($arms:tt $then:tt; (send $($wrong:tt)*) $($rest:tt)*) => {
        ::core::compile_error!("select! needs send(sender, value)")
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __select_run {
    (($($arm:tt)*) ($($then:tt)*) ($until:expr) ($default:expr)) => {{
        let __outcome = $crate::__private::select($crate::__select_run!(@nest $($arm)*), $until);
        $crate::__select_run!(@then __outcome ($default) $($then)*)
    }};
    (@nest ($arm:expr) $($arms:tt)*) => { ($arm, $crate::__select_run!(@nest $($arms)*)) };
    (@nest) => { () };
    (@then $outcome:ident $default:tt (value $p:pat, $body:expr) $($then:tt)*) => {
        match $outcome {
            $crate::__private::Chosen::This($p) => $body,
            $crate::__private::Chosen::Later(__outcome) =>
                $crate::__select_run!(@then __outcome $default $($then)*),
        }
    };
    (@then $outcome:ident $default:tt ($handle:ident $p:pat, $body:expr) $($then:tt)*) => {
        match $outcome {
            $crate::__private::Chosen::This(()) => {
                let $p = $handle.join();
                $body
            }
            $crate::__private::Chosen::Later(__outcome) =>
                $crate::__select_run!(@then __outcome $default $($then)*),
        }
    };
    (@then $outcome:ident ($default:expr)) => {{
        let () = $outcome;
        $default
    }};
}

/// One thing that is waited for. Nothing here runs code of users under a lock.
#[doc(hidden)]
pub trait Arm {
    /// What the branch gets.
    type Output;

    /// Does it, if that needs no wait. It keeps the output.
    fn try_now(&mut self) -> bool;

    /// The place that a claimer fills or empties.
    fn slot(&self) -> *mut ();

    /// Puts the link into the list, unless it could be done now.
    ///
    /// # Safety
    /// As [`WaitList::push`](crate::sched::wait::WaitList::push): the link is taken out by `withdraw` before it, its waiter
    /// or this arm moves.
    unsafe fn enlist(&self, place: &Place) -> bool;

    /// Takes the link out, if it is in.
    ///
    /// # Safety
    /// It was enlisted here or nowhere.
    unsafe fn withdraw(&self, place: &Place);

    /// It was claimed through this one's list. It keeps the output.
    fn settle(&mut self, closed: bool);

    /// After `try_now` or `settle`.
    fn output(self) -> Self::Output;
}

/// A link in the list of one arm.
#[doc(hidden)]
pub struct Place(pub(crate) Link);

/// Which branch: this one, or one of those after it; at the end `()`, for the default.
#[doc(hidden)]
pub enum Chosen<T, L> {
    This(T),
    Later(L),
}

/// Arms as nested pairs, so that each call is known when it is compiled and its stack can be bounded.
#[doc(hidden)]
pub trait Arms {
    type Places;
    type Chosen;
    const COUNT: usize;
    fn places(&self, waiter: &Waiter) -> Self::Places;
    fn try_now(&mut self, which: usize) -> bool;
    /// # Safety
    /// As [`Arm::enlist`].
    unsafe fn enlist(&self, places: &Self::Places) -> bool;
    /// # Safety
    /// As [`Arm::withdraw`].
    unsafe fn withdraw(&self, places: &Self::Places);
    fn settle(&mut self, places: &Self::Places, closed: bool) -> usize;
    fn output(self, which: usize) -> Self::Chosen;
}

#[doc(hidden)]
pub struct Waiter(Waiting);

impl<A: Arm, L: Arms> Arms for (A, L) {
    type Places = (Place, L::Places);
    type Chosen = Chosen<A::Output, L::Chosen>;
    const COUNT: usize = 1 + L::COUNT;

    fn places(&self, waiter: &Waiter) -> Self::Places {
        (Place(Link::new(&waiter.0, self.0.slot())), self.1.places(waiter))
    }

    fn try_now(&mut self, which: usize) -> bool {
        if which == 0 { self.0.try_now() } else { self.1.try_now(which - 1) }
    }

    unsafe fn enlist(&self, places: &Self::Places) -> bool {
        // SAFETY: the caller's promise.
        unsafe { self.0.enlist(&places.0) && self.1.enlist(&places.1) }
    }

    unsafe fn withdraw(&self, places: &Self::Places) {
        // SAFETY: the caller's promise.
        unsafe {
            self.0.withdraw(&places.0);
            self.1.withdraw(&places.1);
        }
    }

    fn settle(&mut self, places: &Self::Places, closed: bool) -> usize {
        if places.0.0.was_claimed_here() {
            self.0.settle(closed);
            0
        } else {
            1 + self.1.settle(&places.1, closed)
        }
    }

    fn output(self, which: usize) -> Self::Chosen {
        if which == 0 { Chosen::This(self.0.output()) } else { Chosen::Later(self.1.output(which - 1)) }
    }
}

impl Arms for () {
    type Places = ();
    type Chosen = ();
    const COUNT: usize = 0;

    fn places(&self, _: &Waiter) {}

    fn try_now(&mut self, _: usize) -> bool {
        false
    }

    unsafe fn enlist(&self, (): &()) -> bool {
        true
    }

    unsafe fn withdraw(&self, (): &()) {}

    fn settle(&mut self, (): &(), _: bool) -> usize {
        debug_assert!(false, "woken by none of its arms");
        0
    }

    fn output(self, _: usize) {}
}

/// Waits until one of the arms has happened, not at all, or until then. The outcome without one is the last.
#[doc(hidden)]
pub fn select<A: Arms>(mut arms: A, until: Option<Option<Instant>>) -> A::Chosen {
    checkpoint();
    loop {
        // Who is asked first differs from time to time, so that no arm starves the others.
        let first = turn(A::COUNT);
        for which in (first..A::COUNT).chain(0..first) {
            if arms.try_now(which) {
                return arms.output(which);
            }
        }
        let Some(until) = until else { return arms.output(A::COUNT) };
        let waiter = Waiter(Waiting::new(What::new(&"waits in a select")));
        let places = arms.places(&waiter);
        // SAFETY: they stay in this frame, and are withdrawn below; nothing in between unwinds. `wait` returns when the
        // waiter was claimed, so nobody changes the slots any more.
        let outcome = unsafe {
            // Where something could be done, nobody else wakes us, if nobody else has claimed us.
            let outcome =
                (arms.enlist(&places) || !waiter.0.claim(Outcome::Notified)).then(|| waiter.0.wait(until));
            arms.withdraw(&places);
            outcome
        };
        match outcome {
            None => {}
            Some(Outcome::Notified) => {
                let which = arms.settle(&places, false);
                return arms.output(which);
            }
            Some(Outcome::Closed) => {
                let which = arms.settle(&places, true);
                return arms.output(which);
            }
            Some(Outcome::TimedOut) => return arms.output(A::COUNT),
            Some(Outcome::Cancelled) => raise_cancelled(),
        }
    }
}

/// Which branch comes first: by chance (Marsaglia's xorshift). In turns, one of several selects could meet the same turn each time.
fn turn(count: usize) -> usize {
    thread_local!(static TURN: Cell<u32> = const { Cell::new(0x9e37_79b9) });
    let mut turn = TURN.get();
    turn ^= turn << 13;
    turn ^= turn >> 17;
    turn ^= turn << 5;
    TURN.set(turn);
    ((u64::from(turn) * count as u64) >> 32) as usize
}

/// The end of a wait of so long.
#[doc(hidden)]
pub fn after(most: Duration) -> Option<Instant> {
    Instant::now().checked_add(most)
}
