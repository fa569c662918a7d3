use super::shelves::{BUDGET, HUGE, LARGE, Shelf};
use super::*;

fn fill(buffer: &mut Buffer, bytes: &[u8]) {
    buffer.space()[..bytes.len()].copy_from_slice(bytes);
    buffer.commit(bytes.len());
}

#[test]
fn what_is_filled_is_what_was_committed_and_not_consumed() {
    let buffers = Rc::new(Buffers::default());
    let mut buffer = buffers.small();
    fill(&mut buffer, b"hello world");
    buffer.consume(6);
    assert_eq!(buffer.filled(), b"world");
    buffer.consume(usize::MAX);
    assert!(buffer.is_empty());
    assert_eq!(buffer.space().len(), SMALL);
}

#[test]
fn filled_bytes_move_to_the_front_when_the_end_is_reached() {
    let buffers = Rc::new(Buffers::default());
    let mut buffer = buffers.small();
    let room = buffer.space().len();
    buffer.commit(room);
    buffer.consume(room - 3);
    assert_eq!(buffer.space().len(), SMALL - 3);
    assert_eq!(buffer.len(), 3);
}

#[test]
fn a_head_that_does_not_fit_grows_its_buffer_up_to_the_limit() {
    let buffers = Rc::new(Buffers::default());
    let mut buffer = buffers.small();
    fill(&mut buffer, &[b'a'; SMALL]);
    assert!(buffer.grow(SMALL + 10));
    assert_eq!(buffer.space().len(), 10);
    assert_eq!(buffer.len(), SMALL);
    fill(&mut buffer, &[b'b'; 10]);
    assert!(!buffer.grow(SMALL + 10));
    assert_eq!(&buffer.filled()[SMALL - 1..=SMALL], b"ab");
}

#[test]
fn a_buffer_that_grew_is_not_of_the_budget() {
    let buffers = Rc::new(Buffers::default());
    let mut buffer = buffers.small();
    while buffer.capacity() < LARGE {
        let room = buffer.space().len();
        buffer.commit(room);
        assert!(buffer.grow(LARGE));
    }
    assert_eq!(buffers.large.out(), 0);
    drop(buffer);
    assert_eq!((buffers.large.out(), buffers.large.kept()), (0, 1));
}

#[test]
fn a_head_that_grows_again_finds_the_memory_of_the_one_before() {
    let buffers = Rc::new(Buffers::default());
    for _ in 0..3 {
        let mut buffer = buffers.small();
        for size in [LARGE, HUGE, 2 * HUGE] {
            let room = buffer.space().len();
            fill(&mut buffer, &vec![b'h'; room]);
            assert!(buffer.grow(usize::MAX));
            assert_eq!(buffer.capacity(), size);
        }
    }
    let kept = [&buffers.small, &buffers.large, &buffers.huge].map(Shelf::kept);
    assert_eq!(kept, [1, 1, 1]);
}

#[test]
fn memory_goes_back_to_the_worker_and_is_used_again() {
    let buffers = Rc::new(Buffers::default());
    let mut buffer = buffers.small();
    fill(&mut buffer, b"x");
    buffer.release_if_empty();
    assert!(buffer.has_memory(), "bytes are waiting");
    buffer.consume(1);
    buffer.release_if_empty();
    assert!(!buffer.has_memory());
    assert_eq!(buffers.small.kept(), 1);
    buffer.ensure(&buffers);
    assert_eq!(buffers.small.kept(), 0);
}

/// L-10: what stands still holds what waits, and nothing of the budget.
#[test]
fn a_stream_that_stands_still_gives_its_buffer_for_bulk_back() {
    let buffers = Rc::new(Buffers::default());
    for appetite in [Appetite::Large, Appetite::Huge] {
        for waits in [5, SMALL - 1, SMALL, LARGE - 6] {
            let mut buffer = buffers.bulk(appetite, 0).expect("the budget is not spent");
            assert_eq!(buffer.capacity(), appetite.size());
            fill(&mut buffer, b"hello ");
            fill(&mut buffer, &vec![b'w'; waits]);
            buffer.consume(6);
            buffer.yield_large();
            assert_eq!((buffers.large.out(), buffers.huge.out()), (0, 0));
            assert_eq!(buffer.filled(), vec![b'w'; waits]);
            assert_eq!(buffer.capacity(), waits.max(SMALL));
            buffer.consume(waits);
            buffer.release_if_empty();
            assert!(!buffer.has_memory());
        }
    }
    let mut small = buffers.small();
    small.yield_large();
    assert_eq!(small.capacity(), SMALL);
}

/// L-10: more than a stream may hold by itself stays within the budget.
#[test]
fn what_is_too_much_for_a_stream_that_stands_still_stays_in_the_budget() {
    let buffers = Rc::new(Buffers::default());
    let mut buffer = buffers
        .bulk(Appetite::Huge, 0)
        .expect("the budget is not spent");
    fill(&mut buffer, &[b'w'; STALLED_MOST + 1]);
    buffer.yield_large();
    assert_eq!((buffer.capacity(), buffers.huge.out()), (HUGE, 1));
    buffer.consume(1);
    buffer.yield_large();
    assert_eq!((buffer.capacity(), buffers.huge.out()), (STALLED_MOST, 0));
}

#[test]
fn buffers_for_bulk_end_with_their_budgets_and_return_to_them() {
    let buffers = Rc::new(Buffers::default());
    let mut all = Vec::new();
    while let Some(buffer) = buffers.bulk(Appetite::Huge, SMALL) {
        all.push(buffer);
    }
    let (huge, large) = (BUDGET / HUGE, BUDGET / LARGE);
    let sizes: Vec<_> = all.iter().map(Buffer::capacity).collect();
    assert!(sizes[..huge].iter().all(|size| *size == HUGE), "{sizes:?}");
    assert!(sizes[huge..].iter().all(|size| *size == LARGE), "{sizes:?}");
    assert_eq!(all.len(), huge + large);
    assert!(
        buffers.bulk(Appetite::Large, LARGE).is_none(),
        "that is there already"
    );
    all.pop();
    let again = buffers
        .bulk(Appetite::Huge, SMALL)
        .expect("one was returned");
    assert_eq!(again.capacity(), LARGE);
}

#[test]
fn whoever_fills_a_buffer_gets_a_larger_one_and_whoever_does_not_loses_it() {
    use Appetite::{Huge, Large, Small};

    for (before, count, room, after) in [
        (Small, SMALL - 1, SMALL, Small),
        (Small, SMALL, SMALL, Large),
        (Large, LARGE, LARGE, Huge),
        (Large, SMALL + 1, LARGE, Large),
        (Huge, HUGE, HUGE, Huge),
        (Huge, LARGE + 1, HUGE, Huge),
        (Huge, LARGE, HUGE, Large),
        (Huge, SMALL, SMALL, Huge),
        (Huge, 1, HUGE, Small),
    ] {
        assert_eq!(
            before.after(count, room),
            after,
            "{before:?} {count} of {room}"
        );
    }
}
