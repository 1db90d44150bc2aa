//! The destination of `watch` and `publish`: the address of a server, and the room if the link names one.
//! Must not know connections.

use std::fmt;
use std::str::FromStr;

use axum::http::Uri;
use axum::http::uri::{PathAndQuery, Scheme};
use rtbroadcaster::RoomId;

use crate::ending::{Code, CommandError};
use crate::endpoint::Endpoint;

/// The start of the query parameter that names the room in a viewers' link.
const ROOM: &str = "uuid=";

/// A server's WebSocket address, and the room if a viewers' link was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Destination {
    /// The WebSocket URL that `remote` connects to.
    address: String,
    /// The URL of the same server's page, without a path.
    page: String,
    room: Option<RoomId>,
}

/// The error for a text that is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected ws://HOST:PORT/broadcasting, wss://…, or the viewers' link of a room, http://HOST:PORT/?uuid=ROOM")]
pub(crate) struct NoDestination;

impl Destination {
    /// Returns the room that the link or the argument `beside` it names.
    ///
    /// # Errors
    /// If they name different rooms.
    pub(crate) fn room(&self, beside: Option<RoomId>) -> Result<Option<RoomId>, CommandError> {
        match (self.room.clone(), beside) {
            (Some(one), Some(other)) if one != other => Err(CommandError::new(
                Code::Usage,
                format!("the link names the room {one}, the argument behind it the room {other}"),
                "Give one of them.",
            )),
            (one, other) => Ok(one.or(other)),
        }
    }

    /// Returns the link that viewers of `room` open.
    pub(crate) fn link(&self, room: &RoomId) -> String {
        format!("{}/?{ROOM}{room}", self.page)
    }
}

impl FromStr for Destination {
    type Err = NoDestination;

    fn from_str(text: &str) -> Result<Self, NoDestination> {
        let uri: Uri = text.parse().map_err(|_| NoDestination)?;
        let (socket, page) = match uri.scheme_str() {
            Some("ws" | "http") => ("ws", Scheme::HTTP),
            Some("wss" | "https") => ("wss", Scheme::HTTPS),
            _ => return Err(NoDestination),
        };
        let authority = uri.authority().ok_or(NoDestination)?;
        // Lists of processes would show a name and a password.
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(NoDestination);
        }
        let is_page = matches!(uri.scheme_str(), Some("http" | "https"));
        let query = uri.query().unwrap_or_default();
        let room = match query.split('&').find_map(|member| member.strip_prefix(ROOM)) {
            Some(room) if is_page => Some(room.parse().map_err(|_| NoDestination)?),
            _ => None,
        };
        // A page is at the root, and its endpoint at the server's default path. A WebSocket address gets that path only
        // if it has none.
        let typed = text.split_once("://").map_or("", |(_, rest)| rest);
        let is_bare = if is_page { uri.path() == "/" } else { !typed.contains(['/', '?']) };
        let path = if is_bare {
            Endpoint::default().to_string()
        } else {
            uri.path_and_query().map_or("/", PathAndQuery::as_str).to_owned()
        };
        let address = format!("{socket}://{authority}{path}");
        Ok(Self { address, page: format!("{page}://{authority}"), room })
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.address)
    }
}

#[cfg(test)]
mod tests {
    use rtbroadcaster::OsRandom;

    use super::*;

    #[test]
    fn an_address_or_a_link_leads_to_the_endpoint_and_back_to_the_page() {
        let room: RoomId = "6f8d4f0e-55a1-4b62-9a0c-0f5f6f1f9d3a".parse().unwrap();
        for (text, address, named) in [
            ("ws://127.0.0.1:8080/broadcasting", "ws://127.0.0.1:8080/broadcasting", None),
            ("ws://127.0.0.1:8080", "ws://127.0.0.1:8080/broadcasting", None),
            ("ws://127.0.0.1:8080/", "ws://127.0.0.1:8080/", None),
            ("wss://show.example.org/a?b=c", "wss://show.example.org/a?b=c", None),
            ("http://[::1]:9/", "ws://[::1]:9/broadcasting", None),
            (
                &format!("https://show.example.org/?a=b&uuid={room}"),
                "wss://show.example.org/broadcasting",
                Some(room.clone()),
            ),
            (&format!("http://127.0.0.1:8080?uuid={room}"), "ws://127.0.0.1:8080/broadcasting", Some(room.clone())),
        ] {
            let destination: Destination = text.parse().unwrap();
            assert_eq!((destination.to_string().as_str(), destination.room.clone()), (address, named), "{text}");
            let again: Destination = destination.link(&room).parse().unwrap();
            assert_eq!(again.room, Some(room.clone()));
        }
        for text in ["", "127.0.0.1:8080", "ftp://a/", "ws:///a", "ws://me:secret@a/", "http://a/?uuid=X"] {
            assert_eq!(text.parse::<Destination>(), Err(NoDestination), "{text}");
        }
    }

    #[test]
    fn a_link_and_a_room_beside_it_must_be_one() {
        let [one, other] = [RoomId::random(&OsRandom), RoomId::random(&OsRandom)];
        let link: Destination = format!("http://a/?uuid={one}").parse().unwrap();
        let bare: Destination = "ws://a/b".parse().unwrap();
        assert_eq!(link.room(None).ok(), Some(Some(one.clone())));
        assert_eq!(link.room(Some(one.clone())).ok(), Some(Some(one)));
        assert_eq!(bare.room(Some(other.clone())).ok(), Some(Some(other.clone())));
        assert_eq!(bare.room(None).ok(), Some(None));
        assert!(link.room(Some(other)).is_err());
    }
}
