//! Ids as text and as bytes, and what may be a name.

use proptest::prelude::*;

use super::*;
use crate::random::SEEDED;

#[test]
fn a_room_has_exactly_one_id() {
    let room = RoomId::random(&SEEDED);
    let id = room.to_string();
    let wrong = [
        String::new(),
        id.to_uppercase(),
        format!("{{{id}}}"),
        format!("urn:uuid:{id}"),
        format!("{id}&utm_source=x"),
        format!(" {id}"),
        "00000000-0000-0000-8000-000000000000".to_owned(),
    ];
    assert_eq!(id.parse(), Ok(room));
    for text in wrong.iter().filter(|text| **text != id) {
        assert_eq!(text.parse::<RoomId>(), Err(InvalidRoomId), "{text:?}");
    }
    let other: RoomId = id.replace('-', "").parse().expect("a name");
    assert!(other.name().is_some_and(|name| name.as_str().len() == 32));
}

#[test]
fn a_name_has_64_characters_that_need_no_escape_anywhere() {
    let most = "a".repeat(64);
    for text in ["a", "0", "physics-101", "a_b", "a-", &most, "0b7f3d0e-aaaa-4bbb-8ccc-0123456789ag"] {
        assert_eq!(RoomName::new(text).map(|name| name.to_string()), Ok(text.to_owned()));
        assert_eq!(text.parse::<RoomId>().map(|room| room.to_string()), Ok(text.to_owned()));
    }
    let longer = "a".repeat(65);
    let uuid = RoomId::random(&SEEDED).to_string();
    for text in ["", "-a", "_a", "A", "a.b", "a b", "ä", "a/b", "a\0", &longer, &uuid, &uuid.to_uppercase()] {
        assert_eq!(RoomName::new(text), Err(InvalidRoomName), "{text:?}");
    }
}

#[test]
fn the_debug_form_of_a_random_id_lets_no_client_in() {
    let room = RoomId::random(&SEEDED);
    let shown = format!("{room:?}");
    assert!(room.to_string().starts_with(shown.trim_end_matches('…')));
    assert_eq!(shown.chars().count(), 9);
    assert_eq!(format!("{:?}", RoomId::from(RoomName::new("lobby").expect("a name"))), "lobby");
}

#[test]
fn an_id_has_16_bytes() {
    assert_eq!(size_of::<RoomId>(), 16);
}

/// Any id there may be.
fn id() -> impl Strategy<Value = RoomId> {
    let uuid = any::<[u8; 16]>().prop_filter_map("its first half is zero", |bytes| {
        RoomId::from_uuid(uuid::Builder::from_random_bytes(bytes).into_uuid())
    });
    let name = "[a-z0-9][a-z0-9_-]{0,63}".prop_filter_map("it is like a UUID", |text| text.parse().ok());
    prop_oneof![uuid, name]
}

proptest! {
    #[test]
    fn no_binary_form_is_a_prefix_of_another(one in id(), other in id()) {
        let (encoded, longer) = (one.encode(), other.encode());
        prop_assert_eq!(RoomId::decode(encoded.as_ref()), Some(one.clone()));
        prop_assert_eq!(longer.as_ref().starts_with(encoded.as_ref()), one == other);
    }

    #[test]
    fn bytes_that_decode_are_those_of_their_id(bytes in proptest::collection::vec(prop_oneof![Just(0), Just(b'a'), any::<u8>()], 0..80)) {
        if let Some(id) = RoomId::decode(&bytes) {
            let encoded = id.encode();
            prop_assert_eq!(encoded.as_ref(), &bytes[..]);
        }
    }

    #[test]
    fn ids_are_read_as_they_are_written(id in id()) {
        prop_assert_eq!(id.to_string().parse(), Ok(id));
    }
}
