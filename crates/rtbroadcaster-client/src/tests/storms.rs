//! Random fault tests of an owner and a viewer, on a paused clock. The faults are paths that go silent in either
//! direction, machines that sleep, processes that are stopped, links of 4 KB/s, owners that the server does not read,
//! clocks that jump. In all of them, the status is right 2 s after a machine woke, no room is lost to a silent path, no
//! probe ends a healthy connection, and every message arrives once.
//!
//! `RTBROADCASTER_STORMS=1000` runs so many, from the seed in `RTBROADCASTER_SEED` on.

mod air;
mod server;

use std::time::Duration;

use rtbroadcaster_core::message::Message;
use rtbroadcaster_core::options::RoomOptions;
use tokio::sync::watch;
use tokio::time::{Instant, advance, sleep, timeout};

use super::script::{in_memory, key, room, soon};
use crate::owner::Beginning;
use crate::random::Rng;
use crate::{Heard, Messages, Options, Owner, Status, Viewer};
use air::{Air, Way};
use server::Server;

/// How many storms run, and how long each lasts.
const STORMS: u64 = 25;
const STORM: Duration = Duration::from_secs(300);

/// The time within which the status has to be right.
const TRUE_WITHIN: Duration = Duration::from_secs(2);

/// How late the thread that compares clocks may be, in milliseconds.
const LOOK_MAX: u64 = 400;

/// One of both clients and its environment.
struct Party {
    name: &'static str,
    air: Air,
    slept: watch::Sender<u64>,
    status: watch::Receiver<Status>,
}

impl Party {
    /// Returns whether its status is in the room and not `Checking`.
    fn shows_life(&self) -> bool {
        let status = self.status.borrow();
        status.is_inside() && *status != Status::Checking
    }
}

/// A fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The present connections carry nothing any more, in this direction or in both.
    Silent(Option<Way>),
    /// Nothing gets through for so many milliseconds, and then all of it.
    Outage(u64),
    /// The machine sleeps; its monotonic clock stands still. The path may be silent when it wakes.
    Sleep(u64, bool),
    /// The process is stopped; its timers are late.
    Stopped(u64),
    /// 4 KB/s both ways for so many milliseconds, and a big message on it.
    Slow(u64),
    /// The server does not read the owner for so many milliseconds.
    Slowed(u64),
    /// The wall clock is set.
    Jump,
}

fn number(random: &mut Rng, from: u64, to: u64) -> u64 {
    from + random.number() % (to - from + 1)
}

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Returns the next fault. No sleep is so long that the room ends meanwhile.
fn fault(random: &mut Rng, beat: Duration) -> Fault {
    let beat = u64::try_from(beat.as_millis()).unwrap();
    match number(random, 0, 9) {
        0 => Fault::Silent(Some(Way::Up)),
        1 => Fault::Silent(Some(Way::Down)),
        2 => Fault::Silent(None),
        3 => Fault::Outage(number(random, 500, 8_000)),
        4 => Fault::Sleep(number(random, 100, beat + 4_000), false),
        5 => Fault::Sleep(number(random, 100, beat + 4_000), true),
        6 => Fault::Stopped(number(random, 100, beat + 4_000)),
        7 => Fault::Slow(number(random, 10_000, 60_000)),
        8 => Fault::Slowed(number(random, 1_000, 20_000)),
        _ => Fault::Jump,
    }
}

/// Runs one storm. Returns the number of messages, or what is wrong.
async fn storm(seed: u64) -> Result<usize, String> {
    let mut random = Rng::of(seed);
    let beat = ms(number(&mut random, 5_000, 60_000));
    let server = Server::start(beat);
    let (opened, owner) = owner(&server).await;
    let (viewer, messages, watching) = viewer(&server).await;
    let heard = tokio::spawn(listen(messages));
    let begun = Instant::now();
    let (stop, stopped) = watch::channel(false);
    let big = opened.1.clone();
    let speaking = tokio::spawn(speak(opened.0, random.number(), opened.1.subscribe(), stopped));
    let parties = [owner, watching];
    while begun.elapsed() < STORM {
        sleep(ms(number(&mut random, 500, 30_000))).await;
        let party = &parties[usize::try_from(number(&mut random, 0, 1)).unwrap()];
        let fault = fault(&mut random, beat);
        // A machine that sleeps again and again while its owner comes back loses its room by its own sleep.
        let is_absence = matches!(fault, Fault::Sleep(..) | Fault::Stopped(_));
        if is_absence && !parties.iter().all(|party| party.shows_life()) {
            continue;
        }
        let told = |wrong: String| format!("{} after {:?}, {fault:?}: {wrong}", party.name, begun.elapsed());
        happens(fault, party, &server, &big, &mut random).await.map_err(told)?;
        server.faults().map_err(told)?;
    }
    parties.iter().for_each(|party| party.air.clears());
    stop.send_replace(true);
    let said = timeout(ms(600_000), speaking).await.map_err(|_| "a publish was never acknowledged")?;
    let said = said.unwrap()?;
    server.faults()?;
    let mut state = viewer.watch_state();
    let all = state.wait_for(|state| state.seq().get() == said);
    let came = timeout(ms(600_000), all).await.map(|_| ());
    came.map_err(|_| format!("the viewer has not all of {said} messages"))?;
    server.ends();
    drop(viewer);
    let heard = soon(heard).await.unwrap();
    if heard != (1..=said).collect::<Vec<_>>() {
        return Err(format!("of {said} messages the viewer heard {heard:?}"));
    }
    server.faults()?;
    Ok(usize::try_from(said).unwrap())
}

