//! Carries out a client's commands in rooms, or denies them.
//! Must not know the socket, nor how commands and refusals are written.

use std::sync::Arc;

use bytes::Bytes;
use rtbroadcaster_core::id::Seq;
use rtbroadcaster_core::identity::ViewerKey;
use rtbroadcaster_core::message::{Key, Message, Params};
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::OwnerKey;
use rtbroadcaster_core::protocol::{Answer, Command, Dialect, Terms};
use rtbroadcaster_core::refusal::{PublishError, Refusal, SignalError};
use rtbroadcaster_core::room::core::{ProposeError, Welcome};
use rtbroadcaster_core::standing::Start;

use super::{Client, Role};
use crate::fanout::{Outbox, Promise};
use crate::rights::{Permit, Rights};
use crate::room::{Done, Owner};
use crate::server::{Server, Visit, Visitor};

/// The refusal of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Denial {
    pub(super) refusal: Refusal,
    /// Whether it counts as a request that the client should not have made.
    pub(super) counts: bool,
}

impl From<Refusal> for Denial {
    /// What the server cannot do at the moment is no fault of the client: an owner publishes on while the disk is full.
    fn from(refusal: Refusal) -> Self {
        Self { refusal, counts: refusal != Refusal::Unavailable }
    }
}

impl Client {
    /// Carries out the command that the client has sent under the name `id`.
    pub(super) async fn act(&mut self, id: &str, command: Command) -> Result<(), Denial> {
        match command {
            Command::Create { options } => self.create(id, options).await?,
            Command::Own { room, key, start } => self.take_over(id, &room, &key, &start).await?,
            Command::Join { room, start, viewer } => self.join(id, &room, &start, viewer.as_deref()).await?,
            Command::Signal { key, params } => self.signal(&key, &params).await?,
            Command::Ping => self.pong(id)?,
            Command::Pause => self.pause()?,
            Command::Unpause => self.unpause(id)?,
            Command::Leave { room } => self.leave_room(&room)?,
            Command::Close => self.close_room()?,
            Command::Publish { room, message } => self.publish(id, room, message).await?,
            Command::Clear { key, id: name } => self.clear(id, key, name).await?,
        }
        Ok(())
    }

    /// Returns whether `command` has to wait for earlier requests: until a viewer is live, or paused at a position that
    /// cannot change any more.
    pub(super) fn must_wait(&self, command: &Command) -> bool {
        matches!(command, Command::Pause | Command::Unpause) && !self.outbox.is_settled()
    }

    async fn create(&mut self, id: &str, options: RoomOptions) -> Result<(), Refusal> {
        self.be_without_room()?;
        let key = self.dialect().has_owner_keys.then(|| OwnerKey::random(self.server.random()));
        let owner = self.server.create(self.visitor(), key, options).await?;
        let key = owner.key_of_client().map_or("", OwnerKey::as_str);
        let next = self.promise(0);
        let terms = Terms { config: self.server.config(), next };
        let answer = Answer::Created { standing: &owner.standing(), key, grace: owner.grace(), terms };
        self.accept(id, &answer);
        owner.speaks_through(&self.outbox);
        self.role = Role::Owner(owner);
        self.deadlines.entered();
        Ok(())
    }

    async fn take_over(&mut self, id: &str, room: &str, key: &str, start: &Start) -> Result<(), Refusal> {
        self.be_without_room()?;
        let owner = self.server.own(self.visitor(), room, key).await?;
        let grace = owner.grace();
        let next = self.promise(owner.viewers());
        let terms = Terms { config: self.server.config(), next };
        let announce = |welcome: &Welcome| {
            let Welcome { standing, how, entries } = welcome;
            let answer = Answer::Owned { standing, how: *how, grace, terms, replay: entries.len() };
            let hold = self.server.replays(self.place, welcome.bytes());
            ((self.dialect().accepted)(id, &answer).unwrap_or_default(), hold)
        };
        owner.is_greeted_through(&self.outbox, start, &announce);
        self.role = Role::Owner(owner);
        self.deadlines.entered();
        Ok(())
    }

    async fn join(&mut self, id: &str, room: &str, start: &Start, shown: Option<&ViewerKey>) -> Result<(), Refusal> {
        self.be_without_room()?;
        let (server, dialect) = (&*self.server, self.dialect());
        let announce = |welcome: &Welcome, viewer: &ViewerKey| joined(server, dialect, id, welcome, viewer);
        let visit = Visit { room, start, shown, outbox: &self.outbox, announce: &announce };
        let membership = self.server.enter(self.visitor(), visit).await?;
        self.role = Role::Viewer(membership);
        self.deadlines.entered();
        Ok(())
    }

    async fn publish(&mut self, id: &str, room: String, message: Message) -> Result<(), Refusal> {
        let wants_ack = message.has_id();
        let Self { role, outbox, server, permit, .. } = self;
        let owner = own(role, &room)?;
        must(permit, |rights| rights.publish)?;
        let said = owner.say(message, || later(outbox, server, id, wants_ack)).await;
        self.said(id, said, wants_ack)
    }

    async fn clear(&mut self, id: &str, key: Key, name: Option<Box<str>>) -> Result<(), Refusal> {
        let wants_ack = name.is_some();
        let Self { role, outbox, server, permit, .. } = self;
        let owner = own(role, "")?;
        must(permit, |rights| rights.publish)?;
        let said = owner.clear_as(key, name, || later(outbox, server, id, wants_ack)).await;
        self.said(id, said, wants_ack)
    }

