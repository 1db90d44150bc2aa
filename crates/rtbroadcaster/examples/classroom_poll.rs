//! A poll in a classroom: one asks, all others answer, and all see the totals. A voter who changes the answer counts once.
//!
//! `cargo run -p rtbroadcaster --features remote --example classroom_poll URL "Tea or coffee?"` asks, and prints the room;
//! `cargo run -p rtbroadcaster --features remote --example classroom_poll URL ROOM tea` answers.

use std::time::Duration;

use rtbroadcaster::remote::{Heard, Options, Owner, Signal, Viewer};
use rtbroadcaster::{Counting, Message, RoomOptions};

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

#[tokio::main]
async fn main() -> Outcome {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [url, question] => {
            let owner = open(url, question).await?;
            println!("{question}\nAnswer in the room {}; Ctrl-C ends it.", owner.room());
            tokio::select! {
                counted = count(&owner) => counted?,
                ended = tokio::signal::ctrl_c() => ended?,
            }
            Ok(owner.close().await?)
        }
        [url, room, answer] => vote(&Viewer::join(url, room.parse()?)?, answer).await,
        _ => Err("expected an address and a question, or an address, a room and an answer".into()),
    }
}

/// Makes the room, with the question as its state: who comes late is asked, too.
pub(crate) async fn open(url: &str, question: &str) -> Outcome<Owner> {
    let once = Counting { every: Duration::from_millis(500), once_per_viewer: true };
    let room = RoomOptions::new().with_audience().with_counting("vote", once)?;
    let owner = Owner::create_with(url, room, Options::default()).await?;
    owner.publish(Message::state("question", [question])).await?;
    Ok(owner)
}

/// Publishes the totals whenever they change: one message, however many have voted.
pub(crate) async fn count(owner: &Owner) -> Outcome {
    let mut signals = owner.signals();
    while let Some(signal) = signals.next().await {
        let Signal::Counts { counts, .. } = signal else { continue };
        let viewers = owner.audience().borrow().map_or(0, |audience| audience.viewers);
        let totals: Vec<(String, u64)> =
            counts.iter().filter_map(|(answer, count)| Some((answer.parse::<(String,)>().ok()?.0, *count))).collect();
        println!("{totals:?} of {viewers}");
        owner.publish(Message::state("totals", [totals])).await?;
    }
    Ok(())
}

/// Answers once, and shows the totals until the room ends.
pub(crate) async fn vote(viewer: &Viewer, answer: &str) -> Outcome {
    let mut messages = viewer.messages();
    viewer.inside().await?;
    if let Some((question,)) = viewer.state().parse::<(String,)>("question").transpose()? {
        println!("{question} {answer}!");
    }
    viewer.signal("vote", [answer]).await?;
    while let Some(heard) = messages.next().await {
        match heard {
            Heard::Message(message) if message.key() == "totals" => println!("{}", message.params().as_str()),
            // The teacher is away, or this one has answered too often: a person would try again later.
            Heard::SignalRefused(refused) => println!("not counted: {refused}"),
            _ => {}
        }
    }
    println!("The poll is over.");
    Ok(())
}
