//! When a lane comes to a roster.

use super::*;
use crate::fanout::roster::{Item, Work};
use crate::id::Term;
use crate::standing::OwnerStatus;

const INTERVAL: Duration = Duration::from_millis(50);

fn said() -> Item {
    Item::Owner(OwnerStatus::Live, Term::FIRST)
}

/// Nothing is ready yet, and it is after the interval.
async fn check_waits(lane: &Lane) -> Arc<Roster> {
    assert!(matches!(lane.pop(), Err(Some(_))));
    tokio::time::advance(INTERVAL).await;
    lane.pop().expect("the interval is over")
}

#[tokio::test(start_paused = true)]
async fn what_comes_during_a_pass_waits_for_more_as_what_came_before_it() {
    let lane = Lane::new(INTERVAL);
    let roster = Roster::new(&lane);
    roster.push(said());
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send(_))));
    roster.push(said());
    roster.rest(true);
    lane.pop().expect("the pass goes on at once");
    roster.rest(false);
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send(_))));
    roster.rest(false);
    assert!(matches!(lane.pop(), Err(None)), "nothing is left");
}

#[tokio::test(start_paused = true)]
async fn what_did_not_go_out_with_the_first_call_goes_out_with_the_next_one_at_once() {
    let lane = Lane::new(INTERVAL);
    let roster = Roster::new(&lane);
    (0..100).for_each(|_| roster.push(said()));
    check_waits(&lane).await;
    assert!(matches!(roster.next(), Some(Work::Send(_))));
    roster.rest(false);
    lane.pop().expect("the rest of a burst does not wait again");
}
