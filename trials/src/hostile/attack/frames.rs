//! Mutated frames, on connections that are opened again when the server has closed them. Must not know which are right.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::{Made, Plan, crowd};
use crate::hostile::corpus::{self, Names};
use crate::hostile::memory::ServerLoad;
use crate::hostile::mutation;
use crate::hostile::sources::MANY;
use crate::load::frame::Opcode;
use crate::load::peer::{self, Peer, PeerError, V2};
use crate::random::Random;
use crate::steps::Failure;

/// The number of frames at full scale, and of connections at once.
const FRAMES: u64 = 1_000_000;
const AT_ONCE: u64 = 48;

/// The most mutated frames between two right ones.
const RUN: usize = 2;

/// The most time of a connection.
const PATIENCE: Duration = Duration::from_secs(30);

/// The code of a fault of the server's own.
const FAULT: u16 = 1011;

pub(super) async fn make(plan: Plan) -> Result<Made, Failure> {
    let failed = |error: PeerError| Failure::new(format!("the attackers' room: {error}"));
    let mut keeper = Peer::open_from(MANY.of(0), plan.address, V2).await.map_err(failed)?;
    keeper.say(r#"{"type":"create","id":"a"}"#).await.map_err(|error| failed(error.into()))?;
    let answer = keeper.answer().await.map_err(failed)?;
    let member = |name: &str| {
        let value = answer.split_once(&format!(r#""{name}":""#)).and_then(|(_, rest)| rest.split('"').next());
        value.map(str::to_owned).ok_or_else(|| Failure::new(format!("no {name}: {answer}")))
    };
    let names = Arc::new(Names { room: plan.room.clone(), own_room: member("room")?, own_key: member("ownerKey")? });
    let address = plan.address;
    let work = move |number: u64, random: Random| {
        let names = Arc::clone(&names);
        async move {
            let mut random = random;
            let story = corpus::story(&names, &mut random);
            let bytes = bytes(&story.texts, &mut random);
            let cuts = mutation::cuts(bytes.len(), &mut random);
            let mut made = Made::default();
            let peer = Peer::open_from(MANY.of(number), address, story.protocol);
            let said = timeout(PATIENCE, async { converse(peer.await?, &bytes, &cuts, &mut made).await });
            match said.await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => made.faults.push(error.to_string()),
                Err(_) => made.faults.push(format!("a connection lasts over {PATIENCE:?}")),
            }
            (made, random)
        }
    };
    let mut all = crowd(&plan, AT_ONCE, plan.share(FRAMES), work).await?;
    all.load = ServerLoad {
        connections: AT_ONCE,
        half_messages: AT_ONCE,
        rooms: 1 + all.times("created"),
        ..ServerLoad::default()
    };
    Ok(all)
}

/// Returns the bytes of one connection: right and mutated frames, and after each of those a ping with its number.
fn bytes(texts: &[String], random: &mut Random) -> Vec<u8> {
    let (mut bytes, mut number) = (Vec::new(), 0);
    for (at, text) in texts.iter().enumerate() {
        // The server reads more from a connection that begins rightly.
        let runs = if at == 0 && !random.one_in(4) { 0 } else { 1 + random.index(RUN) };
        for _ in 0..runs {
            let other = &texts[random.index(texts.len())];
            bytes.extend(mutation::mutated(text, other, random));
            bytes.extend(mutation::ping(number, random));
            number += 1;
        }
        if at == 0 || random.one_in(2) {
            bytes.extend(mutation::text(text, random));
        }
    }
    bytes
}

/// Sends all of it, and counts the mutated frames that the server has read.
async fn converse(mut peer: Peer, bytes: &[u8], cuts: &[usize], made: &mut Made) -> Result<(), PeerError> {
    let mut from = 0;
    for &cut in cuts {
        if peer.send(&bytes[from..cut]).await.is_err() {
            break;
        }
        from = cut;
    }
    // The server may have ended it.
    let _ = peer.end_this_side().await;
    let (mut seen, mut end, mut created) = (0_u64, None, 0_u64);
    let mut each = |opcode, payload: &[u8]| match opcode {
        Opcode::Pong => {
            if let Ok(number) = <[u8; 2]>::try_from(payload) {
                seen = seen.max(u64::from(u16::from_be_bytes(number)) + 1);
            }
        }
        Opcode::Close => end = Some(peer::code(payload)),
        Opcode::Text => {
            created += u64::from(payload.starts_with(br#"{"type":"created""#) || is_classic_room(payload));
        }
        Opcode::Ping => {}
    };
    loop {
        match peer.read(usize::MAX, &mut each).await {
            Ok(_) => {}
            Err(PeerError::Cut | PeerError::Io(_)) => break,
            Err(error) => return Err(error),
        }
    }
    // The frame that ended it was read too.
    made.count = seen + u64::from(end.is_some());
    match end {
        Some(FAULT) => made.faults.push(format!("a connection was closed with {FAULT}")),
        Some(code) => made.answer(code.to_string()),
        None => made.answer("open"),
    }
    if created > 0 {
        *made.answers.entry("created".into()).or_insert(0) += created;
    }
    Ok(())
}

/// Returns whether this may answer a creation of the older protocol: a join is answered with the same words.
fn is_classic_room(payload: &[u8]) -> bool {
    const END: &[u8] = br#""status":{"value":3,"text":"connected"},"funcKey":"","funcParams":[],"stateMessage":false}"#;
    payload.ends_with(END)
}
