//! Right texts of clients, to be mutated: stories of both protocols in all parts. Pure.

use crate::load::peer::V2;
use crate::random::Random;

/// The names that right texts need.
#[derive(Debug, Clone)]
pub(super) struct Names {
    /// A room with viewers.
    pub(super) room: String,
    /// A room of the attacker's, and its owner key.
    pub(super) own_room: String,
    pub(super) own_key: String,
}

/// The texts of a client on one connection, in order.
#[derive(Debug)]
pub(super) struct ClientTexts {
    pub(super) protocol: Option<&'static str>,
    pub(super) texts: Vec<String>,
}

/// Returns one of the stories, most of them without a new room.
pub(super) fn story(names: &Names, random: &mut Random) -> ClientTexts {
    let Names { room, own_room, own_key } = names;
    let text = |text: &str| text.to_owned();
    let classic = |texts| ClientTexts { protocol: None, texts };
    let new = |texts| ClientTexts { protocol: V2, texts };
    match random.index(8) {
        0 => classic(vec![
            format!(r#"{{"uuid":"{room}","status":{{"value":2,"text":"join"}},"funcKey":"","funcParams":[]}}"#),
            format!(r#"{{"uuid":"{room}","status":{{"value":3}},"funcKey":"slide","funcParams":[3,"é"]}}"#),
            text(r#"{"status":{"value":4}}"#),
        ]),
        1 if random.one_in(4) => classic(vec![
            text(
                r#"{"uuid":"","status":{"value":1,"text":"new connection"},"funcKey":"","funcParams":[],"stateMessage":false}"#,
            ),
            text(
                r#"{"status":{"value":3},"funcKey":"slide","funcParams":[1,2.5e3,null,{"a":[true]}],"stateMessage":true}"#,
            ),
            text(r#"{"status":{"value":3},"funcKey":"bell","funcParams":null}"#),
            text(r#"{"status":{"value":4}}"#),
        ]),
        2 if random.one_in(4) => new(vec![
            text(
                r#"{"type":"create","id":"9f86d081884c7d65-1","audience":true,"signals":{"vote":{"count":true,"everyMs":100,"oncePerViewer":true},"hand":{}}}"#,
            ),
            text(r#"{"type":"publish","id":"9f86d081884c7d65-2","key":"slide","params":[3,"\u00e9"],"state":true}"#),
            text(r#"{"type":"close"}"#),
        ]),
        3 | 4 => new(vec![
            format!(r#"{{"type":"join","id":"a","room":"{room}","cursor":{{"epoch":"e","seq":12}}}}"#),
            text(r#"{"type":"pause"}"#),
            text(r#"{"type":"unpause","id":"d"}"#),
            text(r#"{"type":"pause"}"#),
            text(r#"{"type":"unpause","id":"e"}"#),
            text(r#"{"type":"signal","id":"f","key":"hand","params":["\u00e9",{"a":[-1.5e3]}]}"#),
            text(r#"{"type":"leave"}"#),
        ]),
        _ => {
            let own = format!(r#"{{"type":"own","id":"c","room":"{own_room}","ownerKey":"{own_key}"}}"#);
            let publish = |n: usize| match n % 4 {
                0 => format!(r#"{{"type":"publish","id":"9f86-{}","key":"k{n}","params":[{n},"a"]}}"#, random.next()),
                1 => format!(r#"{{"type":"publish","key":"k{n}","params":[{n},[[]],{{"b":-1.5}}],"state":true}}"#),
                2 => format!(r#"{{"type":"publish","key":"k{n}","params":[0.5,0.25],"ephemeral":true}}"#),
                _ => format!(r#"{{"type":"clear","key":"k{}"}}"#, n - 2),
            };
            new(std::iter::once(own).chain((0..12).map(publish)).collect())
        }
    }
}

/// Returns a request that becomes a WebSocket connection.
pub(super) fn handshake(host: &str, random: &mut Random) -> Vec<u8> {
    let mut request = format!(
        "GET /broadcasting HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    );
    if random.one_in(2) {
        request.push_str("Sec-WebSocket-Protocol: chat, rtbroadcaster.v2\r\n");
    }
    if random.one_in(2) {
        request.push_str(&format!("Origin: http://{host}\r\nCookie: a=b; c=d\r\n"));
    }
    if random.one_in(4) {
        request
            .push_str("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nContent-Length: 3\r\n");
    }
    (request + "\r\n").into_bytes()
}
