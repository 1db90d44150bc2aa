//! What rights cover, and when they end, without a socket.

use rtbroadcaster_core::config::Config;

use super::*;
use crate::clock::Clock;
use crate::fanout::{End, Outbox};
use crate::metrics::Counters;
use crate::os_random::OsRandom;

pub(super) fn outbox() -> Arc<Outbox> {
    Outbox::new(None, &rtbroadcaster_core::protocol::v2::DIALECT, Clock::start(), &Counters::idle(), &Config::default())
}

fn has_ended(outbox: &Outbox) -> bool {
    matches!(outbox.end(), Some(End::Server(rtbroadcaster_core::close::CloseReason::TokenExpired)))
}

fn soon() -> Option<SystemTime> {
    Some(SystemTime::now() + Duration::from_millis(50))
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let holds = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), holds).await.unwrap_or_else(|_| panic!("never: {what}"));
}

#[test]
fn rights_are_named_one_by_one_and_nothing_is_the_default() {
    let (one, other) = (RoomId::random(&OsRandom), RoomId::random(&OsRandom));
    let nothing = Rights::default();
    for holding in [Holding::Created, Holding::Owned(one.clone()), Holding::Joined(one.clone())] {
        assert!(!nothing.cover(&holding), "{holding:?}");
        assert!(Rights::anything().cover(&holding), "{holding:?}");
    }
    assert!(nothing.cover(&Holding::Nothing));
    let viewer = Rights::viewer_of(one.clone());
    assert!(viewer.cover(&Holding::Joined(one.clone())) && !viewer.cover(&Holding::Joined(other)));
    assert!(!viewer.cover(&Holding::Owned(one.clone())) && !viewer.create && viewer.signal);
    let owner = Rights::owner();
    assert!(owner.cover(&Holding::Owned(one.clone())) && !owner.cover(&Holding::Joined(one)) && !owner.signal);
}

#[test]
fn a_permit_is_a_word_of_memory_and_everybodys_has_nothing_behind_it() {
    assert_eq!(size_of::<Permit>(), size_of::<usize>());
    assert!(Permit::anything().0.is_none());
    assert!(Permit::viewer().changeable().is_none(), "nobody can change it");
    assert_eq!(*Permit::anything().rights(), Rights::anything());
}

#[tokio::test]
async fn a_connection_ends_when_its_rights_do_and_not_before() {
    let expiries = Arc::default();
    let (ends, stays) = (outbox(), outbox());
    let mut rights = Rights::viewer();
    rights.until = soon();
    let grant = |rights: Rights| Permit::from(rights).changeable().expect("it ends");
    let _lease = Lease::new(grant(rights.clone()), &ends, &expiries);
    rights.until = Some(SystemTime::now() + Duration::from_secs(3_600));
    let _other = Lease::new(grant(rights), &stays, &expiries);
    assert!(!has_ended(&ends), "it has some milliseconds left");
    until("its rights are over", || has_ended(&ends)).await;
    assert!(!has_ended(&stays));
}

#[tokio::test]
async fn rights_that_are_prolonged_in_time_end_nothing() {
    let expiries = Arc::default();
    let (first, probe) = (outbox(), outbox());
    let mut rights = Rights::viewer();
    rights.until = soon();
    let grant = Grant::new(rights.clone());
    let _lease = Lease::new(grant.clone(), &first, &expiries);
    let _probe = Lease::new(Grant::new(rights.clone()), &probe, &expiries);
    rights.until = Some(SystemTime::now() + Duration::from_secs(3_600));
    grant.replace(rights);
    until("another one that ended at the same time", || has_ended(&probe)).await;
    assert!(!has_ended(&first));
}

#[tokio::test]
async fn what_replaced_rights_do_not_cover_ends_and_nothing_else() {
    let expiries = Arc::default();
    let (one, other) = (RoomId::random(&OsRandom), RoomId::random(&OsRandom));
    let grant = Grant::new(Rights::viewer());
    let outboxes = [outbox(), outbox(), outbox()];
    let leases = outboxes.each_ref().map(|outbox| Lease::new(grant.clone(), outbox, &expiries));
    leases[0].holds(Holding::Joined(one.clone()));
    leases[1].holds(Holding::Joined(other.clone()));
    assert_eq!(grant.connections(), 3);
    grant.replace(Rights::viewer_of(other));
    assert_eq!(outboxes.each_ref().map(|outbox| has_ended(outbox)), [true, false, false]);
    // The rights were replaced while it was being let in.
    leases[2].holds(Holding::Joined(one));
    assert!(has_ended(&outboxes[2]));
    grant.revoke();
    assert!(has_ended(&outboxes[1]));
    let late = outbox();
    let _lease = Lease::new(grant.clone(), &late, &expiries);
    assert!(has_ended(&late), "a grant that was revoked lets nobody in");
    drop(leases);
    assert_eq!(grant.connections(), 1);
}
