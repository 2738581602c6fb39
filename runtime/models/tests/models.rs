//! Every model in many orders. `VTHREAD_LONG_TESTS=1`: in many more. That they can fail was tried: without the wait for `held`, the owner's second
//! look, the looks at inbox or deques before a sleep, with a bell that is silenced too late, not watched again or not rung, with a claim in two steps, with a vthread that gives its reference up though others were made, or a
//! drop that counts in two steps, each fails within a second. So do scopes whose count of children goes down in two steps, whose owner does not look again under the lock
//! before it waits, or is woken before the last and does not look; channels of one carrier whose receiver stays in the list when it was claimed; and
//! ends of vthreads that ask before the lock whether their result is wanted, or say after it that they have ended.

use std::sync::{Mutex, PoisonError};
use vale_threads_models::models::{self, Handle, Parks};

/// Random orders, and orders that change hands seldom (probabilistic concurrency testing), which find other mistakes.
fn explore(model: impl Fn() + Send + Sync + Clone + 'static) {
    // Statics of the runtime are shuttle's here, which one exploration at a time may use.
    static ONE: Mutex<()> = Mutex::new(());
    let _one = ONE.lock().unwrap_or_else(PoisonError::into_inner);
    let orders = if std::env::var_os("VTHREAD_LONG_TESTS").is_some() { 50_000 } else { 1_000 };
    shuttle::check_random(model.clone(), orders);
    shuttle::check_pct(model, orders, 3);
}

#[test]
fn locks_exclude() {
    for is_owned in [false, true] {
        explore(move || models::lock(is_owned, false));
        explore(move || models::lock(is_owned, true));
    }
}

#[test]
fn no_claim_and_no_wake_up_is_lost_or_doubled() {
    (1..=3).for_each(|claimers| explore(move || models::inbox(claimers)));
}

#[test]
fn a_carrier_in_its_ring_hears_of_everything() {
    for (claimers, operations) in [(1, 1), (2, 1), (2, 2), (3, 2)] {
        explore(move || models::ring(claimers, operations));
    }
}

#[test]
fn requests_are_heard() {
    explore(models::requests);
}

#[test]
fn nobody_sleeps_while_there_is_something_to_start() {
    explore(models::steal);
}

#[test]
fn values_pass_once_and_in_order() {
    for capacity in [0, 1, 3] {
        explore(move || models::channel(capacity));
    }
    explore(models::closing);
}

#[test]
fn what_passes_between_vthreads_of_a_carrier_may_come_from_outside() {
    for (capacity, outside_is_a_carrier) in [(0, false), (1, false), (0, true), (1, true)] {
        explore(move || models::here(capacity, outside_is_a_carrier));
    }
    explore(models::calls);
}

#[test]
fn scopes_end_with_their_last_child() {
    for owner_is_a_vthread in [false, true] {
        explore(move || models::scope(owner_is_a_vthread));
    }
}

#[test]
fn permits_are_neither_lost_nor_taken_twice() {
    for parks in [Parks::Thinly, Parks::Otherwise] {
        for (from_a_carrier, is_owned) in [(false, false), (false, true), (true, false), (true, true)] {
            explore(move || models::permit(parks, from_a_carrier, is_owned));
        }
    }
}

#[test]
fn ends_are_heard() {
    explore(models::end);
}

#[test]
fn tasks_go_with_their_last_reference() {
    (1..=3).for_each(|others| explore(move || models::references(others)));
}

#[test]
fn the_result_of_a_vthread_is_taken_once() {
    for is_owned in [false, true] {
        for handle in [Handle::Drops, Handle::Joins, Handle::JoinsInTime, Handle::Polls] {
            explore(move || models::end_elsewhere(handle, false, is_owned));
        }
        // Carriers of the models have no time.
        for handle in [Handle::Drops, Handle::Joins, Handle::Polls] {
            explore(move || models::end_elsewhere(handle, true, is_owned));
        }
        // Who polls would keep the turn.
        for handle in [Handle::Drops, Handle::Joins] {
            explore(move || models::end_here(handle, is_owned));
        }
    }
}
