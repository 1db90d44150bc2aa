//! Owners and viewers of a manager in the same process, under a paused clock: as applications test themselves.

use rtbroadcaster::remote::{OpenError, Options, Owner, Viewer};
use rtbroadcaster::{Config, Manager, Message, Permit, Rights, RoomName, RoomOptions, Rooms};

fn named(name: &str) -> RoomOptions {
    RoomOptions::new().with_name(RoomName::new(name).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_room_lives_and_ends_without_a_port_and_without_waiting() {
    let manager = Manager::new(Config::default());
    let owner = Owner::create(manager.in_memory(Permit::owner())).await.unwrap();
    let viewer = Viewer::join(manager.in_memory(Permit::viewer()), owner.room()).unwrap();
    viewer.inside().await.unwrap();
    let seq = owner.publish(Message::state("slide", [3]).unwrap()).await.unwrap();
    viewer.watch_state().wait_for(|state| state.seq() >= seq).await.unwrap();
    assert_eq!(manager.room(&owner.room()).unwrap().viewers, 1);
    drop(owner);
    // Its grace is five minutes.
    let status = viewer.watch_status().wait_for(|status| status.closing().is_some()).await.unwrap().clone();
    assert_eq!(status.closing().unwrap().why(), Some("grace"));
    assert!(manager.rooms().is_empty());
}

#[tokio::test(start_paused = true)]
async fn rights_and_names_are_those_of_the_network() {
    let manager = Manager::new(Config::default());
    let mut rights = Rights::owner();
    rights.names = Rooms::All;
    let create = |permit: Permit| Owner::create_with(manager.in_memory(permit), named("lobby"), Options::default());
    assert!(
        matches!(create(Permit::viewer()).await, Err(OpenError::Closed(closing)) if closing.reason() == "not_owner")
    );
    assert!(
        matches!(create(Permit::owner()).await, Err(OpenError::Closed(closing)) if closing.reason() == "unauthorized")
    );
    let owner = create(rights.clone().into()).await.unwrap();
    assert_eq!(owner.room().to_string(), "lobby");
    assert_eq!(create(rights.clone().into()).await.unwrap_err(), OpenError::Exists);
    owner.close().await.unwrap();
    create(rights.into()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_fenced_owner_ends_no_room_at_either_end() {
    let manager = Manager::new(Config::default());
    let first = manager.create_room().await.unwrap();
    let (room, key) = (first.room(), first.key().clone());
    let second = Owner::own(manager.in_memory(Permit::owner()), room.clone(), key.clone()).await.unwrap();
    assert_eq!(first.close().await, Err(rtbroadcaster::PublishError::Fenced));
    assert!(manager.room(&room).is_some());
    let third = manager.own(&room, &key).await.unwrap();
    assert_eq!(second.close().await, Err(rtbroadcaster::PublishError::Fenced));
    third.close().await.unwrap();
    assert!(manager.room(&room).is_none());
}
