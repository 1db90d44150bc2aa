//! Lets a node go whose rooms other nodes have, too: its viewers move to these a part at a time, and the owners last.
//! Must not know clients.

use std::sync::Arc;
use std::time::Duration;

use super::Registry;
use crate::fanout::Moments;

/// The time between two parts, over which the clients of one part are spread.
const PART: Duration = Duration::from_secs(1);

/// The most parts, and the fewest viewers of one.
const PARTS_MAX: usize = 20;
const PART_VIEWERS_MIN: usize = 50;

impl Registry {
    /// Creates no more rooms. Returns the moments at which clients that are in no room are asked to reconnect.
    pub(crate) fn refuse_rooms(&self) -> Moments {
        self.lock().is_shut = true;
        Moments::within(PART, &*self.around.random)
    }

    /// Asks the viewers of all rooms to come back to other nodes, over up to 20 s, and then their owners.
    pub(crate) async fn depart(self: Arc<Self>) {
        let viewers: usize = self.rooms().iter().map(|room| room.viewers()).sum();
        for left in (1..=viewers.div_ceil(PART_VIEWERS_MIN).min(PARTS_MAX)).rev() {
            let moments = Moments::within(PART, &*self.around.random);
            self.rooms().iter().for_each(|room| room.depart_one_in(left, &moments));
            tokio::time::sleep(PART).await;
        }
        let moments = Moments::within(Duration::ZERO, &*self.around.random);
        self.rooms().iter().for_each(|room| room.shut(&moments));
    }
}
