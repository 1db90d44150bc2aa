//! What a client's commands do to rooms, and what keeps them from it.
//! Must not know the socket, nor how commands and refusals are written.

use std::sync::Arc;

use super::{Client, Role};
use crate::close::CloseReason;
use crate::id::RoomId;
use crate::message::Message;
use crate::protocol::{Command, Refusal};
use crate::room::{CreateError, JoinError, Owner, PublishError};
use crate::wire::encode;

impl Client {
    /// Does what the client asks for.
    pub(super) async fn act(&mut self, command: Command) -> Result<(), Refusal> {
        match command {
            Command::Create => self.create(),
            Command::Join { room } => self.join(&room),
            // Boxed, so that the task of a viewer, who never publishes, holds no space for it.
            Command::Publish { room, message } => Box::pin(self.publish(room, message)).await,
            Command::Close { room } => self.close(&room),
        }
    }

    fn create(&mut self) -> Result<(), Refusal> {
        self.be_without_room()?;
        if !self.permit.may_create() {
            return Err(Refusal::NotOwner);
        }
        let owner = self.manager.registry().create(self.place, None).map_err(|error| match error {
            CreateError::TooManyRooms => Refusal::RoomLimit,
            CreateError::ShuttingDown => Refusal::Unavailable,
        })?;
        self.outbox.answer(self.protocol.connected(owner.room()));
        owner.speaks_through(&self.outbox);
        self.role = Role::Owner(owner);
        self.deadlines.entered();
        Ok(())
    }

    fn join(&mut self, room: &str) -> Result<(), Refusal> {
        self.be_without_room()?;
        let id: RoomId = room.parse().map_err(|_| Refusal::NoRoom)?;
        if !self.permit.may_join(id) {
            return Err(Refusal::NoRoom);
        }
        let connected = self.protocol.connected(id);
        let membership = self.manager.registry().join(id, Arc::clone(&self.outbox), connected);
        self.role = Role::Viewer(membership.map_err(|error| match error {
            JoinError::NoRoom => Refusal::NoRoom,
            JoinError::RoomFull => Refusal::RoomFull,
        })?);
        self.deadlines.entered();
        Ok(())
    }

    async fn publish(&mut self, room: String, message: Message) -> Result<(), Refusal> {
        match self.own(&room)?.publish(message).await {
            Ok(_) => Ok(()),
            Err(PublishError::StateFull) => Err(Refusal::StateFull),
            Err(PublishError::BadMessage(_) | PublishError::IdReused) => Err(Refusal::BadMessage),
            // The room's farewell, or the takeover's, is already on its way to this client.
            Err(PublishError::RoomEnded | PublishError::Fenced) => Ok(()),
        }
    }

    fn close(&mut self, room: &str) -> Result<(), Refusal> {
        if matches!(self.role, Role::Owner(_)) {
            self.own(room)?;
            if let Role::Owner(owner) = std::mem::replace(&mut self.role, Role::Leaving) {
                owner.close();
            }
        } else {
            self.outbox.cut(encode::close(CloseReason::Done));
        }
        Ok(())
    }

    fn be_without_room(&self) -> Result<(), Refusal> {
        if matches!(self.role, Role::Waiting(_)) { Ok(()) } else { Err(Refusal::AlreadyInRoom) }
    }

    /// The right to speak in `room`, where empty means the own one.
    fn own(&mut self, room: &str) -> Result<&mut Owner, Refusal> {
        match &mut self.role {
            Role::Owner(owner) if room.is_empty() || room.parse() == Ok(owner.room()) => Ok(owner),
            _ => Err(Refusal::NotOwner),
        }
    }
}
