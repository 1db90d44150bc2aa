//! A name that is given again: what comes late from the room that had it before.

use rtbroadcaster_core::id::RoomName;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::message::Message;

use super::*;
use crate::room::Room;

fn lobby() -> RoomOptions {
    RoomOptions::new().with_name(RoomName::new("lobby").unwrap())
}

fn room_of(manager: &Manager) -> Arc<Room> {
    manager.server().registry().get(&lobby().name().unwrap().clone().into()).unwrap()
}

#[tokio::test]
async fn a_room_that_has_ended_takes_nothing_from_the_next_one_of_its_name() {
    let manager = Manager::new(Config { rooms_per_address_max: Limit::Max(1), ..Config::default() });
    let first = manager.create_room_with(lobby()).await.unwrap();
    let old = room_of(&manager);
    first.close().await.unwrap();
    let second = manager.create_room_with(lobby()).await.unwrap();
    let registry = manager.server().registry();
    // Its end is reported again, a lane has panicked over it, and it is found broken.
    registry.remove(&old, "our fault");
    room_of(&manager).fail();
    registry.end_broken();
    old.fail();
    assert!(!Arc::ptr_eq(&old, &room_of(&manager)));
    second.publish(Message::state("slide", [1]).unwrap()).await.unwrap();
}
