//! Values that each vthread has of its own, and what their destructors may do with them.

use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

type Say = Sender<(&'static str, usize)>;

vthread::vthread_local! {
    static COUNT: Cell<usize> = Cell::new(0);
    static USES_ANOTHER: RefCell<UsesAnother> = RefCell::new(UsesAnother(None));
    static MAKES_ANOTHER: RefCell<MakesAnother> = RefCell::new(MakesAnother(None));
    static MADE_LATE: RefCell<UsesAnother> = RefCell::new(UsesAnother(None));
    static USES_ITSELF: RefCell<UsesItself> = RefCell::new(UsesItself(None));
}

fn count() -> usize {
    COUNT.with(|count| count.replace(count.get() + 1))
}

struct UsesAnother(Option<Say>);

impl Drop for UsesAnother {
    fn drop(&mut self) {
        if let Some(say) = &self.0 {
            say.send(("uses another", count())).expect("somebody listens");
        }
    }
}

/// There is none of that other until then.
struct MakesAnother(Option<Say>);

impl Drop for MakesAnother {
    fn drop(&mut self) {
        MADE_LATE.with(|late| late.borrow_mut().0.clone_from(&self.0));
    }
}

struct UsesItself(Option<Say>);

impl Drop for UsesItself {
    fn drop(&mut self) {
        let used = catch_unwind(AssertUnwindSafe(|| USES_ITSELF.with(|_| ()))).map_err(|payload| {
            assert!(
                payload
                    .downcast_ref::<&str>()
                    .is_some_and(|text| text.contains("after its value was dropped"))
            );
        });
        if let Some(say) = &self.0 {
            say.send(("uses itself", usize::from(used.is_ok()))).expect("somebody listens");
        }
    }
}

fn use_all(say: &Say) {
    COUNT.with(|count| count.set(5));
    USES_ANOTHER.with(|value| value.borrow_mut().0 = Some(say.clone()));
    MAKES_ANOTHER.with(|value| value.borrow_mut().0 = Some(say.clone()));
    USES_ITSELF.with(|value| value.borrow_mut().0 = Some(say.clone()));
}

/// The newest is dropped first; what destructors make, next. The counter, the oldest, serves all of them.
fn assert_said(hear: &Receiver<(&'static str, usize)>) {
    assert_eq!(
        hear.iter().collect::<Vec<_>>(),
        [("uses itself", 0), ("uses another", 5), ("uses another", 6)]
    );
}

#[test]
fn destructors_use_others_on_a_vthread() {
    let (say, hear) = channel();
    vthread::run(|| vthread::spawn(move || use_all(&say)).join()).expect("no panic");
    assert_said(&hear);
}

#[test]
fn destructors_use_others_on_an_ordinary_thread() {
    let (say, hear) = channel();
    thread::spawn(move || use_all(&say)).join().expect("no panic");
    assert_said(&hear);
}

struct AtLast(Say);

impl Drop for AtLast {
    fn drop(&mut self) {
        let used = catch_unwind(|| COUNT.with(Cell::get));
        self.0.send(("at last", usize::from(used.is_ok()))).expect("somebody listens");
    }
}

thread_local! {
    static AT_LAST: RefCell<Option<AtLast>> = const { RefCell::new(None) };
}

/// Of std's values, which are dropped the newest first as well or the oldest, one of the two is dropped when ours are gone.
#[test]
fn nothing_is_made_when_all_were_dropped() {
    let (say, hear) = channel();
    for ours_first in [true, false] {
        let say = say.clone();
        let use_both = move || {
            if ours_first {
                COUNT.with(|_| ());
            }
            AT_LAST.set(Some(AtLast(say)));
            COUNT.with(|_| ());
        };
        thread::spawn(use_both).join().expect("no panic");
    }
    drop(say);
    let mut said: Vec<_> = hear.iter().collect();
    said.sort_unstable();
    assert_eq!(said, [("at last", 0), ("at last", 1)]);
}
