//! `remote` against the server of this crate: what an owner says over connections that are cut, servers that are replaced
//! and owners that change comes to every viewer, once and in order.

mod crowd;
mod examples;
mod faults;
mod in_memory;
mod relay;

use std::time::Duration;

use rtbroadcaster::remote::{Heard, Messages, OpenError, Options, Owner, PublishError, Status, Ticket, Viewer};
use rtbroadcaster::{Config, Limit, Message, RoomOptions};
use tokio::task::JoinHandle;

use crate::house::House;
use crate::moment::{LONG, until, until_time, within, within_time};
use relay::Relay;

/// How many keys the state has.
const KEYS: u32 = 7;

/// The number of the event that ends a speech.
const LAST: u32 = u32::MAX;

fn options() -> Options {
    let mut options = Options::default();
    (options.backoff_first, options.backoff_max) = (Duration::from_millis(5), Duration::from_millis(40));
    options
}

/// Says number after number, states and events in turn, and has a look at `relay` after each tenth.
async fn speak(owner: &Owner, numbers: std::ops::Range<u32>, mut each: impl FnMut(u32)) -> Vec<Ticket> {
    let mut tickets = Vec::new();
    for number in numbers {
        let key = format!("key {}", number % KEYS);
        let message = if number % 3 == 0 {
            Message::event("bell", [number]).unwrap()
        } else {
            Message::state(&key, [number]).unwrap()
        };
        tickets.push(owner.send(message).await.unwrap());
        each(number);
    }
    tickets
}

/// Every ticket's number is the next one: nothing was stored twice, nothing is missing.
async fn are_acked(tickets: Vec<Ticket>, first: u64) {
    for (ticket, expected) in tickets.into_iter().zip(first..) {
        assert_eq!(within_time(LONG, "an ack", ticket).await.unwrap().get(), expected);
    }
}

/// What a viewer heard up to the last event: the numbers of the events.
fn listen(mut messages: Messages) -> JoinHandle<Vec<u32>> {
    tokio::spawn(async move {
        let (mut events, mut last) = (Vec::new(), 0);
        loop {
            match within_time(LONG, "a message", messages.next()).await.expect("the viewer is over") {
                Heard::State { reset, state } => {
                    assert_eq!(reset, None);
                    last = state.seq().get();
                }
                Heard::Message(message) => {
                    let seq = message.seq().unwrap().get();
                    assert_eq!(seq, last + 1, "each message once and in order");
                    last = seq;
                    let (number,) = message.parse().unwrap();
                    if message.key() == "bell" {
                        events.push(number);
                        if number == LAST {
                            return events;
                        }
                    }
                }
                // Of values only the newest may come, on a busy machine.
                Heard::Skipped { through } => last = through.get(),
                _ => {}
            }
        }
    })
}

/// The same state as the owner's, and every event.
async fn has_everything(owner: &Owner, viewer: &Viewer, heard: JoinHandle<Vec<u32>>, numbers: u32) {
    let expected: Vec<_> = (1..=numbers).filter(|number| number % 3 == 0).chain([LAST]).collect();
    assert_eq!(within_time(LONG, "the last event", heard).await.unwrap(), expected);
    assert_eq!(viewer.state(), owner.state());
    assert_eq!(viewer.state().len(), 7);
    until("the viewer is live", || viewer.status() == Status::Live).await;
}

/// So many viewers that are in the room.
async fn viewers(relay: &Relay, owner: &Owner, count: usize) -> Vec<(Viewer, JoinHandle<Vec<u32>>)> {
    let mut viewers = Vec::new();
    for _ in 0..count {
        let viewer = Viewer::join_with(relay.url(), owner.room(), options()).unwrap();
        let heard = listen(viewer.messages());
        within("the viewer's coming", viewer.inside()).await.unwrap();
        viewers.push((viewer, heard));
    }
    viewers
}

#[tokio::test]
async fn connections_that_are_cut_again_and_again_lose_nothing_and_repeat_nothing() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let create = Owner::create_with(relay.url(), RoomOptions::new(), options());
    let owner = within("the room", create).await.unwrap();
    let viewers = viewers(&relay, &owner, 3).await;
    const NUMBERS: u32 = 600;
    let mut tickets = Vec::new();
    for part in 0..NUMBERS / 15 {
        tickets.extend(speak(&owner, part * 15 + 1..part * 15 + 16, |_| {}).await);
        relay.cut();
        // Some cuts come while all clients are away, most do not.
        if part % 3 != 0 {
            until("the owner is back", || owner.status() == Status::Live).await;
        }
    }
    let last = owner.send(Message::event("bell", [LAST]).unwrap()).await.unwrap();
    are_acked(tickets.into_iter().chain([last]).collect(), 1).await;
    for (viewer, heard) in viewers {
        has_everything(&owner, &viewer, heard, NUMBERS).await;
        within("the viewer's leaving", viewer.leave()).await;
    }
    within("the room's end", owner.close()).await.unwrap();
    assert!(house.manager.rooms().is_empty());
}

