//! Carriers of one runtime: who takes which start, and who is woken for it.
//!
//! A vthread that may start anywhere is a start in its spawner's deque. Its carrier starts the oldest when it looks around; one
//! that has nothing else to do takes some from the others, or from the injector, into which ordinary threads put theirs.
//! What has started stays where it is.
//!
//! # Nobody sleeps while there is something to start
//!
//! ```text
//! who publishes:  push;  fence;  if nobody searches and somebody sleeps: rouse one (it searches)
//! who sleeps:     asleep += 1;  sleeper = ASLEEP;  fence;  look at all deques;  if all are empty: wait
//! who searches:   searching += 1;  look at all deques;  searching -= 1;  then as above before it sleeps
//! ```
//!
//! Either the one who publishes sees the sleeper, or the sleeper sees the start; and whoever is not roused because somebody searches
//! is made up for by the searcher, which looks at all deques again before it sleeps, and rouses another one when it finds some.

use super::start::Start;
use crate::facade::{
    AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering::Relaxed, Ordering::Release,
    Ordering::SeqCst, fence,
};
use crate::sched::remote::Remote;
use crate::sched::starts::Starts;
use core::cell::Cell;
use std::sync::{Arc, PoisonError};

const RUNS: u8 = 0;
/// Carriers end when everything has ended.
const ENDS: u8 = 1;
/// The same, and everything is cancelled.
const CANCELLED: u8 = 2;

/// There is a sample of who waits at a carrier.
const ANSWERED: u8 = 0;
/// It shall take one.
const ASKED: u8 = 1;
/// It makes a round first that is as long as chance will have it.
const BEGUN: u8 = 2;

/// What carriers of one runtime share.
pub(crate) struct Group {
    injector: Starts<Start>,
    seats: Box<[Seat]>,
    asleep: AtomicUsize,
    searching: AtomicUsize,
    state: AtomicU8,
    deadlock: Mutex<Deadlock>,
    /// Carriers that have not said so yet, and one more until they have been told to end their waits. 0: no deadlock is being broken.
    silent: AtomicUsize,
    /// Carriers that have not ended their waits yet.
    to_break: AtomicUsize,
}

/// Everything waited for itself.
struct Deadlock {
    /// At the last one: who for what, as far as the carriers have said so.
    report: String,
    /// How many there have been, and of how many all waits have been ended.
    begun: u64,
    broken: u64,
}

/// One carrier, as the others see it.
pub(crate) struct Seat {
    deque: Starts<Start>,
    pub(crate) remote: &'static Remote,
    /// Turns of its loop.
    pub(crate) turns: AtomicU64,
    /// Its OS thread; 0 before it runs.
    pub(crate) thread: AtomicU64,
    /// Its waits are part of a deadlock, and it has not said who waits there for what.
    shall_say: AtomicBool,
    /// All have said so, and its waits are to end.
    shall_break: AtomicBool,
    /// It was asked who waits there for what, and has not answered.
    shall_tell: AtomicBool,
    /// How far it is with a sample: [`ANSWERED`], [`ASKED`] or [`BEGUN`].
    sampling: AtomicU8,
    /// The last one.
    sample: AtomicU64,
    /// Set while it sleeps, and a little before and after.
    rests: AtomicBool,
    /// Set while it sleeps: some of its vthreads wait, none for a time or for an operation of the system.
    pub(super) waits: AtomicBool,
    /// Set while it sleeps: none of its vthreads waits.
    pub(super) is_empty: AtomicBool,
    /// It has left its loop, which is when the runtime ends, and never comes back.
    has_left: AtomicBool,
    /// Where it keeps who runs; for the watchdog alone, which may find it gone.
    pub(crate) mounted: AtomicUsize,
}

/// A carrier's part in its group.
pub(crate) struct Member {
    pub(crate) group: Arc<Group>,
    index: usize,
    turns: Cell<u64>,
}