async fn owner(server: &Server) -> ((Owner, watch::Sender<u64>), Party) {
    let (mut dialer, connections) = in_memory(&Options::default());
    let (slept, air) = (watch::channel(0).0, Air::new());
    dialer.slept = slept.subscribe();
    server.meets(connections, air.clone());
    let create = Beginning::Create(RoomOptions::default());
    let owner = soon(Owner::begin(dialer, create, None, Options::default())).await.unwrap();
    assert_eq!((owner.room(), owner.key().as_str()), (room(), key().as_str()));
    let status = owner.watch_status();
    ((owner, watch::channel(0).0), Party { name: "owner", air, slept, status })
}

async fn viewer(server: &Server) -> (Viewer, Messages, Party) {
    let (mut dialer, connections) = in_memory(&Options::default());
    let (slept, air) = (watch::channel(0).0, Air::new());
    dialer.slept = slept.subscribe();
    server.meets(connections, air.clone());
    let viewer = Viewer::begin(dialer, room(), None, &Options::default());
    let messages = viewer.messages();
    soon(viewer.inside()).await.unwrap();
    let status = viewer.watch_status();
    (viewer, messages, Party { name: "viewer", air, slept, status })
}

/// Publishes numbered messages, each half a second to three seconds after the previous one, and a big one each time
/// that `big` changes. Returns how many were acknowledged, each with the next number.
async fn speak(
    owner: Owner,
    seed: u64,
    mut big: watch::Receiver<u64>,
    stopped: watch::Receiver<bool>,
) -> Result<u64, String> {
    let (mut random, mut tickets) = (Rng::of(seed), Vec::new());
    while !*stopped.borrow() {
        let bytes = if big.has_changed().unwrap_or(false) { 60_000 } else { number(&mut random, 0, 300) };
        big.borrow_and_update();
        let text = "x".repeat(usize::try_from(bytes).unwrap());
        let said = owner.send(Message::event("bell", (tickets.len() + 1, text)).unwrap()).await;
        tickets.push(said.map_err(|error| format!("a publish failed: {error}"))?);
        sleep(ms(number(&mut random, 500, 3_000))).await;
    }
    let count = tickets.len();
    for (ticket, expected) in tickets.into_iter().zip(1..) {
        let seq = ticket.await.map_err(|error| format!("message {expected}: {error}"))?.get();
        if seq != expected {
            return Err(format!("message {expected} has the number {seq}"));
        }
    }
    // The room has to stay open until the viewer has every message.
    tokio::spawn(async move {
        let _owner = owner;
        sleep(ms(3_600_000)).await;
    });
    Ok(u64::try_from(count).unwrap())
}

/// Returns the numbers that a viewer receives, until it ends.
async fn listen(mut messages: Messages) -> Vec<u64> {
    let mut numbers = Vec::new();
    while let Some(heard) = messages.next().await {
        match heard {
            Heard::Message(message) => numbers.push(message.parse::<(u64, String)>().unwrap().0),
            Heard::State { reset, state } => assert_eq!((reset, state.len()), (None, 0)),
            Heard::Owner { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    numbers
}

async fn happens(
    fault: Fault,
    party: &Party,
    server: &Server,
    big: &watch::Sender<u64>,
    random: &mut Rng,
) -> Result<(), String> {
    match fault {
        Fault::Silent(way) => party.air.is_silent(way),
        Fault::Outage(millis) => party.air.is_out(ms(millis)),
        Fault::Sleep(millis, is_silent) => {
            if is_silent {
                party.air.is_silent(None);
            }
            server.skips(&party.air, ms(millis)).await;
            return wakes(party, random).await;
        }
        Fault::Stopped(millis) => {
            advance(ms(millis)).await;
            return wakes(party, random).await;
        }
        Fault::Slow(millis) => {
            party.air.is_slow(ms(millis));
            big.send_modify(|times| *times += 1);
        }
        Fault::Slowed(millis) => server.slows(ms(millis)),
        Fault::Jump => return wakes(party, random).await,
    }
    Ok(())
}

/// Wakes the machine: its client is notified some time later, and its status has to be right 2 s after the wake-up.
async fn wakes(party: &Party, random: &mut Rng) -> Result<(), String> {
    let look = ms(number(random, 0, LOOK_MAX));
    sleep(look).await;
    party.slept.send_modify(|times| *times += 1);
    sleep(TRUE_WITHIN - look + ms(1)).await;
    if party.shows_life() && party.air.is_dead() {
        return Err(format!("{:?} is shown on a dead connection", party.status.borrow()));
    }
    Ok(())
}

#[test]
fn no_storm_costs_a_room_a_message_or_the_truth() {
    let from_environment = |name: &str, usual: u64| {
        std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name}: {text}")))
    };
    let (storms, first) = (from_environment("RTBROADCASTER_STORMS", STORMS), from_environment("RTBROADCASTER_SEED", 1));
    let (mut wrong, mut said) = (Vec::new(), 0);
    for seed in first..first + storms {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        match runtime.block_on(storm(seed)) {
            Ok(count) => said += count,
            Err(error) => wrong.push(format!("seed {seed}: {error}")),
        }
    }
    println!("{storms} storms from seed {first}: {said} messages, {} went wrong", wrong.len());
    assert!(wrong.is_empty(), "{} of {storms}:\n{}", wrong.len(), wrong.join("\n"));
}
