//! The messages of classic clients, against section 1 of PROTOCOL.md. Must not know rooms.

use rtbroadcaster::Kind;
use rtbroadcaster_core::message::{DEPTH_MAX, KEY_BYTES_MAX};
use rtbroadcaster_core::protocol::{Command, Request, classic};
use rtbroadcaster_core::refusal::Refusal;

use crate::members::{Member, Members, nesting};
use crate::message::{created, on_one_line, published, text, travels, words};

/// Checks that `bytes`, the text of one message, are understood exactly as PROTOCOL.md says. An accepted message is
/// passed on as it was sent; each refusal repeats the `uuid` and is one object.
pub fn classic(bytes: &[u8]) {
    // A connection ends at text that is not UTF-8 before anything parses it.
    let Ok(sent) = std::str::from_utf8(bytes) else { return };
    let Request { echo, command } = (classic::DIALECT.decode)(sent);
    let members = Members::read(sent).filter(|_| nesting(sent) <= DEPTH_MAX);
    let expected = members.as_ref().and_then(asked).unwrap_or_else(|| "bad_message".into());
    assert_eq!(words(&command), expected, "{sent}");
    let uuid = members.and_then(|members| members.get("uuid").string()).unwrap_or_default();
    assert!(*echo == *uuid || (echo.is_empty() && command.is_err()), "{echo:?} is not the uuid of {sent}");
    match &command {
        Ok(Command::Publish { message, .. }) => travels(message),
        Ok(_) => {}
        Err(refusal) => assert_eq!(*refusal, Refusal::BadMessage),
    }
    Refusal::ALL.into_iter().for_each(|refusal| refused(&echo, refusal));
}

fn refused(echo: &str, refusal: Refusal) {
    let frame = (classic::DIALECT.refused)(echo, refusal);
    let said = Members::read(text(&frame)).unwrap_or_else(|| panic!("not an object: {frame:?}"));
    let status = said.get("status").once().and_then(Members::read).expect("a status");
    assert_eq!(said.get("uuid").string().as_deref(), Some(echo));
    assert_eq!(status.get("value"), Member::Once("0"));
    assert_eq!(status.get("text").string().as_deref(), Some(refusal.text()));
    assert_eq!((said.len(), status.len()), (5, 2));
}

/// Returns the request of a message, or `None` if it makes no sense.
fn asked(members: &Members<'_>) -> Option<String> {
    let member = |name| members.get(name).null_is_missing();
    let text = |member: Member<'_>| if member == Member::Missing { Some(String::new()) } else { member.string() };
    let (room, key, is_state) = (text(member("uuid"))?, text(member("funcKey"))?, member("stateMessage").flag()?);
    let params = match member("funcParams") {
        Member::Missing => "[]",
        Member::Once(raw) => raw,
        Member::Repeated => return None,
    };
    let value = match member("status") {
        Member::Missing => return None,
        Member::Once(raw) => {
            let status = Members::read(raw)?;
            text(status.get("text").null_is_missing())?;
            status.get("value").once()?
        }
        Member::Repeated => return None,
    };
    match value {
        "1" => Some(created(false, &[], None)),
        "2" => Some(format!("join {room:?} fresh")),
        "3" => {
            let is_lawful = (1..=KEY_BYTES_MAX).contains(&key.len()) && params.starts_with('[');
            let kind = if is_state { Kind::State } else { Kind::Event };
            is_lawful.then(|| published(&room, kind, &key, &on_one_line(params), None))
        }
        "4" => Some(format!("leave {room:?}")),
        _ => None,
    }
}
