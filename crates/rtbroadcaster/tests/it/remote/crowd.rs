//! What viewers say to their owner and what an owner learns of them, with both ends in Rust and the server between them.

use std::time::Duration;

use rtbroadcaster::remote::{Heard, Messages, Owner, Signal, SignalError, Signals, Status, Viewer};
use rtbroadcaster::{Config, Counting, Limit, Message, MessageError, RoomOptions};

use super::{Relay, options};
use crate::house::House;
use crate::moment::{until, within};

/// A room's owner, created as `room` says.
async fn owner(relay: &Relay, room: RoomOptions) -> Owner {
    within("the room", Owner::create_with(relay.url(), room, options())).await.unwrap()
}

/// A viewer that is in the room.
async fn viewer(relay: &Relay, owner: &Owner) -> Viewer {
    let viewer = Viewer::join_with(relay.url(), owner.room(), options()).unwrap();
    within("the viewer's coming", viewer.inside()).await.unwrap();
    viewer
}

/// One signal in short.
async fn heard(signals: &mut Signals) -> String {
    match within("a signal", signals.next()).await.expect("the owner is over") {
        Signal::Single { key, params, from, dropped } => {
            format!("{} {} from {} dropped {dropped}", key.as_str(), params.as_str(), from.unwrap())
        }
        Signal::Counts { key, counts, other } => {
            let counts = counts.iter().map(|(params, count)| format!(" {} x {count}", params.as_str()));
            format!("{}{} other {other}", key.as_str(), counts.collect::<String>())
        }
        other => panic!("{other:?}"),
    }
}

/// What one viewer said, and its number.
async fn heard_from(signals: &mut Signals) -> (String, u64) {
    let said = heard(signals).await;
    let (before, rest) = said.rsplit_once(" from ").unwrap_or_else(|| panic!("{said}"));
    let (number, after) = rest.split_once(' ').unwrap_or_else(|| panic!("{said}"));
    (format!("{before} {after}"), number.parse().unwrap())
}

/// The code of the next refusal.
async fn refused(messages: &mut Messages) -> String {
    let code = async {
        loop {
            match messages.next().await.expect("the viewer is over") {
                Heard::SignalRefused(refused) => return refused.code().to_owned(),
                _ => continue,
            }
        }
    };
    within("a refusal", code).await
}

fn once(millis: u64) -> Counting {
    Counting { every: Duration::from_millis(millis), once_per_viewer: true }
}

#[tokio::test]
async fn what_a_viewer_says_reaches_the_owner_with_the_number_of_the_viewer() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let owner = owner(&relay, RoomOptions::new()).await;
    let mut signals = owner.signals();
    let (one, two) = (viewer(&relay, &owner).await, viewer(&relay, &owner).await);
    one.signal("hand", ()).await.unwrap();
    let (said, first) = heard_from(&mut signals).await;
    assert_eq!(said, "hand [] dropped 0");
    two.signal("mood", ("good", 1.5)).await.unwrap();
    let (said, second) = heard_from(&mut signals).await;
    assert_eq!(said, r#"mood ["good",1.5] dropped 0"#);
    assert_ne!(first, second);
    one.signal("hand", [false]).await.unwrap();
    assert_eq!(heard_from(&mut signals).await, ("hand [false] dropped 0".to_owned(), first));
    let long = within("a fault", one.signal("hand", ["x".repeat(4_093)])).await;
    assert_eq!(long, Err(SignalError::BadSignal(MessageError::TooBig { bytes: 4_097, limit: 4_096 })));
    // Also when it has come back.
    let mut status = one.watch_status();
    status.borrow_and_update();
    relay.cut();
    within("the viewer's going", status.changed()).await.unwrap();
    within("the viewer's coming back", one.inside()).await.unwrap();
    until("the owner is back", || owner.term() == 2).await;
    one.signal("hand", ["y".repeat(4_092)]).await.unwrap();
    let (said, from) = heard_from(&mut signals).await;
    assert_ne!(from, second);
    assert!(said.len() > 4_092);
}