impl Group {
    /// With so many carriers.
    pub(crate) fn new(carriers: usize) -> (Arc<Self>, Vec<Member>) {
        let seat = || Seat {
            deque: Starts::new(),
            remote: Remote::take(),
            turns: AtomicU64::new(0),
            thread: AtomicU64::new(0),
            shall_say: AtomicBool::new(false),
            shall_break: AtomicBool::new(false),
            shall_tell: AtomicBool::new(false),
            sampling: AtomicU8::new(ANSWERED),
            sample: AtomicU64::new(0),
            rests: AtomicBool::new(false),
            waits: AtomicBool::new(false),
            is_empty: AtomicBool::new(false),
            has_left: AtomicBool::new(false),
            mounted: AtomicUsize::new(0),
        };
        let group = Arc::new(Self {
            injector: Starts::new(),
            seats: core::iter::repeat_with(seat).take(carriers.max(1)).collect(),
            asleep: AtomicUsize::new(0),
            searching: AtomicUsize::new(0),
            state: AtomicU8::new(RUNS),
            deadlock: Mutex::new(Deadlock { report: String::new(), begun: 0, broken: 0 }),
            silent: AtomicUsize::new(0),
            to_break: AtomicUsize::new(0),
        });
        let member = |index| Member { group: group.clone(), index, turns: Cell::new(0) };
        let members = (0..group.seats.len()).map(member).collect();
        (group, members)
    }

    pub(crate) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    /// For a spawner that is no carrier of this group.
    pub(super) fn inject(&self, start: Start) {
        self.injector.push(start);
        self.rouse_one();
    }

    /// Is there something that any carrier could start?
    pub(super) fn has_starts(&self) -> bool {
        !self.injector.is_empty() || self.seats.iter().any(|seat| !seat.deque.is_empty())
    }

    /// After something was published.
    fn rouse_one(&self) {
        fence(SeqCst);
        if self.asleep.load(SeqCst) > 0 && self.searching.load(SeqCst) == 0 {
            let _ = self.seats.iter().any(|seat| seat.remote.is_asleep() && seat.remote.rouse());
        }
    }

    /// Carriers end when everything has ended, which is cancelled or not.
    pub(crate) fn end(&self, cancel: bool) {
        self.state.fetch_max(if cancel { CANCELLED } else { ENDS }, SeqCst);
        for seat in &self.seats {
            if cancel {
                seat.remote.request_cancellations();
            } else {
                seat.remote.rouse();
            }
        }
    }

    /// Do all vthreads wait, none of them for a time or for the system, with nothing on its way to them? If nobody else could
    /// wake one, they wait for ever.
    ///
    /// It looks twice. Whoever has not turned its loop between its two looks has run nothing, so between the two rounds nobody
    /// ran; and what had been sent by then would still be there. While a deadlock is being broken, nobody has run yet either, so that is not one more.
    pub(crate) fn is_stuck(&self) -> bool {
        let turns = |seat: &Seat| seat.turns.load(SeqCst);
        let rests = |seat: &Seat| {
            if seat.has_left() {
                return true;
            }
            seat.remote.is_asleep()
                && (seat.waits.load(SeqCst) || seat.is_empty.load(SeqCst))
                && !seat.remote.has_news()
        };
        let before: Vec<u64> = self.seats.iter().map(turns).collect();
        self.silent.load(SeqCst) == 0
            && self.seats.iter().all(rests)
            && self.seats.iter().any(|seat| seat.waits.load(SeqCst))
            && !self.has_starts()
            && self.seats.iter().all(rests)
            && self.seats.iter().map(turns).eq(before)
    }

    /// Does that carrier rest though there is something for it? It may be about to wake up; but who asks twice, and finds that its loop has not
    /// turned meanwhile, has found a wake-up that was lost.
    pub(crate) fn is_wanted(&self, seat: &Seat) -> bool {
        let rests = Seat::rests;
        rests(seat)
            && (!seat.remote.is_asleep()
                || seat.remote.has_news()
                || self.is_ending() && seat.is_empty.load(SeqCst)
                // Only one needs to come, and who is awake may be on its way.
                || self.has_starts() && self.seats.iter().all(|seat| seat.has_left() || rests(seat)))
    }

    /// Asks those carriers to say who waits there for what.
    pub(crate) fn ask_who_waits(&self, which: impl Fn(&Seat) -> bool) {
        for seat in self.seats.iter().filter(|seat| which(seat)) {
            seat.shall_tell.store(true, SeqCst);
            seat.remote.request_cancellations();
            seat.remote.shake();
        }
    }

    /// Asks those carriers that do not rest to see who waits there: see [`Member::samples`].
    pub(crate) fn ask_for_samples(&self) {
        for seat in self.seats.iter().filter(|seat| !seat.rests() && !seat.has_left()) {
            seat.sampling.store(ASKED, SeqCst);
            seat.remote.request_cancellations();
        }
    }

