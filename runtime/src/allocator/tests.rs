//! Every allocator against the same rules.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// Takes and gives at random: chunks are aligned, in the region, overlap nothing, and keep what is written to them.
fn obeys(mut allocator: impl StackAllocator, steps: &[(bool, usize, prop::sample::Index)]) {
    crate::region::reserve().expect("a region");
    let region = Region::handle();
    let mut held: BTreeMap<usize, usize> = BTreeMap::new();
    for (number, &(take, units, which)) in steps.iter().enumerate() {
        let size = units * 16;
        if take {
            let at = allocator.allocate(&region, size).expect("memory").as_ptr() as usize;
            assert!(at.is_multiple_of(16));
            assert!(crate::stacks::Stacks::in_region(at) && crate::stacks::Stacks::in_region(at + size - 1));
            let before = held.range(..at).next_back().map_or(0, |(&at, &size)| at + size);
            let after = held.range(at..).next().map_or(usize::MAX, |(&at, _)| at);
            assert!(before <= at && at + size <= after, "overlap");
            for end in [at, at + size - 8] {
                // SAFETY: both ends of a chunk of ours.
                unsafe { (end as *mut usize).write(at) };
            }
            held.insert(at, size);
        } else if !held.is_empty() {
            let at = *held.keys().nth(which.index(held.len())).expect("in range");
            let size = held.remove(&at).expect("held");
            for end in [at, at + size - 8] {
                // SAFETY: as above.
                assert_eq!(unsafe { (end as *const usize).read() }, at);
            }
            // SAFETY: ours, and not used any more.
            unsafe { allocator.deallocate(&region, NonNull::new(at as *mut u8).expect("not null"), size) };
        }
        if number % 97 == 0 {
            allocator.trim(&region, number % 2 == 0);
        }
    }
    for (at, size) in held {
        // SAFETY: as above.
        unsafe { allocator.deallocate(&region, NonNull::new(at as *mut u8).expect("not null"), size) };
    }
    allocator.trim(&region, true);
}

fn steps() -> impl Strategy<Value = Vec<(bool, usize, prop::sample::Index)>> {
    prop::collection::vec((prop::bool::weighted(0.6), 1usize..=4096, any::<prop::sample::Index>()), 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_pool_obeys(steps in steps()) {
        obeys(Pool::new(), &steps);
    }

    #[test]
    fn the_arena_obeys(steps in steps()) {
        obeys(Arena::new(), &steps);
    }

    #[test]
    fn the_heap_obeys(steps in steps()) {
        obeys(Heap::new(), &steps);
    }
}

#[test]
fn an_arena_whose_pieces_lie_side_by_side_keeps_them_apart() {
    crate::region::reserve().expect("a region");
    let region = Region::handle();
    let (mut arena, size) = (Arena::new(), 64 << 10);
    let mut chunks: Vec<NonNull<u8>> = Vec::new();
    // Until a piece begins where the one before has ended, with one chunk in it.
    let is_at_a_seam = |chunks: &[NonNull<u8>]| {
        let number = chunks.len();
        number % 16 == 1
            && number > 1
            && chunks[number - 1].addr().get() == chunks[number - 2].addr().get() + size
    };
    while !is_at_a_seam(&chunks) {
        assert!(chunks.len() < 2000, "pieces are side by side on a region that is used little");
        chunks.push(arena.allocate(&region, size).expect("memory"));
    }
    let (second, first) = (chunks.pop().expect("one"), chunks.pop().expect("one"));
    // SAFETY: ours, here and below.
    unsafe {
        arena.deallocate(&region, second, size);
        // Its end is where the piece in use begins, of which nothing is handed out.
        arena.deallocate(&region, first, size);
    }
    let next = arena.allocate(&region, size).expect("memory");
    assert!(!chunks.contains(&next));
    chunks.push(next);
    for chunk in chunks {
        // SAFETY: as above.
        unsafe { arena.deallocate(&region, chunk, size) };
    }
    arena.trim(&region, true);
}

#[test]
fn the_pool_hands_out_the_lowest_slab_and_gives_slabs_back() {
    crate::region::reserve().expect("a region");
    let region = Region::handle();
    let mut pool = Pool::new();
    let many: Vec<_> =
        (0..3 * crate::region::SLAB / 4096).map(|_| pool.allocate(&region, 4096).expect("memory")).collect();
    let lowest = *many.iter().min().expect("some");
    for &chunk in &many {
        // SAFETY: ours.
        unsafe { pool.deallocate(&region, chunk, 4096) };
    }
    assert_eq!(pool.slabs(), 3);
    pool.trim(&region, false);
    assert_eq!(pool.slabs(), 1);
    let again = pool.allocate(&region, 4096).expect("memory");
    assert_eq!(again.as_ptr() as usize / crate::region::SLAB, lowest.as_ptr() as usize / crate::region::SLAB);
}