#[tokio::test]
async fn a_path_that_goes_dark_costs_no_room_and_no_message_with_the_least_safe_grace() {
    let config = Config { ping_interval: Limit::Max(Duration::from_secs(1)), ..Config::default() };
    let config = Config { owner_grace: Limit::Max(config.least_safe_grace()), ..config };
    let house = House::open(config).await;
    // One path for the owner, one for the viewers.
    let paths = [Relay::open(house.address).await, Relay::open(house.address).await];
    let create = Owner::create_with(paths[0].url(), RoomOptions::new(), options());
    let owner = within("the room", create).await.unwrap();
    let viewers = viewers(&paths[1], &owner, 2).await;
    let mut tickets = Vec::new();
    for (part, path) in (0..4).zip([0, 1, 0, 1]) {
        tickets.extend(speak(&owner, part * 15 + 1..part * 15 + 16, |_| {}).await);
        paths[path].goes_dark();
        if path == 0 {
            until_time(LONG, "the owner is back", || u64::from(part / 2) + 2 == owner.term()).await;
        } else {
            // What is said now is heard on the next connection only.
            for (viewer, _) in &viewers {
                until_time(LONG, "a viewer is out", || !viewer.status().is_inside()).await;
            }
        }
    }
    tickets.push(owner.send(Message::event("bell", [LAST]).unwrap()).await.unwrap());
    are_acked(tickets, 1).await;
    for (viewer, heard) in viewers {
        has_everything(&owner, &viewer, heard, 60).await;
    }
    within("the room's end", owner.close()).await.unwrap();
}

#[tokio::test]
async fn an_owner_that_is_taken_over_learns_it_and_nothing_of_it_comes_behind_the_new_one() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let first = within("the room", Owner::create(relay.url())).await.unwrap();
    let viewers = viewers(&relay, &first, 2).await;
    are_acked(speak(&first, 1..31, |_| {}).await, 1).await;
    let second = Owner::own(relay.url(), first.room(), first.key().clone());
    let second = within("the takeover", second).await.unwrap();
    assert_eq!((second.term(), &second.state()), (2, &first.state()));
    let fenced = within("the refusal", first.publish(Message::event("bell", [7]).unwrap())).await;
    assert_eq!(fenced, Err(PublishError::Fenced));
    are_acked(speak(&second, 31..61, |_| {}).await, 31).await;
    within("the last", second.publish(Message::event("bell", [LAST]).unwrap())).await.unwrap();
    for (viewer, heard) in viewers {
        has_everything(&second, &viewer, heard, 60).await;
    }
    let Status::Closed(closing) = first.status() else { panic!("{:?}", first.status()) };
    assert_eq!((closing.code(), closing.comes_back()), (4509, false));
}

#[tokio::test]
async fn rooms_and_keys_that_are_not_there_are_told() {
    let house = House::open(Config::default()).await;
    let relay = Relay::open(house.address).await;
    let owner = within("the room", Owner::create(relay.url())).await.unwrap();
    let other = within("the room", Owner::create(relay.url())).await.unwrap();
    let wrong = Owner::own(relay.url(), owner.room(), other.key().clone());
    assert_eq!(within("the refusal", wrong).await.unwrap_err(), OpenError::NoRoom);
    let viewer = Viewer::join(relay.url(), rtbroadcaster::RoomId::random(&rtbroadcaster::OsRandom)).unwrap();
    assert_eq!(within("the refusal", viewer.inside()).await.unwrap_err().code(), 4510);

    let viewer = Viewer::join(relay.url(), owner.room()).unwrap();
    let mut messages = viewer.messages();
    within("the viewer's coming", viewer.inside()).await.unwrap();
    owner.publish(Message::event("bell", [1]).unwrap()).await.unwrap();
    within("the room's end", owner.close()).await.unwrap();
    within("the end of the messages", async { while messages.next().await.is_some() {} }).await;
    assert_eq!(viewer.status().closing().map(|closing| closing.code()), Some(4503));
}

#[cfg(feature = "disk")]
#[tokio::test]
async fn a_server_that_is_replaced_is_a_pause_and_nothing_else() {
    let directory = relay::Directory::new("remote-restart");
    let mut house = House::kept(Config::default(), &directory.disk()).await;
    let relay = Relay::open(house.address).await;
    let create = Owner::create_with(relay.url(), RoomOptions::new(), options());
    let owner = within("the room", create).await.unwrap();
    let viewers = viewers(&relay, &owner, 3).await;
    let mut tickets = Vec::new();
    for part in 0..2 {
        tickets.extend(speak(&owner, part * 40 + 1..part * 40 + 31, |_| {}).await);
        // No client gets the notice of the shutdown, as when the server is killed: one that does reconnects at the
        // moment that it names.
        relay.leads_nowhere();
        within_time(LONG, "the shutdown", house.manager.shutdown()).await;
        // What is said while there is no server waits for the next one.
        tickets.extend(speak(&owner, part * 40 + 31..part * 40 + 41, |_| {}).await);
        house = House::kept(Config::default(), &directory.disk()).await;
        relay.leads_to(house.address);
        until_time(LONG, "the owner is back", || owner.term() == u64::from(part) + 2).await;
    }
    tickets.extend(speak(&owner, 81..91, |_| {}).await);
    tickets.push(owner.send(Message::event("bell", [LAST]).unwrap()).await.unwrap());
    are_acked(tickets, 1).await;
    for (viewer, heard) in viewers {
        has_everything(&owner, &viewer, heard, 90).await;
    }
}
