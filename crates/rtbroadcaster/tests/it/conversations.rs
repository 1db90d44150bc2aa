//! Replays `protocol/conversations/*.txt`, each against a house of its own.

use std::collections::HashMap;
use std::path::Path;

use rtbroadcaster::{Message, Owner};
use serde_json::value::RawValue;
use tokio::task::JoinSet;

use crate::client::{ALIVE, AUDIENCE, Came, Client, request};
use crate::house::House;
use crate::transcript::{Act, Step, Transcript, Values, parse};

/// One transcript under way.
struct Replay {
    house: House,
    values: Values,
    /// In the order in which they were opened.
    open: Vec<(String, Client)>,
    owner: Option<Owner>,
}

#[tokio::test(flavor = "multi_thread")]
async fn every_conversation_goes_as_it_is_written() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../protocol/conversations");
    let mut replays = JoinSet::new();
    let mut running = HashMap::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "txt") {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap();
            let handle = replays.spawn(async move { replay(parse(&text)?).await });
            running.insert(handle.id(), name);
        }
    }
    assert!(!running.is_empty(), "there is no conversation");
    let mut wrong = Vec::new();
    while let Some(done) = replays.join_next_with_id().await {
        let (id, error) = match done {
            Ok((id, result)) => (id, result.err()),
            // The panic itself, with the step's line, has been printed where it happened.
            Err(error) => (error.id(), Some(error.to_string())),
        };
        wrong.extend(error.map(|error| format!("{}: {error}", running[&id])));
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} failed:\n{}\n", wrong.len(), running.len(), wrong.join("\n"));
}

async fn replay(transcript: Transcript) -> Result<(), String> {
    let house = House::open(transcript.config).await;
    let mut replay = Replay { house, values: Values::new(), open: Vec::new(), owner: None };
    for Step { line, name, act } in transcript.steps {
        let taken = if name == "rust" { replay.speak(act).await } else { replay.take(&name, act).await };
        taken.map_err(|error| format!("line {line}: {name}: {error}"))?;
    }
    for (name, client) in &mut replay.open {
        expect_nothing(client).await.map_err(|error| format!("at the end: {name}: {error}"))?;
    }
    Ok(())
}

impl Replay {
    /// A step of a connection.
    async fn take(&mut self, name: &str, act: Act) -> Result<(), String> {
        let place = self.open.iter().position(|(open, _)| open == name);
        if let Act::Open(protocol) = act {
            let request = request(&self.house.address.to_string(), protocol);
            let client = Client::connect_as(self.house.address, request).await.map_err(|error| error.to_string())?;
            if client.subprotocol.as_deref() != protocol {
                return Err(format!("the server chose the subprotocol {:?}", client.subprotocol));
            }
            self.open.push((name.to_owned(), client));
            return if place.is_none() { Ok(()) } else { Err("it is open already".into()) };
        }
        let place = place.ok_or("it is not open")?;
        let client = &mut self.open[place].1;
        match act {
            Act::Send(text) => client.send(&self.values.fill(&text)?).await,
            Act::Binary(bytes) => client.send_binary(&bytes).await,
            Act::Raw(bytes) => client.send_raw(&bytes).await,
            Act::Get(expected) => {
                let came = next(client, &expected).await;
                if !matches!(&came, Came::Text(text) if self.values.matches(&expected, text)) {
                    return Err(format!("expected {expected}\n  but came {came:?}"));
                }
            }
            Act::Nothing => expect_nothing(client).await?,
            Act::Closed(code, word) => expect_close(self.open.remove(place).1, code, word.as_deref()).await?,
            Act::Close => {
                client.send_close().await;
                expect_close(self.open.remove(place).1, 1000, None).await?;
            }
            Act::Drop => drop(self.open.remove(place)),
            _ => return Err("only `rust` can do this".into()),
        }
        Ok(())
    }

    /// A step of the owner that speaks through the library.
    async fn speak(&mut self, act: Act) -> Result<(), String> {
        if act == Act::Create {
            let (owner, room) = self.house.rust_owner().await;
            self.values.set("room", room);
            self.owner = Some(owner);
            return Ok(());
        }
        if act == Act::End {
            self.owner.take().ok_or("it owns no room")?.close().await.unwrap();
            return Ok(());
        }
        let owner = self.owner.as_mut().ok_or("it owns no room")?;
        let said = match act {
            Act::Publish { kind, key, params } => {
                let params: Box<RawValue> = serde_json::from_str(&params).map_err(|error| error.to_string())?;
                let message = match kind {
                    rtbroadcaster::Kind::Event => Message::event(&key, params).unwrap(),
                    rtbroadcaster::Kind::State => Message::state(&key, params).unwrap(),
                    rtbroadcaster::Kind::Ephemeral => Message::ephemeral(&key, params).unwrap(),
                };
                owner.publish(message).await
            }
            Act::Clear(key) => owner.clear(&key).await,
            _ => return Err("`rust` cannot do this".into()),
        };
        said.map(|_| ()).map_err(|error| error.to_string())
    }
}

/// The next thing that comes. When a heartbeat comes, or how many watch, depends on the time, so only a line that asks for it
/// gets it.
async fn next(client: &mut Client, expected: &str) -> Came {
    loop {
        let came = client.next_of_all().await;
        let Came::Text(text) = &came else { return came };
        let start = [ALIVE, AUDIENCE].into_iter().find(|start| text.starts_with(start));
        if start.is_none_or(|start| expected.starts_with(start)) {
            return came;
        }
    }
}

async fn expect_nothing(client: &mut Client) -> Result<(), String> {
    client.send_ping(b"nothing more").await;
    match next(client, "").await {
        Came::Pong(payload) if payload == b"nothing more" => Ok(()),
        other => Err(format!("expected only the pong, but came {other:?}")),
    }
}

async fn expect_close(mut client: Client, code: u16, word: Option<&str>) -> Result<(), String> {
    match next(&mut client, "").await {
        Came::Close(came, reason) if came == code && word.is_none_or(|word| word == reason) => {}
        other => return Err(format!("expected the close {code} {}, but came {other:?}", word.unwrap_or(""))),
    }
    match client.next().await {
        Came::End(_) => Ok(()),
        other => Err(format!("expected the end, but came {other:?}")),
    }
}
