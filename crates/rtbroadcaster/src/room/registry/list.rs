//! The rooms by their names, and the numbers of rooms and kept bytes for each address that created rooms.
//! Must not know what rooms do.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use rtbroadcaster_core::address_block::AddressBlock;
use rtbroadcaster_core::config::Config;
use rtbroadcaster_core::id::RoomId;
use rtbroadcaster_core::limit::Limit;
use rtbroadcaster_core::refusal::CreateError;

use crate::room::Room;
use crate::room::quota::{Bytes, Share};

/// All rooms.
#[derive(Debug, Default)]
pub(super) struct List {
    by_id: HashMap<RoomId, Listed>,
    per_place: HashMap<AddressBlock, OfPlace>,
    /// The bytes that all of them keep.
    bytes: Bytes,
    /// Whether no room is created any more.
    pub(super) is_shut: bool,
}

#[derive(Debug)]
struct Listed {
    room: Arc<Room>,
    /// The address block of its first owner, if that is known and the room counts for it.
    place: Option<AddressBlock>,
}

/// The rooms whose first owners came from one place.
#[derive(Debug, Default)]
struct OfPlace {
    rooms: usize,
    /// The bytes that they keep.
    bytes: Bytes,
}

/// The reason why no room can be added.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// A room of this name exists.
    Exists,
    /// Its address has too many rooms, of which one may be ended for the new one.
    OfItsOwn,
    /// Another limit is reached. No room is ended for it.
    Finally,
}

impl From<Full> for CreateError {
    fn from(full: Full) -> Self {
        match full {
            Full::Exists => Self::Exists,
            Full::OfItsOwn | Full::Finally => Self::TooManyRooms,
        }
    }
}

impl List {
    /// Checks that `place` may have one more room, `id`.
    ///
    /// # Errors
    /// The reason why not.
    pub(super) fn check(&self, id: &RoomId, place: Option<AddressBlock>, config: &Config) -> Result<(), Full> {
        if self.by_id.contains_key(id) {
            return Err(Full::Exists);
        }
        let is_over = |bytes: &Bytes, limit: Limit<u64>| limit.is_reached_by(bytes.load(Ordering::Relaxed));
        let of_place = place.and_then(|place| self.per_place.get(&place));
        if config.rooms_max.is_reached_by(self.by_id.len())
            || is_over(&self.bytes, config.data_bytes_max)
            || of_place.is_some_and(|of_place| is_over(&of_place.bytes, config.data_bytes_per_address_max))
        {
            return Err(Full::Finally);
        }
        let rooms = of_place.map_or(0, |of_place| of_place.rooms);
        if config.rooms_per_address_max.is_reached_by(rooms) { Err(Full::OfItsOwn) } else { Ok(()) }
    }

    /// Adds the room that `make` returns, which is given its share of the bytes to keep. The room counts for `place`.
    pub(super) fn add(
        &mut self,
        place: Option<AddressBlock>,
        config: &Config,
        make: impl FnOnce(Share) -> Arc<Room>,
    ) -> Arc<Room> {
        let of_place = place.map(|place| {
            let of_place = self.per_place.entry(place).or_default();
            of_place.rooms += 1;
            &of_place.bytes
        });
        let room = make(Share::new(&self.bytes, of_place, config));
        self.by_id.insert(room.id().clone(), Listed { room: Arc::clone(&room), place });
        room
    }

    /// Removes `room`. Returns whether it was there.
    pub(super) fn remove(&mut self, room: &Room) -> bool {
        let is_here = self.listed(room).is_some();
        if is_here {
            self.release_place_of(room);
            self.by_id.remove(room.id());
        }
        is_here
    }

    /// Stops counting `room`, which ends, for its place.
    pub(super) fn release_place_of(&mut self, room: &Room) {
        let place = self.listed(room).and_then(|listed| listed.place.take());
        self.release(place);
    }

    /// Returns the entry of this very room: one that has ended may have given its name to another.
    fn listed(&mut self, room: &Room) -> Option<&mut Listed> {
        self.by_id.get_mut(room.id()).filter(|listed| std::ptr::eq(&*listed.room, room))
    }

    fn release(&mut self, place: Option<AddressBlock>) {
        if let Some(place) = place
            && let Some(of_place) = self.per_place.get_mut(&place)
        {
            of_place.rooms -= 1;
            if of_place.rooms == 0 {
                self.per_place.remove(&place);
            }
        }
    }

    /// Returns the room `id`, if there is one.
    pub(super) fn get(&self, id: &RoomId) -> Option<Arc<Room>> {
        self.by_id.get(id).map(|listed| Arc::clone(&listed.room))
    }

    /// Returns how many rooms there are.
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Returns all rooms, in no order.
    pub(super) fn rooms(&self) -> Vec<Arc<Room>> {
        self.by_id.values().map(|listed| Arc::clone(&listed.room)).collect()
    }

    /// Returns the rooms that count for `place`, in no order.
    pub(super) fn rooms_of(&self, place: AddressBlock) -> Vec<Arc<Room>> {
        let is_of_place = |listed: &&Listed| listed.place == Some(place);
        self.by_id.values().filter(is_of_place).map(|listed| Arc::clone(&listed.room)).collect()
    }
}
