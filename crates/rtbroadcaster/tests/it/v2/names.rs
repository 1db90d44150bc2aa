//! Rooms that have names: which clients may give one, and what a name means once its room has ended.

use rtbroadcaster::{Config, CreateError, Manager, Message, Permit, Rights, RoomId, RoomName, RoomOptions, Rooms};
use serde_json::{Value, json};

use super::rights::{Peer, next};
use crate::classic;
use crate::house::{House, in_memory_with};
use crate::moment::until;

async fn ask(peer: &mut Peer, request: Value) -> Value {
    peer.send(&request.to_string()).await;
    next(peer).await
}

fn create(name: &str) -> Value {
    json!({"type": "create", "id": "c", "room": name})
}

fn naming(names: impl Into<Rooms>) -> Permit {
    let mut rights = Rights::anything();
    rights.names = names.into();
    rights.into()
}

fn named(name: &str) -> RoomId {
    RoomName::new(name).unwrap().into()
}

#[tokio::test]
async fn a_name_is_given_where_rights_cover_it_and_nowhere_else() {
    let manager = Manager::new(Config::default());
    let uuid = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a";
    for (permit, name, expected) in [
        (Permit::anything(), "lobby", "unauthorized"),
        (Permit::owner(), "lobby", "unauthorized"),
        // A client that may create no room gets that error, whatever name it gives.
        (Permit::viewer(), "lobby", "not_owner"),
        (naming(named("hall")), "lobby", "unauthorized"),
        (naming(named("hall")), "hall", "hall"),
        (naming(Rooms::All), "lobby", "lobby"),
        (naming(Rooms::All), "lobby", "exists"),
        // Without the right a client does not learn which names there are.
        (Permit::anything(), "lobby", "unauthorized"),
        (naming(Rooms::All), "Lobby", "bad_message"),
        (naming(Rooms::All), "", "bad_message"),
        (naming(Rooms::All), uuid, "bad_message"),
        (naming(Rooms::All), &"a".repeat(65), "bad_message"),
    ] {
        let mut peer = in_memory_with(&manager, permit.clone()).await;
        let answer = ask(&mut peer, create(name)).await;
        let told = answer["room"].as_str().or(answer["code"].as_str());
        assert_eq!(told, Some(expected), "{name} with {permit:?}");
        // A room that it has created stays for its grace, which is minutes.
        drop(peer);
    }
    let mut peer = in_memory_with(&manager, naming(Rooms::All)).await;
    let wrong = json!({"type": "create", "id": "c", "room": 7});
    assert_eq!(ask(&mut peer, wrong).await["code"], "bad_message");
}

#[tokio::test]
async fn a_name_that_exists_is_no_mistake_and_the_room_that_has_it_goes_on() {
    let house = House::open(Config::default()).await;
    let lobby = RoomOptions::new().with_name(RoomName::new("lobby").unwrap());
    let owner = house.manager.create_room_with(lobby.clone()).await.unwrap();
    let mut viewer = house.viewer("lobby").await;
    let mut peer = in_memory_with(&house.manager, naming(Rooms::All)).await;
    for _ in 0..5 {
        assert_eq!(ask(&mut peer, create("lobby")).await["code"], "exists");
    }
    assert_eq!(house.manager.create_room_with(lobby).await.err(), Some(CreateError::Exists));
    owner.publish(Message::event("bell", [1]).unwrap()).await.unwrap();
    viewer.expect(&classic::message("lobby", "bell", "[1]", false)).await;
    assert_eq!(ask(&mut peer, create("hall")).await["room"], "hall");
}

#[tokio::test]
async fn a_room_under_the_name_of_one_that_ended_is_another_room() {
    let manager = Manager::new(Config::default());
    let lobby = RoomOptions::new().with_name(RoomName::new("lobby").unwrap());
    let first = manager.create_room_with(lobby.clone()).await.unwrap();
    let key = first.key().clone();
    first.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
    let mut viewer = in_memory_with(&manager, Permit::anything()).await;
    let joined = ask(&mut viewer, json!({"type": "join", "id": "j", "room": "lobby"})).await;
    assert_eq!(next(&mut viewer).await["params"], json!([1]));
    first.close().await.unwrap();
    assert_eq!(next(&mut viewer).await["type"], "closed");

    let second = manager.create_room_with(lobby).await.unwrap();
    assert!(manager.own(&second.room(), &key).await.is_err(), "the key of the room that ended opens no other one");
    second.publish(Message::state("slide", [2]).unwrap()).await.unwrap();
    let mut back = in_memory_with(&manager, Permit::anything()).await;
    let cursor = json!({"epoch": joined["epoch"], "seq": 1});
    let viewer_key = &joined["viewer"]["key"];
    let join =
        json!({"type": "join", "id": "j", "room": "lobby", "cursor": cursor, "lives": true, "viewer": viewer_key});
    let again = ask(&mut back, join).await;
    assert_eq!((&again["how"], &again["reason"]), (&json!("reset"), &json!("epoch")));
    assert_ne!(again["viewer"]["number"], joined["viewer"]["number"], "a number belongs to one room");
    assert_eq!(next(&mut back).await["params"], json!([2]));
}

#[cfg(feature = "disk")]
#[tokio::test]
async fn a_named_room_outlives_its_server_and_can_be_given_again_at_once() {
    let directory = crate::house::Directory::new();
    let house = directory.house(Config::default()).await;
    let lobby = RoomOptions::new().with_name(RoomName::new("lobby").unwrap());
    let mut key = None;
    for round in 0..20 {
        let owner = house.manager.create_room_with(lobby.clone()).await.unwrap();
        owner.publish(Message::state("round", [round]).unwrap()).await.unwrap();
        key = Some(owner.key().clone());
        if round < 19 {
            owner.close().await.unwrap();
            until("the end is written", || house.manager.room(&named("lobby")).is_none()).await;
        } else {
            drop(owner);
        }
    }
    house.manager.shutdown().await;
    drop(house);
    let house = directory.house(Config::default()).await;
    assert_eq!(house.manager.create_room_with(lobby).await.err(), Some(CreateError::Exists));
    let owner = house.manager.own(&named("lobby"), &key.unwrap()).await.unwrap();
    assert_eq!(owner.publish(Message::state("round", [20]).unwrap()).await.unwrap().get(), 2);
    house.manager.shutdown().await;
}