    /// Answers a message that is applied, will be when it is written, or is refused.
    fn said(&mut self, id: &str, said: Result<Option<Seq>, PublishError>, wants_ack: bool) -> Result<(), Refusal> {
        match said {
            Ok(Some(seq)) if wants_ack => self.accept(id, &Answer::Ack(seq)),
            Ok(_) => {}
            // The farewell of the room or of the takeover is already queued for this client.
            Err(PublishError::RoomEnded | PublishError::Fenced) => {}
            // So is the request to come back.
            Err(PublishError::Unavailable) if matches!(&self.role, Role::Owner(owner) if owner.departs()) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn signal(&mut self, key: &Key, params: &Params) -> Result<(), Denial> {
        let Role::Viewer(membership) = &mut self.role else { return Err(Refusal::BadMessage.into()) };
        must(&self.permit, |rights| rights.signal)?;
        membership.signal(key, params, self.place).await.map_err(|error| match error {
            // Other connections have used it up.
            SignalError::SharedRate => Denial { refusal: error.into(), counts: false },
            _ => Refusal::from(error).into(),
        })
    }

    /// Answers behind what waits, so that the answer also says that this was sent.
    fn pong(&self, id: &str) -> Result<(), Refusal> {
        let seq = match &self.role {
            Role::Owner(owner) => owner.standing().seq,
            Role::Viewer(membership) => membership.room_seq(),
            _ => return Err(Refusal::BadMessage),
        };
        self.accept(id, &Answer::Pong(seq));
        Ok(())
    }

    fn pause(&mut self) -> Result<(), Refusal> {
        let Role::Viewer(_) = &self.role else { return Err(Refusal::BadMessage) };
        self.outbox.pause();
        Ok(())
    }

    fn unpause(&mut self, id: &str) -> Result<(), Refusal> {
        let Role::Viewer(membership) = &self.role else { return Err(Refusal::BadMessage) };
        // The request has waited until the viewer is live, or paused at a position that cannot change any more.
        let position = self.outbox.position().ok_or(Refusal::BadMessage)?;
        self.server.may_be_replayed(self.visitor())?;
        membership.unpause(position, &|welcome, viewer| {
            (
                joined(&self.server, self.dialect(), id, welcome, viewer),
                self.server.replays(self.place, welcome.bytes()),
            )
        });
        Ok(())
    }

    fn leave_room(&mut self, room: &str) -> Result<(), Refusal> {
        match &self.role {
            Role::Owner(_) => {
                own(&mut self.role, room)?;
                must(&self.permit, |rights| rights.end)?;
                self.end_own_room();
            }
            _ => self.outbox.cut(self.dialect().left),
        }
        Ok(())
    }

    fn close_room(&mut self) -> Result<(), Refusal> {
        own(&mut self.role, "")?;
        must(&self.permit, |rights| rights.end)?;
        self.end_own_room();
        Ok(())
    }

    fn end_own_room(&mut self) {
        if let Role::Owner(owner) = std::mem::replace(&mut self.role, Role::Leaving) {
            owner.close_now();
        }
    }

    fn accept(&self, id: &str, answer: &Answer<'_>) {
        if let Some(answer) = (self.dialect().accepted)(id, answer) {
            self.outbox.answer(answer);
        }
    }

    /// Returns this client as admission sees it.
    fn visitor(&self) -> Visitor<'_> {
        Visitor { permit: &self.permit, lease: self.lease.as_ref(), place: self.place }
    }

    fn be_without_room(&self) -> Result<(), Refusal> {
        if matches!(self.role, Role::Waiting(_)) { Ok(()) } else { Err(Refusal::AlreadyInRoom) }
    }
}

/// Refuses a client without this right. Checked after its role: a client that owns no room gets that error, whatever
/// its rights are.
fn must(permit: &Permit, right: impl FnOnce(&Rights) -> bool) -> Result<(), Refusal> {
    if permit.allows(right) { Ok(()) } else { Err(Refusal::Unauthorized) }
}

/// Returns the announcement for a viewer.
fn joined(server: &Server, dialect: &Dialect, id: &str, welcome: &Welcome, viewer: &ViewerKey) -> Bytes {
    let Welcome { standing, how, entries } = welcome;
    let config = server.config();
    // A lane sends the heartbeats of all viewers alike.
    let terms = Terms { config, next: config.heartbeat() };
    let answer = Answer::Joined { standing, how: *how, replay: entries.len(), terms, viewer };
    (dialect.accepted)(id, &answer).unwrap_or_default()
}

/// Returns the right to speak in `room`, where empty means the client's own room.
fn own<'a>(role: &'a mut Role, room: &str) -> Result<&'a mut Owner, Refusal> {
    match role {
        Role::Owner(owner) if room.is_empty() || room.parse() == Ok(owner.room()) => Ok(owner),
        _ => Err(Refusal::NotOwner),
    }
}

/// Returns a callback that answers the request `id` when its message is written.
fn later(outbox: &Arc<Outbox>, server: &Server, id: &str, wants_ack: bool) -> Done {
    let (counters, dialect) = (Arc::clone(server.counters()), outbox.dialect());
    // The longest answer there may be.
    let answer = Promise::new(outbox, (dialect.refused)(id, Refusal::Unavailable).len());
    let id = String::from(id);
    Box::new(move |outcome| match outcome {
        Ok(seq) if wants_ack => _ = (dialect.accepted)(&id, &Answer::Ack(seq)).map(|ack| answer.keep(ack)),
        // The request to come back is on its way.
        Ok(_) | Err(ProposeError::Departing) => {}
        Err(_) => {
            counters.refused(Refusal::Unavailable.code());
            answer.keep((dialect.refused)(&id, Refusal::Unavailable));
        }
    })
}
