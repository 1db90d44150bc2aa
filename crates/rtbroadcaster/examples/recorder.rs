//! Writes down what a room says, with the time, as lines of JSON: until it ends, and whatever happens to the network.
//!
//! `cargo run -p rtbroadcaster --features remote --example recorder URL ROOM > talk.ndjson`

use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use rtbroadcaster::remote::{Heard, Viewer};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (Some(url), Some(room)) = (std::env::args().nth(1), std::env::args().nth(2)) else {
        return Err("expected an address such as ws://127.0.0.1:8080/broadcasting, and a room".into());
    };
    Ok(record(&Viewer::join(&url, room.parse()?)?, std::io::stdout()).await?)
}

/// Records until the viewer is over.
pub(crate) async fn record(viewer: &Viewer, mut out: impl Write) -> std::io::Result<()> {
    let mut messages = viewer.messages();
    while let Some(heard) = messages.next().await {
        let ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        match heard {
            Heard::State { state, reset } => {
                // Events may be missing before a state that comes again.
                let (anew, seq, keys) = (reset.is_some(), state.seq(), state.len());
                writeln!(out, r#"{{"ms":{ms},"anew":{anew},"seq":{seq},"keys":{keys}}}"#)?;
            }
            Heard::Message(message) => {
                let (key, params) = (serde_json::Value::from(message.key()), message.params().as_str());
                writeln!(out, r#"{{"ms":{ms},"key":{key},"params":{params}}}"#)?;
            }
            other => eprintln!("{other:?}"),
        }
    }
    eprintln!("over: {:?}", viewer.status());
    Ok(())
}