    /// Have all carriers nothing to do, while nobody ends them?
    pub(crate) fn is_idle(&self) -> bool {
        self.seats.iter().all(Seat::is_idle) && !self.has_starts() && !self.is_ending()
    }

    /// Carriers that have not left.
    pub(crate) fn living(&self) -> usize {
        self.seats.iter().filter(|seat| !seat.has_left()).count()
    }

    /// Has all waits reported, and then cancelled: who is cancelled wakes others, which would have ended before they are told of. One at a time,
    /// and only if all [are stuck](Self::is_stuck).
    pub(crate) fn break_deadlock(&self) {
        let mut deadlock = self.lock_deadlock();
        deadlock.report.clear();
        deadlock.begun += 1;
        drop(deadlock);
        self.silent.store(self.seats.len() + 1, SeqCst);
        for seat in &self.seats {
            seat.shall_say.store(true, SeqCst);
            seat.remote.request_cancellations();
            // Either it is seen here that a carrier has left, or the carrier sees that it shall say something.
            if seat.has_left() {
                self.says(seat, String::new);
            }
        }
    }

    /// What a carrier says to a deadlock, once. The last one has all waits ended.
    fn says(&self, seat: &Seat, lines: impl FnOnce() -> String) {
        if !seat.shall_say.swap(false, SeqCst) {
            return;
        }
        self.lock_deadlock().report.push_str(&lines());
        if self.silent.fetch_sub(1, SeqCst) == 2 {
            self.to_break.store(self.seats.len(), SeqCst);
            for seat in &self.seats {
                seat.shall_break.store(true, SeqCst);
                seat.remote.request_cancellations();
            }
            // From here on each has news until it has ended its waits.
            self.silent.store(0, SeqCst);
        }
    }

    /// How many deadlocks there have been, and of how many of them all waits have been ended: what begins before that might be taken for
    /// one of them. A carrier that has left ends none.
    pub(crate) fn deadlocks(&self) -> (u64, u64) {
        let deadlock = self.lock_deadlock();
        (deadlock.begun, deadlock.broken)
    }

    /// What the carriers have said at the last deadlock, if it was not one of the first so many.
    pub(crate) fn deadlock_after(&self, so_many: u64) -> Option<String> {
        let deadlock = self.lock_deadlock();
        (deadlock.begun > so_many).then(|| deadlock.report.clone())
    }

    fn lock_deadlock(&self) -> MutexGuard<'_, Deadlock> {
        self.deadlock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_ending(&self) -> bool {
        self.state.load(SeqCst) != RUNS
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.state.load(Relaxed) == CANCELLED
    }
}

impl Seat {
    /// Has its carrier left, so that nothing runs there any more?
    pub(crate) fn has_left(&self) -> bool {
        self.has_left.load(SeqCst)
    }

    /// Does its carrier sleep, or is it about to, or just awake again?
    pub(crate) fn rests(&self) -> bool {
        self.rests.load(SeqCst)
    }

    /// What the carrier has answered, if it was asked for a sample.
    pub(crate) fn sample(&self) -> Option<u64> {
        (self.sampling.load(SeqCst) == ANSWERED).then(|| self.sample.load(SeqCst))
    }

    /// Does its carrier rest because it has no vthread?
    pub(crate) fn is_idle(&self) -> bool {
        self.rests.load(SeqCst) && self.is_empty.load(SeqCst)
    }

    /// Where its carrier is and what there is for it, in words.
    pub(crate) fn describe(&self) -> String {
        let rests = if self.has_left() {
            "has left"
        } else if self.rests() {
            "rests"
        } else {
            "runs"
        };
        let news = if self.remote.has_news() { "something" } else { "nothing" };
        let starts = if self.deque.is_empty() { "nothing" } else { "something" };
        format!("{rests}, {}, with {news} sent to it and {starts} to start", self.remote.place())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // No carrier is left, and all that they ran has ended.
        self.seats.iter().for_each(|seat| seat.remote.give_back());
    }
}

impl Member {
    /// Called on the carrier's OS thread.
    pub(crate) fn is_this_thread(&self) {
        // SAFETY: no preconditions.
        self.seat().thread.store(u64::from(unsafe { libc::gettid() }.cast_unsigned()), Relaxed);
    }

