//! `rtbroadcaster publish`: creates or owns a room, publishes messages, and reports the outcome of each.
//! Must not know how messages are read, nor how reports are written.

mod grace;
mod input;
mod key_file;
mod lines;
mod losses;
mod messages;
mod reporter;

use std::process::ExitCode;
use std::time::Duration;

use rtbroadcaster::remote::{Closing, OpenError, Owner, PublishError, Status};
use rtbroadcaster::{RoomId, RoomOptions};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::console::{self, ConnectionNotes};
use crate::destination::Destination;
use crate::ending::{Code, CommandEnd, CommandError};
use crate::notes::note;
use crate::patience::PatienceArg;
use crate::signals::{TerminationSignal, TerminationSignals};
use grace::RequestedGrace;
use key_file::KeyFile;
use losses::Losses;
use messages::{MessageArgs, publish_all};
use reporter::{Acquisition, Reporter};

/// The help text below the options.
pub(crate) const EXAMPLES: &str = "\
Without ROOM it creates a room, and prints the link for its viewers. --owner-key-file names the file for the room's owner
key. For a new room the key is written there, and the file must not exist yet; with ROOM the key is read from there. No
address and no list of processes ever contains the key.

Messages are options, published in their order, or lines of JSON on the standard input:
  {\"key\":\"slide\",\"params\":[3],\"state\":true}     kept for viewers that join later; without `state` an event
  {\"key\":\"pointer\",\"params\":[0.5],\"ephemeral\":true}    neither kept nor acknowledged
  {\"key\":\"slide\",\"clear\":true}                  removes the value
The output of `rtbroadcaster watch` is a valid input. In a pipe each line on the standard output reports one message:
`ack` with its number, or `error`. On a terminal there is a counter.

A room that was created without --owner-key-file ends together with this program, since no other program could own it.
With messages as options, the program therefore runs until Ctrl-C. Other rooms stay, and wait for their owner for the
server's grace.

Examples:
  rtbroadcaster publish ws://127.0.0.1:8080 --state 'slide=[1]'
  rtbroadcaster publish ws://127.0.0.1:8080 --owner-key-file talk.key --state 'slide=[1]'
  rtbroadcaster publish ws://127.0.0.1:8080 ROOM --owner-key-file talk.key --state 'slide=[2]' --event 'bell'
  rtbroadcaster publish ws://127.0.0.1:8080 < talk.ndjson
  sensors | jq -c '{key: .name, params: [.value], state: true}' | rtbroadcaster publish ws://127.0.0.1:8080";

/// The most messages whose outcome is not reported yet.
const PENDING_REPORTS_MAX: usize = 1_024;

/// How long the program waits, after a signal, for pending outcomes and for its end.
const FAREWELL: Duration = Duration::from_secs(2);

/// The options of `rtbroadcaster publish`.
#[derive(Debug, clap::Args)]
pub(crate) struct PublishArgs {
    /// Address of the server, or the viewers' link of a room
    #[arg(value_name = "URL")]
    destination: Destination,
    /// The room to own, unless the link names it; without one a new room is created
    #[arg(value_name = "ROOM")]
    room: Option<RoomId>,
    #[command(flatten)]
    messages: MessageArgs,
    /// File with the room's owner key; for a new room it is created, readable only for you
    #[arg(long, value_name = "FILE")]
    owner_key_file: Option<std::path::PathBuf>,
    /// Send the number of viewers to the viewers of a new room
    #[arg(long)]
    audience: bool,
    /// How long a new room waits for its owner; the server may lower or raise it
    #[arg(long, value_name = "TIME")]
    grace: Option<RequestedGrace>,
    /// End the room when all messages are published
    #[arg(long, conflicts_with = "stay")]
    close: bool,
    /// Stay the room's owner until Ctrl-C when all messages are published
    #[arg(long)]
    stay: bool,
    /// How long to try to connect or reconnect; 0 is for ever
    #[arg(long, value_name = "TIME", default_value = "30s")]
    patience: PatienceArg,
    /// Most bytes of one message as it is sent; a lower limit of the server wins
    #[arg(long, value_name = "BYTES", default_value_t = 65_536)]
    message_bytes_max: usize,
}

/// The options with everything that follows from them.
struct Plan<'a> {
    options: &'a PublishArgs,
    address: String,
    room: Option<RoomId>,
    key: KeyFile,
}

/// Publishes, and returns the process's exit code.
pub(crate) fn run(options: &PublishArgs) -> ExitCode {
    console::run(publish(options)).finish()
}

async fn publish(options: &PublishArgs) -> Result<CommandEnd, CommandError> {
    let room = options.destination.room(options.room.clone())?;
    if room.is_some() && options.grace.is_some() {
        let advice = "An existing room keeps its own grace.";
        return Err(CommandError::new(Code::Usage, "--grace is for a new room", advice));
    }
    let key = KeyFile::of(options.owner_key_file.as_deref(), room.as_ref())?;
    let acquisition = if room.is_some() { Acquisition::Owned } else { Acquisition::Created };
    let plan = Plan { options, address: options.destination.to_string(), room, key };
    let mut signals =
        TerminationSignals::new().map_err(|error| CommandError::here("cannot wait for signals", &error))?;
    let owner = tokio::select! {
        opened = plan.open() => opened?,
        signal = signals.next() => return Ok(CommandEnd::Interrupted(signal)),
    };
    plan.key.keep(&owner)?;
    let mut reporter = Reporter::new(&owner);
    reporter.report_room(&owner, &options.destination, acquisition).await;
    if let Some(differs) = options.grace.and_then(|asked| asked.differs(owner.grace())) {
        note(&differs);
    }
    let mut losses = Losses::of(&owner);
    let ended = plan.publish(owner, &mut reporter, &mut signals, &mut losses).await;
    // A loss may have come with the last acknowledgement.
    losses.note_new();
    ended
}

impl Plan<'_> {
    /// Publishes everything, then stays the owner if the options say so, and ends.
    async fn publish(
        &self,
        owner: Owner,
        reporter: &mut Reporter,
        signals: &mut TerminationSignals,
        losses: &mut Losses,
    ) -> Result<CommandEnd, CommandError> {
        let (refused, signal) = self.publish_messages(&owner, reporter, signals, losses).await?;
        let signal = match signal {
            None if self.stays() => {
                reporter.note_staying();
                Some(self.stay(&owner, reporter, signals, losses).await?)
            }
            signal => signal,
        };
        let unreported = reporter.end();
        self.end(owner, signal, signals).await?;
        match signal {
            Some(signal) => Ok(CommandEnd::Interrupted(signal)),
            None if refused > 0 => {
                let what = if refused == 1 { "1 message was".into() } else { format!("{refused} messages were") };
                Err(CommandError::new(Code::Refused, format!("{what} not published"), "All others were."))
            }
            None => unreported.map_or(Ok(CommandEnd::Done), Err),
        }
    }

    async fn open(&self) -> Result<Owner, CommandError> {
        let mut behavior = self.options.patience.options();
        behavior.message_bytes_max = self.options.message_bytes_max;
        let opening = async {
            match (self.room.clone(), self.key.read()?) {
                (Some(room), Some(key)) => Ok(Owner::own_with(&self.address, room, key, behavior).await),
                _ => {
                    let new = RoomOptions::new();
                    let new = if self.options.audience { new.with_audience() } else { new };
                    let new =
                        if let Some(RequestedGrace(time)) = self.options.grace { new.with_grace(time) } else { new };
                    Ok(Owner::create_with(&self.address, new, behavior).await)
                }
            }
        };
        // There is no status to watch before the room is open.
        let slow = async {
            sleep(FAREWELL).await;
            note(&format!("no answer from {} yet; Ctrl-C aborts", self.address));
            std::future::pending().await
        };
        let opened = tokio::select! { opened = opening => opened?, never = slow => never };
        opened.map_err(|error| match error {
            OpenError::NoRoom => self.closed(&Closing::with(4510, "no_room")),
            OpenError::Closed(closing) => self.closed(&closing),
            error => CommandError::new(Code::Usage, format!("{}: {error}", self.address), ""),
        })
    }

    /// Publishes everything, or the messages before a signal. Returns the number of refused messages, and that signal.
    async fn publish_messages(
        &self,
        owner: &Owner,
        reporter: &mut Reporter,
        signals: &mut TerminationSignals,
        losses: &mut Losses,
    ) -> Result<(u64, Option<TerminationSignal>), CommandError> {
        let stop = CancellationToken::new();
        let (reports, pending) = mpsc::channel(PENDING_REPORTS_MAX);
        let published = async {
            tokio::try_join!(publish_all(owner, &self.options.messages, reports, &stop), reporter.report_all(pending))
        };
        let work = async {
            tokio::select! {
                published = published => published.map(|((), refused)| refused),
                closing = self.over(owner, losses) => Err(closing.into()),
            }
        };
        tokio::pin!(work);
        let (outcome, signal) = tokio::select! {
            outcome = &mut work => (outcome, None),
            signal = signals.next() => {
                stop.cancel();
                let outcome = tokio::select! {
                    outcome = &mut work => outcome,
                    () = sleep(FAREWELL) => Ok(0),
                    _ = signals.next() => Ok(0),
                };
                (outcome, Some(signal))
            }
        };
        outcome.map(|refused| (refused, signal)).map_err(|error| self.failed(error, &owner.status()))
    }

    /// Returns whether the program stays the owner when all messages are published.
    fn stays(&self) -> bool {
        let PublishArgs { messages, stay, close, .. } = self.options;
        let would_end_at_once = self.room.is_none() && !self.key.is_there() && !messages.is_empty();
        *stay || would_end_at_once && !*close
    }

    async fn stay(
        &self,
        owner: &Owner,
        reporter: &mut Reporter,
        signals: &mut TerminationSignals,
        losses: &mut Losses,
    ) -> Result<TerminationSignal, CommandError> {
        tokio::select! {
            signal = signals.next() => Ok(signal),
            closing = self.over(owner, losses) => Err(self.closed(&closing)),
            never = reporter.meanwhile(std::future::pending()) => never,
        }
    }

    /// Ends the room if the options say so or no key is kept; otherwise leaves the room open.
    async fn end(
        &self,
        owner: Owner,
        signal: Option<TerminationSignal>,
        signals: &mut TerminationSignals,
    ) -> Result<(), CommandError> {
        let is_orphaned = self.room.is_none() && !self.key.is_there();
        if !self.options.close && !is_orphaned {
            return Ok(());
        }
        let hurry = async {
            if signal.is_some() {
                sleep(FAREWELL).await;
            } else {
                std::future::pending::<()>().await;
            }
        };
        let status = owner.watch_status();
        tokio::select! {
            closed = owner.close() => {
                closed.map_err(|error| self.failed(PublishFailure::Publish(error), &status.borrow()))
            }
            () = hurry => Ok(()),
            _ = signals.next() => Ok(()),
        }
    }

    /// Returns the reason when the connection ends for good. Notes lost connections and lost messages meanwhile.
    async fn over(&self, owner: &Owner, losses: &mut Losses) -> Closing {
        let mut notes = ConnectionNotes::new(&self.address, self.options.patience);
        let mut status = owner.watch_status();
        loop {
            let now = status.borrow_and_update().clone();
            if let Some(closing) = now.closing() {
                return closing.clone();
            }
            notes.update(&now);
            losses.note_new();
            tokio::select! {
                changed = status.changed() => if changed.is_err() {
                    std::future::pending::<()>().await;
                },
                () = losses.changed() => {}
            }
        }
    }

    fn closed(&self, closing: &Closing) -> CommandError {
        CommandError::closed(closing, &self.address, self.options.patience.0)
    }

    /// Returns the error of a failure; an owner that is closed has the reason in its `status`.
    fn failed(&self, failure: PublishFailure, status: &Status) -> CommandError {
        match (failure, status.closing()) {
            (PublishFailure::Failed(error), _) => error,
            (PublishFailure::Publish(PublishError::Closed(closing)), _) => self.closed(&closing),
            (PublishFailure::Publish(error), Some(closing)) if error.is_final() => self.closed(closing),
            (PublishFailure::Publish(error), _) => CommandError::new(Code::Server, error.to_string(), ""),
        }
    }
}

/// The reason why publishing has stopped.
#[derive(Debug)]
enum PublishFailure {
    /// The room's owner cannot publish any more.
    Publish(PublishError),
    Failed(CommandError),
}

impl From<Closing> for PublishFailure {
    fn from(closing: Closing) -> Self {
        Self::Publish(closing.into())
    }
}

impl From<CommandError> for PublishFailure {
    fn from(failure: CommandError) -> Self {
        Self::Failed(failure)
    }
}