#[tokio::test]
async fn votes_come_as_totals_that_outlive_the_owners_connection_and_end_when_the_key_is_cleared() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let room = RoomOptions::new().with_counting("vote", once(100)).unwrap();
    let each = Counting { once_per_viewer: false, ..once(100) };
    let owner = owner(&relay, room.with_counting("clap", each).unwrap()).await;
    let mut signals = owner.signals();
    let (one, two) = (viewer(&relay, &owner).await, viewer(&relay, &owner).await);
    one.signal("vote", ["yes"]).await.unwrap();
    assert_eq!(heard(&mut signals).await, r#"vote ["yes"] x 1 other 0"#);
    two.signal("vote", ["no"]).await.unwrap();
    assert_eq!(heard(&mut signals).await, r#"vote ["yes"] x 1 ["no"] x 1 other 0"#);
    one.signal("vote", ["no"]).await.unwrap();
    assert_eq!(heard(&mut signals).await, r#"vote ["no"] x 2 other 0"#);
    for total in [1, 2] {
        two.signal("clap", ()).await.unwrap();
        assert_eq!(heard(&mut signals).await, format!("clap [] x {total} other 0"));
    }
    // The owner that reconnects gets the totals again.
    relay.cut();
    let mut told = [heard(&mut signals).await, heard(&mut signals).await];
    told.sort();
    assert_eq!(told, ["clap [] x 2 other 0", r#"vote ["no"] x 2 other 0"#]);
    within("the clearing", owner.clear("vote")).await.unwrap();
    assert_eq!(heard(&mut signals).await, "vote other 0");
}

#[tokio::test]
async fn a_viewer_hears_that_its_signal_was_refused_and_why() {
    let house = House::open(Config { signals_per_room_per_second: Limit::Max(4), ..Config::default() }).await;
    let relay = Relay::open(house.address).await;
    let owner = owner(&relay, RoomOptions::new()).await;
    let viewer = viewer(&relay, &owner).await;
    let mut messages = viewer.messages();
    for _ in 0..Config::default().signals_per_viewer_per_second.most() {
        viewer.signal("hand", ()).await.unwrap();
    }
    let more = viewer.signal("hand", ()).await;
    assert!(matches!(more, Err(SignalError::TooOften { .. })), "the server told its rate: {more:?}");
    assert_eq!(refused(&mut messages).await, "rate");
    drop(owner);
    until("the owner is away", || matches!(viewer.status(), Status::Away { .. })).await;
    // Its pace allows one again in time.
    let unavailable = async {
        let mut pace = tokio::time::interval(Duration::from_millis(50));
        loop {
            pace.tick().await;
            if viewer.signal("hand", ()).await.is_err() {
                continue;
            }
            if refused(&mut messages).await == "unavailable" {
                break;
            }
        }
    };
    within("the other refusal", unavailable).await;
    assert!(viewer.status().is_inside(), "refusals end nothing");
}

#[tokio::test]
async fn a_viewer_that_is_cut_and_one_of_the_same_identity_are_one_voter() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let owner = owner(&relay, RoomOptions::new().with_counting("vote", once(100)).unwrap()).await;
    let mut signals = owner.signals();
    let first = viewer(&relay, &owner).await;
    let identity = first.identity().expect("the server has told it");
    first.signal("vote", ["a"]).await.unwrap();
    assert_eq!(heard(&mut signals).await, r#"vote ["a"] x 1 other 0"#);
    let mut status = first.watch_status();
    relay.cut();
    within("the cut", status.wait_for(|status| !status.is_inside())).await.unwrap();
    until("both are back", || first.status() == Status::Live && owner.status() == Status::Live).await;
    assert_eq!(first.identity(), Some(identity.clone()));
    within("a vote", async { while first.signal("vote", ["b"]).await.is_err() {} }).await;
    // An owner that reconnects gets all totals at once, perhaps with the older vote.
    let told = async { while heard(&mut signals).await != r#"vote ["b"] x 1 other 0"# {} };
    within("the newer vote", told).await;
    let text = identity.to_string();
    within("its leaving", first.leave()).await;
    let again = Viewer::join_as(relay.url(), owner.room(), text.parse().unwrap(), options()).unwrap();
    within("its coming", again.inside()).await.unwrap();
    assert_eq!(again.identity(), Some(identity));
    again.signal("vote", ["c"]).await.unwrap();
    assert_eq!(heard(&mut signals).await, r#"vote ["c"] x 1 other 0"#);
}

#[tokio::test]
async fn an_owner_watches_how_many_there_are_and_viewers_do_where_the_room_was_created_so() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let open = owner(&relay, RoomOptions::new().with_audience()).await;
    let discreet = owner(&relay, RoomOptions::new()).await;
    assert_eq!(open.audience().borrow().map(|audience| audience.viewers), Some(0), "there is nobody yet");
    let one = viewer(&relay, &open).await;
    let other = viewer(&relay, &discreet).await;
    let told = |owner: &Owner| owner.audience().borrow().map(|audience| (audience.viewers, audience.lagging));
    let seen = |viewer: &Viewer| *viewer.audience().borrow();
    until("both owners know", || told(&open) == Some((1, 0)) && told(&discreet) == Some((1, 0))).await;
    until("the viewer knows", || seen(&one) == Some(1)).await;
    let two = viewer(&relay, &open).await;
    until("everybody knows", || told(&open) == Some((2, 0)) && [&one, &two].map(&seen) == [Some(2); 2]).await;
    let behind = open.audience().borrow().map(|audience| audience.behind_p95);
    assert_eq!(behind, Some(Duration::ZERO));
    within("a message", discreet.publish(Message::event("bell", ()).unwrap())).await.unwrap();
    until("the message is there", || other.state().seq().get() == 1).await;
    assert_eq!(seen(&other), None, "this room does not tell its viewers");
    within("the leaving", two.leave()).await;
    until("one is gone", || told(&open) == Some((1, 0)) && seen(&one) == Some(1)).await;
    relay.cut();
    until("everybody is back and knows", || told(&open) == Some((1, 0)) && seen(&one) == Some(1)).await;
    within("the leaving", one.leave()).await;
    until("nobody is there", || told(&open) == Some((0, 0))).await;
}

#[tokio::test]
async fn signals_that_nobody_takes_are_counted_as_lost_and_delay_no_acknowledgement() {
    let house = House::open(Config { signals_per_viewer_per_second: Limit::None, ..Config::default() }).await;
    let relay = Relay::open(house.address).await;
    let mut narrow = options();
    narrow.messages_max = 2;
    let owner = Owner::create_with(relay.url(), RoomOptions::new(), narrow);
    let owner = within("the room", owner).await.unwrap();
    let mut signals = owner.signals();
    let viewer = viewer(&relay, &owner).await;
    for number in 0..10 {
        viewer.signal("hand", [number]).await.unwrap();
    }
    until("eight are lost", || signals.lost() == 8).await;
    within("an ack", owner.publish(Message::event("bell", ()).unwrap())).await.unwrap();
    for number in 0..2 {
        assert_eq!(heard_from(&mut signals).await.0, format!("hand [{number}] dropped 0"));
    }
}
