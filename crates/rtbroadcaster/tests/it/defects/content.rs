//! What is said arrives as it was said: broken, binary, long and strange messages.

use rtbroadcaster::{Config, Limit};

use crate::classic;
use crate::client::Client;
use crate::house::House;
use crate::overheard::Overheard;

/// An owner and two viewers of a room.
async fn company(house: &House) -> (Client, [Client; 2], String) {
    let (owner, room) = house.owner().await;
    let viewers = [house.viewer(&room).await, house.viewer(&room).await];
    (owner, viewers, room)
}

/// Both viewers get the next message, and it is all they get.
async fn check_undisturbed(owner: &mut Client, viewers: &mut [Client; 2], room: &str) {
    owner.send(&classic::publish("bell", "[1]")).await;
    for viewer in viewers {
        viewer.expect(&classic::message(room, "bell", "[1]", false)).await;
        viewer.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_json_is_answered_and_relayed_to_nobody() {
    let house = House::open(Config::default()).await;
    let (mut owner, mut viewers, room) = company(&house).await;
    for broken in [r#"{"status":{"value":3},"funcKey":"a","funcParams":[1"#, "\u{1b}[2J"] {
        owner.send(broken).await;
        owner.expect(&classic::refused("", "bad message")).await;
    }
    check_undisturbed(&mut owner, &mut viewers, &room).await;
}

#[test]
fn no_content_no_escape_byte_no_room_and_no_key_reaches_the_log() {
    let (overheard, mut room) = (Overheard::default(), String::new());
    let runtime = overheard.runtime();
    // Once, unless another test met a log statement for the first time while this runtime began to listen: `tracing`
    // may then take it for one without a listener, until it is asked to look again.
    for _ in 0..10 {
        tracing::callsite::rebuild_interest_cache();
        room = runtime.block_on(async { tokio::spawn(say_everything_wrong()).await.unwrap() });
        if overheard.text().contains("bad_message") {
            break;
        }
    }
    let log = overheard.text();
    assert!(log.contains("bad_message") && log.contains("not_owner"), "the log is not about this: {log}");
    for forbidden in ["SECRET", "\u{1b}", "\u{7}", &room, &room[9..], "\r"] {
        assert!(!log.contains(forbidden), "{forbidden:?} is in the log: {log:?}");
    }
}

/// Everything that is refused, cut or accepted, with content that is easy to find. Gives the room's name.
async fn say_everything_wrong() -> String {
    let house =
        House::open(Config { state_keys_max: Limit::Max(1), viewers_per_room_max: Limit::Max(2), ..Config::default() })
            .await;
    let (mut owner, room) = house.owner().await;
    let mut viewer = house.viewer(&room).await;
    for broken in ["{SECRET\u{1b}[31m\u{7}", "\u{1b}]0;SECRET\u{7}"] {
        owner.send(broken).await;
        owner.expect(&classic::refused("", "bad message")).await;
    }
    owner.send(&classic::publish_state("SECRET", r#"["SECRET\u001b"]"#)).await;
    viewer.expect(&classic::message(&room, "SECRET", r#"["SECRET\u001b"]"#, true)).await;
    owner.send(&classic::publish_state("SECRET2", "[]")).await;
    owner.expect(&classic::refused("", "state full")).await;
    viewer.send(&classic::publish("SECRET", r#"["SECRET"]"#)).await;
    viewer.expect(&classic::refused("", "not the owner")).await;
    let mut lost = house.client().await;
    lost.send(&classic::join(&format!("{room}SECRET\\u001b"))).await;
    lost.expect(&classic::refused(&format!("{room}SECRET\\u001b"), "room not found")).await;
    // Not UTF-8, binary, and a close frame with a reason.
    for (frame, code) in [(&b"\x81\x87\0\0\0\0SECRET\xff"[..], 1007), (b"\x82\x86\0\0\0\0SECRET", 1003)] {
        let mut sender = house.viewer(&room).await;
        sender.expect(&classic::message(&room, "SECRET", r#"["SECRET\u001b"]"#, true)).await;
        sender.send_raw(frame).await;
        sender.expect_close(code).await;
        crate::moment::until("the sender has left", || house.viewers(&room) == 1).await;
    }
    viewer.send_raw(b"\x88\x88\0\0\0\0\x03\xe8SECRET").await;
    viewer.expect_close(1000).await;
    owner.send(classic::CLOSE).await;
    owner.expect(&classic::not_connected(&room)).await;
    owner.expect_close(1000).await;
    house.manager.shutdown().await;
    room
}

#[tokio::test(flavor = "multi_thread")]
async fn a_binary_frame_closes_its_sender_and_nobody_else() {
    let house = House::open(Config::default()).await;
    let (mut owner, mut viewers, room) = company(&house).await;
    let mut sender = house.viewer(&room).await;
    sender.send_binary(br#"{"status":{"value":3}}"#).await;
    sender.expect_close(1003).await;
    check_undisturbed(&mut owner, &mut viewers, &room).await;
    owner.send_binary(&[0, 0xff]).await;
    owner.expect_close(1003).await;
    for viewer in &mut viewers {
        viewer.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_is_not_utf8_closes_its_sender_and_nobody_else() {
    let house = House::open(Config::default()).await;
    let (mut owner, mut viewers, room) = company(&house).await;
    let mut sender = house.viewer(&room).await;
    sender.send_raw(&[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28]).await;
    sender.expect_close(1007).await;
    check_undisturbed(&mut owner, &mut viewers, &room).await;
    // In the parameters of a message that is good otherwise, so that only the text's bytes are wrong.
    let mut bytes = classic::publish("key", r#"["?"]"#).into_bytes();
    *bytes.iter_mut().find(|byte| **byte == b'?').unwrap() = 0xff;
    let header = [0x81, 0x80 | u8::try_from(bytes.len()).unwrap(), 0, 0, 0, 0];
    owner.send_raw(&[&header[..], &bytes].concat()).await;
    owner.expect_close(1007).await;
    for viewer in &mut viewers {
        viewer.expect_nothing().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_60_kib_arrives_whole() {
    let house = House::open(Config::default()).await;
    let (mut owner, mut viewers, room) = company(&house).await;
    for bytes in [511, 512, 513, 4_096, 60 * 1024] {
        let params = format!(r#"["{}"]"#, "x".repeat(bytes));
        owner.send(&classic::publish("long", &params)).await;
        for viewer in &mut viewers {
            viewer.expect(&classic::message(&room, "long", &params, false)).await;
        }
    }
    check_undisturbed(&mut owner, &mut viewers, &room).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_64_kib_closes_its_owner_with_1009_and_is_relayed_to_nobody() {
    let house = House::open(Config::default()).await;
    let (mut owner, mut viewers, room) = company(&house).await;
    let envelope = classic::publish("long", r#"[""]"#).len();
    let largest = format!(r#"["{}"]"#, "x".repeat(64 * 1024 - envelope));
    owner.send(&classic::publish("long", &largest)).await;
    for viewer in &mut viewers {
        viewer.expect(&classic::message(&room, "long", &largest, false)).await;
    }
    owner.send(&classic::publish("long", &format!("{} ", largest))).await;
    owner.expect_close(1009).await;
    for viewer in &mut viewers {
        viewer.expect_nothing().await;
    }
}
