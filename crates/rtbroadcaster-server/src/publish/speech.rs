//! Where messages come from, and how they are said: options in their order, or lines of the standard input. Must not know
//! what becomes of them.

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

/// What stands above them in the help.
const HEADING: &str = "Messages, said in this order; without any they are read from the standard input";

/// The messages among the options, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct Spoken(Vec<Phrase>);

/// One message on its way.
#[derive(Debug)]
pub(super) struct Pending {
    /// The number of its line, or its place among the options.
    pub(super) place: u64,
    pub(super) key: String,
    pub(super) id: Option<String>,
    pub(super) outcome: Outcome,
}

/// What becomes of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// That is not known yet.
    Waits(Ticket),
    Known(Result<Seq, PublishError>),
    /// It was no message.
    Nonsense(String),
    /// It has no number.
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
        let clear = arg(CLEAR, "KEY", "Keep the value of this key no more");
        command.args([
            message(STATE, What::State, "Say a value that is kept for those who come later; PARAMS is JSON"),
            message(EVENT, What::Event, "Say something that happens once, for those who are there"),
            message(EPHEMERAL, What::Ephemeral, "Say something of which only the newest matters, like a pointer"),
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

/// Says everything, and tells of each message in order. Ends early when `stop` is cancelled.
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

/// Says what the standard input brings.
async fn read(owner: &Broadcaster, told: &mpsc::Sender<Pending>) -> Result<(), Unsaid> {
    if io::stdin().is_terminal() {
        note(r#"type messages, one a line, such as {"key":"slide","params":[3],"state":true}; Ctrl-D ends"#);
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

/// Says one message.
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
    // Who listens no more has said why.
    let _ = told.send(pending).await;
}
