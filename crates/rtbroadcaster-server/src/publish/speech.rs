//! Reads messages from the options, in their order, or from lines of the standard input, and publishes them. Must not
//! know how outcomes are reported.

use std::io::{self, IsTerminal};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use rtbroadcaster::Seq;
use rtbroadcaster::remote::{Broadcaster, PublishError, Ticket};
use serde_json::value::RawValue;
use tokio::io::BufReader;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Unsaid;
use super::lines::{self, Line};
use super::phrase::{Phrase, PhraseError, What};
use crate::ending::Failure;
use crate::notes::note;

const STATE: &str = "state";
const EVENT: &str = "event";
const EPHEMERAL: &str = "ephemeral";
const CLEAR: &str = "clear";

/// The heading of these options in the help.
const HEADING: &str = "Messages, published in this order; without any, lines of the standard input are published";

/// The messages among the options, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Spoken(Vec<Phrase>);

/// One message whose outcome is to be reported.
#[derive(Debug)]
pub(super) struct Pending {
    /// The number of its line, or its position among the options, from 1.
    pub(super) place: u64,
    pub(super) key: String,
    pub(super) id: Option<String>,
    pub(super) outcome: Outcome,
}

/// The outcome of a message.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Not known yet: the acknowledgement is pending.
    Waits(Ticket),
    Known(Result<Seq, PublishError>),
    /// The line was not a message.
    Nonsense(String),
    /// Sent; an ephemeral message has no number and no acknowledgement.
    Ephemeral,
}

impl Spoken {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl clap::Args for Spoken {
    fn augment_args(command: Command) -> Command {
        let arg = |name, value, help| {
            Arg::new(name).long(name).value_name(value).help(help).help_heading(HEADING).action(ArgAction::Append)
        };
        let message = |name, what: fn(Box<RawValue>) -> What, help| {
            arg(name, "KEY=PARAMS", help).value_parser(move |text: &str| Phrase::option(text, what))
        };
        let clear = arg(CLEAR, "KEY", "Remove the value of this key");
        command.args([
            message(STATE, What::State, "Publish a value that is kept for viewers that join later; PARAMS is JSON"),
            message(EVENT, What::Event, "Publish an event for the viewers that are connected now"),
            message(EPHEMERAL, What::Ephemeral, "Publish a value of which only the newest matters, such as a pointer"),
            clear.value_parser(|key: &str| Ok::<_, PhraseError>(Phrase::clear(key))),
        ])
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Spoken {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut spoken: Vec<(usize, Phrase)> = Vec::new();
        for name in [STATE, EVENT, EPHEMERAL, CLEAR] {
            if matches.value_source(name) != Some(ValueSource::CommandLine) {
                continue;
            }
            let phrases = matches.get_many::<Phrase>(name).into_iter().flatten().cloned();
            spoken.extend(matches.indices_of(name).into_iter().flatten().zip(phrases));
        }
        spoken.sort_by_key(|(place, _)| *place);
        Ok(Self(spoken.into_iter().map(|(_, phrase)| phrase).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Publishes everything, and sends each message's outcome to `told` in order. Returns early when `stop` is cancelled.
pub(super) async fn speak(
    owner: &Broadcaster,
    spoken: &Spoken,
    told: mpsc::Sender<Pending>,
    stop: &CancellationToken,
) -> Result<(), Unsaid> {
    let all = async {
        for (place, phrase) in (1..).zip(&spoken.0) {
            say(owner, place, phrase, &told).await?;
        }
        if spoken.is_empty() { read(owner, &told).await } else { Ok(()) }
    };
    tokio::select! {
        said = all => said,
        () = stop.cancelled() => Ok(()),
    }
}

/// Publishes the messages of the standard input.
async fn read(owner: &Broadcaster, told: &mpsc::Sender<Pending>) -> Result<(), Unsaid> {
    if io::stdin().is_terminal() {
        note(r#"type one message per line, such as {"key":"slide","params":[3],"state":true}; Ctrl-D ends"#);
    }
    let mut input = BufReader::new(tokio::io::stdin());
    for place in 1.. {
        let line = match place {
            1 => lines::first(&mut input, lines::BYTES_MAX).await,
            _ => lines::next(&mut input, lines::BYTES_MAX).await,
        };
        let line = line.map_err(|error| Failure::here("cannot read the standard input", &error))?;
        let phrases = match line {
            None => break,
            Some(Line::Text(text)) if text.trim().is_empty() => continue,
            Some(Line::Text(text)) => Phrase::line(&text),
            Some(Line::TooLong) => Err(PhraseError::NoLine(format!("it has more than {} bytes", lines::BYTES_MAX))),
            Some(Line::NotUtf8) => Err(PhraseError::NoLine("it is not UTF-8".into())),
        };
        match phrases {
            Ok(phrases) => {
                for phrase in phrases {
                    say(owner, place, &phrase, told).await?;
                }
            }
            Err(error) => {
                let outcome = Outcome::Nonsense(error.to_string());
                tell(told, Pending { place, key: String::new(), id: None, outcome }).await;
            }
        }
    }
    Ok(())
}

/// Publishes one message.
async fn say(owner: &Broadcaster, place: u64, phrase: &Phrase, told: &mpsc::Sender<Pending>) -> Result<(), Unsaid> {
    let outcome = match (phrase.message(), &phrase.what) {
        (Some(message), What::Ephemeral(_)) => match owner.publish(message).await {
            Ok(_) => Outcome::Ephemeral,
            Err(error) => Outcome::Known(Err(error)),
        },
        (Some(message), _) => match owner.send(message).await {
            Ok(ticket) => Outcome::Waits(ticket),
            Err(error) => Outcome::Known(Err(error)),
        },
        (None, _) => Outcome::Known(owner.clear(&phrase.key).await),
    };
    match outcome {
        Outcome::Known(Err(error @ (PublishError::Fenced | PublishError::Closed(_)))) => Err(Unsaid::Publish(error)),
        outcome => {
            tell(told, Pending { place, key: phrase.key.clone(), id: phrase.id.clone(), outcome }).await;
            Ok(())
        }
    }
}

async fn tell(told: &mpsc::Sender<Pending>, pending: Pending) {
    // Without a receiver the command is ending, and its error is reported there.
    let _ = told.send(pending).await;
}
