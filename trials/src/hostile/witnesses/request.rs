//! Requests of plain HTTP from an address that behaves, again and again. Must not know the attacks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{SOON, Shared};
use crate::hostile::plain::Plain;
use crate::hostile::sources::GOOD;

/// The time between two requests, each on a connection of its own.
const TURN: Duration = Duration::from_millis(150);

/// The requests of a health check, and of a browser.
const PATHS: [&str; 3] = ["/readyz", "/page/page.css", "/healthz"];

/// Makes requests, and records how long the answers take and which are wrong.
pub(super) async fn repeat(address: SocketAddr, shared: Arc<Shared>) {
    let mut turns = interval(TURN);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for (number, path) in (0..).zip(PATHS.into_iter().cycle()) {
        turns.tick().await;
        let began = Instant::now();
        let asked = timeout(SOON, async {
            let mut plain = Plain::open_from(GOOD.of(number), address).await?;
            plain.ask(path).await
        });
        let asked = asked.await;
        let mut heard = shared.heard();
        match asked {
            Ok(Ok(200)) => {
                heard.requests += 1;
                heard.slowest_request = heard.slowest_request.max(began.elapsed());
            }
            Ok(Ok(status)) => heard.ends.push(format!("{path} was answered with {status}")),
            Ok(Err(error)) => heard.ends.push(format!("{path}: {error}")),
            Err(_) => heard.ends.push(format!("{path} takes over {SOON:?}")),
        }
    }
}
