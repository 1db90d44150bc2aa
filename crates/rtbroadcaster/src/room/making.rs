//! Makes rooms: new ones, those that were kept, and those that another node has.
//! Must not know who asks for them.

use std::sync::{Arc, Mutex, Weak};

use rtbroadcaster_core::id::{Life, Numbering, RoomId};
use rtbroadcaster_core::options::RoomOptions;
use rtbroadcaster_core::owner_key::KeyHash;
use rtbroadcaster_core::rate::Rate;
use rtbroadcaster_core::record::{Header, Lives, Stored};
use rtbroadcaster_core::room::core::Core;
use rtbroadcaster_core::room::log::Lineage;
use rtbroadcaster_core::room::presence::AbsenceLimits;
use tokio::sync::Semaphore;

use super::audience_state::AudienceState;
use super::members::Members;
use super::quota::Share;
use super::waiting::Waiter;
use super::{BUDGET_BYTES, NO_KEY, Registry, Room, RoomState, SignalRates, Surroundings};
use crate::engine::{Engine, FoundRoom};

impl Room {
    /// Makes a room with its first owner. If there is an engine and a key, the room is kept once it has
    /// [begun](Self::begin).
    pub(super) fn new(
        id: RoomId,
        key: Option<KeyHash>,
        options: &RoomOptions,
        share: Share,
        registry: &Weak<Registry>,
        around: &Surroundings,
    ) -> Arc<Self> {
        let config = &around.config;
        let patience = match key {
            Some(_) => AbsenceLimits::of_a_key(options.grace(), config),
            None => AbsenceLimits::without_key(config),
        };
        let shared = around.engine.as_ref().and_then(|engine| engine.shared());
        let lives = match shared {
            Some(_) => Arc::new(Lives::only(Life::random(&*around.random))),
            None => Arc::clone(&around.lives),
        };
        let lineage = Lineage::new(Numbering::random(&*around.random), lives);
        let engine = match shared {
            // A viewer may join on another node.
            Some(shared) => Some(shared.create(&id)),
            // No owner can return to a room without a key.
            None => around.engine.clone().filter(|_| key.is_some()),
        };
        let core = Core::with_lineage(id, lineage, patience, config);
        Self::of(core, key, engine.map(|engine| (engine, share)), options, registry, around)
    }

    /// Restores a room that was kept, without members. Its end is to be scheduled: [`end_if_due`](Self::end_if_due).
    pub(super) fn recall(stored: Stored, share: Share, registry: &Weak<Registry>, around: &Surroundings) -> Arc<Self> {
        let key = KeyHash::from_bytes(stored.header.key);
        let (options, moment) = (stored.header.options.clone(), stored.header.moment);
        let now = around.clock.now();
        let patience = AbsenceLimits::of_a_key(options.grace(), &around.config).after_a_start(now, moment);
        let core = Core::restore(stored, &around.lives, &around.config, patience, now);
        share.holds(core.kept_bytes());
        let keeps = around.engine.clone().map(|engine| (engine, share));
        Self::of(core, Some(key), keeps, &options, registry, around)
    }

    /// Makes a room that another node has created, as the log has it, without members.
    pub(super) fn load(
        found: &FoundRoom,
        id: RoomId,
        share: Share,
        registry: &Weak<Registry>,
        around: &Surroundings,
    ) -> Arc<Self> {
        let Header { key, options, .. } = &found.checkpoint.header;
        let key = Some(*key).filter(|key| *key != NO_KEY).map(KeyHash::from_bytes);
        let absence = match key {
            Some(_) => AbsenceLimits::of_a_key(options.grace(), &around.config),
            None => AbsenceLimits::without_key(&around.config),
        };
        let core = Core::load(id, found.checkpoint.clone(), &around.config, absence);
        Self::of(core, key, Some((Arc::clone(&found.engine), share)), options, registry, around)
    }

    pub(super) fn of(
        core: Core<Waiter>,
        key: Option<KeyHash>,
        keeps: Option<(Arc<dyn Engine>, Share)>,
        options: &RoomOptions,
        registry: &Weak<Registry>,
        around: &Surroundings,
    ) -> Arc<Self> {
        let (id, numbering) = (core.id().clone(), core.numbering());
        let (engine, share) = keeps.unzip();
        let members = Members::new(id.clone(), Arc::clone(&around.lanes));
        let state = RoomState {
            core,
            members,
            audience: AudienceState::new(options, &around.voters),
            owner: None,
            departure: None,
            is_in_doubt: false,
        };
        Arc::new_cyclic(|me| Self {
            id,
            numbering,
            clock: around.clock,
            random: Arc::clone(&around.random),
            counters: Arc::clone(&around.counters),
            registry: Weak::clone(registry),
            message_bytes_max: around.config.message_bytes_max.most(),
            signal_rates: SignalRates {
                per_viewer: Rate::per_second(around.config.signals_per_viewer_per_second),
                per_room: Rate::per_second(around.config.signals_per_room_per_second),
            },
            key,
            viewer_keys: Arc::clone(&around.viewer_keys),
            engine,
            share,
            me: Weak::clone(me),
            budget: Arc::new(Semaphore::new(BUDGET_BYTES)),
            state: Mutex::new(state),
        })
    }
}
