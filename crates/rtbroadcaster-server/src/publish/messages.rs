//! Reads messages from the options, in their order, or from lines of the standard input, and publishes them. Must not
//! know how outcomes are reported.

use std::io::{self, IsTerminal};

use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, FromArgMatches};
use rtbroadcaster::Seq;
use rtbroadcaster::remote::{Owner, PublishError, Ticket};
use serde_json::value::RawValue;
use tokio::io::BufReader;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::PublishFailure;
use super::input::{InputError, InputKind, InputMessage};
use super::lines::{self, InputLine};
use crate::ending::CommandError;
use crate::notes::note;

const STATE: &str = "state";
const EVENT: &str = "event";
const EPHEMERAL: &str = "ephemeral";
const CLEAR: &str = "clear";

/// The heading of these options in the help.
const HEADING: &str = "Messages, published in this order; without any, lines of the standard input are published";

/// The messages among the options, in their order.
#[derive(Debug, Clone, Default)]
pub(super) struct MessageArgs(Vec<InputMessage>);

/// One message whose outcome is to be reported.
#[derive(Debug)]
pub(super) struct PendingReport {
    /// The number of its line, or its position among the options, from 1.
    pub(super) number: u64,
    pub(super) key: String,
    pub(super) id: Option<String>,
    pub(super) outcome: PublishOutcome,
}

/// The outcome of a message.
#[derive(Debug)]
pub(super) enum PublishOutcome {
    /// Not known yet: the acknowledgement is pending.
    Waits(Ticket),
    Known(Result<Seq, PublishError>),
    /// The line was not a message.
    Nonsense(String),
    /// Sent; an ephemeral message has no number and no acknowledgement.
    Ephemeral,
}

impl MessageArgs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl clap::Args for MessageArgs {
    fn augment_args(command: Command) -> Command {
        let arg = |name, value, help| {
            Arg::new(name).long(name).value_name(value).help(help).help_heading(HEADING).action(ArgAction::Append)
        };
        let message = |name, what: fn(Box<RawValue>) -> InputKind, help| {
            arg(name, "KEY=PARAMS", help).value_parser(move |text: &str| InputMessage::option(text, what))
        };
        let clear = arg(CLEAR, "KEY", "Remove the value of this key");
        command.args([
            message(
                STATE,
                InputKind::State,
                "Publish a value that is kept for viewers that join later; PARAMS is JSON",
            ),
            message(EVENT, InputKind::Event, "Publish an event for the viewers that are connected now"),
            message(
                EPHEMERAL,
                InputKind::Ephemeral,
                "Publish a value of which only the newest matters, such as a pointer",
            ),
            clear.value_parser(|key: &str| Ok::<_, InputError>(InputMessage::clear(key))),
        ])
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for MessageArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut messages: Vec<(usize, InputMessage)> = Vec::new();
        for name in [STATE, EVENT, EPHEMERAL, CLEAR] {
            if matches.value_source(name) != Some(ValueSource::CommandLine) {
                continue;
            }
            let parsed = matches.get_many::<InputMessage>(name).into_iter().flatten().cloned();
            messages.extend(matches.indices_of(name).into_iter().flatten().zip(parsed));
        }
        messages.sort_by_key(|(number, _)| *number);
        Ok(Self(messages.into_iter().map(|(_, message)| message).collect()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Publishes everything, and sends each message's outcome to `reports` in order. Returns early when `stop` is
/// cancelled.
pub(super) async fn publish_all(
    owner: &Owner,
    messages: &MessageArgs,
    reports: mpsc::Sender<PendingReport>,
    stop: &CancellationToken,
) -> Result<(), PublishFailure> {
    let all = async {
        for (number, message) in (1..).zip(&messages.0) {
            publish_one(owner, number, message, &reports).await?;
        }
        if messages.is_empty() { publish_lines(owner, &reports).await } else { Ok(()) }
    };
    tokio::select! {
        said = all => said,
        () = stop.cancelled() => Ok(()),
    }
}

/// Publishes the messages of the standard input.
async fn publish_lines(owner: &Owner, reports: &mpsc::Sender<PendingReport>) -> Result<(), PublishFailure> {
    if io::stdin().is_terminal() {
        note(r#"type one message per line, such as {"key":"slide","params":[3],"state":true}; Ctrl-D ends"#);
    }
    let mut input = BufReader::new(tokio::io::stdin());
    for number in 1.. {
        let line = match number {
            1 => lines::first(&mut input, lines::BYTES_MAX).await,
            _ => lines::next(&mut input, lines::BYTES_MAX).await,
        };
        let line = line.map_err(|error| CommandError::here("cannot read the standard input", &error))?;
        let parsed = match line {
            None => break,
            Some(InputLine::Text(text)) if text.trim().is_empty() => continue,
            Some(InputLine::Text(text)) => InputMessage::line(&text),
            Some(InputLine::TooLong) => Err(InputError::NoLine(format!("it has more than {} bytes", lines::BYTES_MAX))),
            Some(InputLine::NotUtf8) => Err(InputError::NoLine("it is not UTF-8".into())),
        };
        match parsed {
            Ok(parsed) => {
                for message in parsed {
                    publish_one(owner, number, &message, reports).await?;
                }
            }
            Err(error) => {
                let outcome = PublishOutcome::Nonsense(error.to_string());
                report(reports, PendingReport { number, key: String::new(), id: None, outcome }).await;
            }
        }
    }
    Ok(())
}

/// Publishes one message.
async fn publish_one(
    owner: &Owner,
    number: u64,
    message: &InputMessage,
    reports: &mpsc::Sender<PendingReport>,
) -> Result<(), PublishFailure> {
    let outcome = match (message.message(), &message.what) {
        (Err(error), _) => PublishOutcome::Known(Err(error.into())),
        (Ok(Some(message)), InputKind::Ephemeral(_)) => match owner.publish(message).await {
            Ok(_) => PublishOutcome::Ephemeral,
            Err(error) => PublishOutcome::Known(Err(error)),
        },
        (Ok(Some(message)), _) => match owner.send(message).await {
            Ok(ticket) => PublishOutcome::Waits(ticket),
            Err(error) => PublishOutcome::Known(Err(error)),
        },
        (Ok(None), _) => PublishOutcome::Known(owner.clear(&message.key).await),
    };
    match outcome {
        PublishOutcome::Known(Err(error)) if error.is_final() => Err(PublishFailure::Publish(error)),
        outcome => {
            report(reports, PendingReport { number, key: message.key.clone(), id: message.id.clone(), outcome }).await;
            Ok(())
        }
    }
}

async fn report(reports: &mpsc::Sender<PendingReport>, pending: PendingReport) {
    // Without a receiver the command is ending, and its error is reported there.
    let _ = reports.send(pending).await;
}