    /// Is its carrier the first of the group?
    pub(super) fn is_first(&self) -> bool {
        self.index == 0
    }

    pub(super) fn seat(&self) -> &Seat {
        &self.group.seats[self.index]
    }

    /// If the carrier's waits are part of a deadlock, it says so here, once. `true`: all have, and it ends them.
    pub(super) fn shall_break(&self, lines: impl FnOnce() -> String) -> bool {
        let seat = self.seat();
        self.group.says(seat, lines);
        let shall_break = seat.shall_break.swap(false, SeqCst);
        // Its waits are ended before anything else begins there.
        if shall_break && self.group.to_break.fetch_sub(1, SeqCst) == 1 {
            let mut deadlock = self.group.lock_deadlock();
            deadlock.broken = deadlock.begun;
        }
        shall_break
    }

    /// If the carrier was asked who waits there for what, it says so here, once.
    pub(super) fn shall_tell(&self, tell: impl FnOnce(usize)) {
        if self.seat().shall_tell.swap(false, SeqCst) {
            tell(self.index);
        }
    }

    /// If the carrier was asked for a sample: first it makes a round of another length, by `begin`, and then it takes one.
    pub(super) fn samples(&self, begin: impl FnOnce(), take: impl FnOnce() -> u64) {
        let seat = self.seat();
        match seat.sampling.load(SeqCst) {
            ASKED => {
                begin();
                seat.sampling.store(BEGUN, SeqCst);
                // To be here again.
                seat.remote.request_cancellations();
            }
            BEGUN => {
                seat.sample.store(take(), SeqCst);
                seat.sampling.store(ANSWERED, SeqCst);
            }
            _ => {}
        }
    }

    /// Its carrier has ended all that it ran, and the runtime ends.
    pub(super) fn leaves(&self) {
        self.seat().has_left.store(true, SeqCst);
        self.group.says(self.seat(), String::new);
    }

    pub(super) fn turns_so_far(&self) -> u64 {
        self.turns.get()
    }

    /// Changes from turn to turn.
    pub(super) fn turn(&self) -> bool {
        self.turns.get().is_multiple_of(2)
    }

    /// Seldom: others that have nothing to do are sooner there, and what starts here stays.
    pub(super) fn looks_for_others(&self) -> bool {
        self.turns.get() % 64 == 63
    }

    /// One more turn of the loop. The watchdog sees it.
    pub(super) fn has_turned(&self) {
        self.turns.set(self.turns.get() + 1);
        self.seat().turns.store(self.turns.get(), Release);
    }

    /// A start that any carrier may take.
    pub(super) fn publish(&self, start: Start) {
        self.seat().deque.push(start);
        self.group.rouse_one();
    }

    /// The oldest of its own, or one of those that are nobody's: a carrier that is never idle takes part in these as well.
    pub(super) fn pop(&self) -> Option<Start> {
        self.seat().deque.pop().or_else(|| self.group.injector.pop())
    }

    /// Takes some of the others'. One is the result, the rest is its own now.
    pub(super) fn steal(&self) -> Option<Start> {
        self.group.searching.fetch_add(1, SeqCst);
        let found = self.search();
        self.group.searching.fetch_sub(1, SeqCst);
        // Who has published one meanwhile has left it to us to see it, and we may have something else to do.
        if self.group.has_starts() {
            self.group.rouse_one();
        }
        found
    }

    fn search(&self) -> Option<Start> {
        let own = &self.seat().deque;
        let (before, after) = self.group.seats.split_at(self.index);
        let others = after[1..].iter().chain(before).map(|seat| &seat.deque);
        core::iter::once(&self.group.injector).chain(others).find_map(|other| other.steal_into(own))
    }

    /// `sleep` ends when something is published meanwhile. `waits`: as in [`Seat`].
    pub(super) fn while_asleep(&self, waits: bool, is_empty: bool, sleep: impl FnOnce()) {
        self.seat().waits.store(waits, SeqCst);
        self.seat().is_empty.store(is_empty, SeqCst);
        self.seat().rests.store(true, SeqCst);
        self.group.asleep.fetch_add(1, SeqCst);
        sleep();
        self.group.asleep.fetch_sub(1, SeqCst);
        self.seat().rests.store(false, SeqCst);
        self.seat().waits.store(false, SeqCst);
        self.seat().is_empty.store(false, SeqCst);
    }
}
