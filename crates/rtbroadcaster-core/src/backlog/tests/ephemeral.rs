//! Ephemeral frames in a backlog that is full.

use super::*;

#[test]
fn where_more_waits_than_may_what_is_ephemeral_goes_first_and_the_oldest_of_it_before_the_others() {
    let mut backlog = Backlog::new(&NUMBERED, Seq::ZERO);
    let mut number = 0;
    let mut push = |rank: Rank| {
        number += 1;
        backlog.push(
            Frame { bytes: bytes(number, 0), rank, seq: None },
            Duration::ZERO,
            6 * (6 + queue::FRAME_OVERHEAD_BYTES),
        )
    };
    let pointer = |key: &str| Rank::Ephemeral(Key::new(key).unwrap());
    // 1 to 6 fit; with 7 the pointer 2 is dropped, with 8 the pointer 4.
    for rank in [Rank::Event, pointer("a"), Rank::Event, pointer("b"), Rank::Event, pointer("c"), Rank::Event] {
        assert_eq!(push(rank), Ok(()));
    }
    assert_eq!(push(pointer("d")), Ok(()));
    assert_eq!(push(Rank::Event), Ok(()));
    assert_eq!(push(Rank::Event), Ok(()));
    assert_eq!(push(pointer("e")), Ok(()), "it is dropped itself, and no other frame is");
    assert_eq!(push(Rank::Event), Err(Overflow));
    assert_eq!(backlog.superseded(), 5);
    let mut frames = Vec::new();
    backlog.take(&mut frames, 99, 9_999, Duration::ZERO);
    assert_eq!(numbers(&frames.concat()), [1, 3, 5, 7, 9, 10]);
}
