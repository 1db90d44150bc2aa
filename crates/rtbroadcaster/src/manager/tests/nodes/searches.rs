//! Rooms that do not exist, and how often one address may look for some.

use std::net::IpAddr;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::refusal::Refusal;

use super::*;
use crate::rights::Permit;
use crate::server::Visitor;

/// How many searches for nothing an address has at once, and how many more while these take their time.
const AT_ONCE: usize = 20;
const MEANWHILE: usize = 20;

#[tokio::test(start_paused = true)]
async fn an_address_that_looks_for_rooms_that_do_not_exist_looks_slower_and_no_other_one_does() {
    let (_sea, [here, there]) = nodes();
    let owner = here.create_room().await.unwrap();
    let (room, key) = (owner.room().to_string(), owner.key().as_str().to_owned());
    let server = there.server();
    let addresses = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
    let _slots = addresses.map(|address| server.admit(Some((address, 1).into())).unwrap());
    let places = addresses.map(AddressBlock::from);
    let permit = Permit::from(Rights::anything());
    let own = async |place, room: String| {
        let visitor = Visitor { permit: &permit, lease: None, place: Some(place) };
        server.own(visitor, &room, &key).await.map(|_| ())
    };
    let unknown = || RoomId::random(&OsRandom).to_string();
    let mut searches = 0;
    while own(places[0], unknown()).await == Err(Refusal::NoRoom) && searches < AT_ONCE + MEANWHILE {
        searches += 1;
    }
    assert!((AT_ONCE..AT_ONCE + MEANWHILE).contains(&searches), "{searches}");
    assert_eq!(own(places[1], unknown()).await, Err(Refusal::NoRoom));
    // A room that is not on this node yet has to be looked for, too.
    assert_eq!(own(places[0], room.clone()).await, Err(Refusal::Unavailable));
    assert_eq!(own(places[1], room.clone()).await, Ok(()));
    // Now it is on this node.
    assert_eq!(own(places[0], room).await, Ok(()));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(own(places[0], unknown()).await, Err(Refusal::NoRoom));
}
