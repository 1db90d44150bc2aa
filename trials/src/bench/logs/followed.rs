//! Measures what a room of another node costs a node that follows it. Must not know how it is followed.

use std::time::Duration;

use rtbroadcaster::Message;
use rtbroadcaster::remote::{Options, Owner, Viewer};
use tokio::time::{sleep, timeout};

use super::place::{Place, Places};
use crate::load::{on_a_thread, outcome, process};
use crate::steps::Failure;

/// The rooms.
const ROOMS: usize = 1_000;

/// The most time of one answer, of everything, and until memory is at rest.
const ANSWER: Duration = Duration::from_secs(10);
const LIMIT: Duration = Duration::from_secs(180);
const REST: Duration = Duration::from_secs(8);

/// For how long each room gets a message a second.
const SPEAKING: Duration = Duration::from_secs(10);

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::new(error.to_string())
}

/// Returns lines about rooms of one node that are followed on another, beside rooms whose viewers are on their own node.
pub(super) fn measure(places: &Places, is_quick: bool) -> Result<String, Failure> {
    let rooms = if is_quick { ROOMS / 20 } else { ROOMS };
    let (here, there) = (places.serve(Place::NatsAlone)?, places.serve(Place::NatsAlone)?);
    let urls = [&here, &there].map(|server| format!("ws://{}/broadcasting", server.address()));
    let pids = [here.process(), there.process()];
    let measured = outcome(on_a_thread(LIMIT, move || async move {
        let [near, far] = &urls;
        let mut owners = Vec::new();
        for _ in 0..rooms {
            owners.push(timeout(ANSWER, Owner::create(&**near)).await.map_err(failed)?.map_err(failed)?);
        }
        let mut bytes = [0.0; 2];
        let mut idle = [0.0; 2];
        let mut per_message = [0.0; 2];
        // First on their own node, then on the other one.
        for (place, url) in [near, far].into_iter().enumerate() {
            sleep(REST).await;
            let before = process::rss(pids[place])?;
            let mut viewers = Vec::new();
            for owner in &owners {
                let viewer = Viewer::join_with(&**url, owner.room(), Options::default()).map_err(failed)?;
                timeout(ANSWER, viewer.inside()).await.map_err(failed)?.map_err(failed)?;
                viewers.push(viewer);
            }
            sleep(REST).await;
            #[expect(clippy::cast_precision_loss, reason = "figures")]
            let share = |total: u64, count: usize| total as f64 / count as f64;
            bytes[place] = share(process::rss(pids[place])?.saturating_sub(before), rooms);
            let begun = process::cpu(pids[place])?;
            sleep(SPEAKING).await;
            let rest = process::cpu(pids[place])?.saturating_sub(begun);
            idle[place] = rest.as_secs_f64() / SPEAKING.as_secs_f64();
            let begun = process::cpu(pids[place])?;
            let mut count = 0;
            let mut beat = tokio::time::interval(Duration::from_secs(1));
            for _ in 0..SPEAKING.as_secs() {
                beat.tick().await;
                for owner in &owners {
                    count += 1;
                    let message = Message::state("value", [count]).map_err(failed)?;
                    let _ticket = owner.send(message).await.map_err(failed)?;
                }
            }
            beat.tick().await;
            let used = process::cpu(pids[place])?.saturating_sub(begun);
            per_message[place] = 1e6 * (used.saturating_sub(rest)).as_secs_f64() / share(count, 1);
        }
        Ok((bytes, idle, per_message))
    }))?;
    let (bytes, idle, per_message) = measured;
    Ok(format!(
        "followed room ({rooms} of them, one viewer each, NATS R1): a viewer on the room's own node takes {:.1} KB, one of a \
         followed room {:.1} KB with the room; CPU of the node at rest {:.1} % and {:.1} %; CPU of a message {:.0} us on its \
         own node with the owner, {:.0} us where it is followed\n",
        bytes[0] / 1e3,
        bytes[1] / 1e3,
        100.0 * idle[0],
        100.0 * idle[1],
        per_message[0],
        per_message[1],
    ))
}
