//! `rtbroadcaster watch`: prints the messages of a room, as lines of JSON for programs or as text for a terminal.
//! Must not know how connections are made, nor the format of a line.

mod identity_file;
mod line;
mod reader;
mod screen;

use std::future::ready;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use rtbroadcaster::RoomId;
use rtbroadcaster::remote::{Closing, Heard, Status, Viewer};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use crate::console;
use crate::destination::Destination;
use crate::ending::{Code, CommandEnd, CommandError};
use crate::patience::PatienceArg;
use crate::signals::TerminationSignals;
use identity_file::IdentityFile;

/// The help text below the options.
pub(crate) const EXAMPLES: &str = "\
On a terminal it prints text; in a pipe each line is one JSON object: first `state`, then `message`, `skipped`, `owner` and
`connection`, and at the end `closed`. `rtbroadcaster publish` reads the same lines.

Examples:
  rtbroadcaster watch http://127.0.0.1:8080/?uuid=ROOM           The viewers' link
  rtbroadcaster watch ws://127.0.0.1:8080/broadcasting ROOM      The same
  rtbroadcaster watch --state URL ROOM | jq .state               The current state
  rtbroadcaster watch URL ROOM | jq -r 'select(.key == \"score\") | .params[0]'
  rtbroadcaster watch --patience 0 URL ROOM >> talk.ndjson       Record everything, across lost connections";

/// The most bytes of output that wait while further messages arrive.
const WAITING_BYTES_MAX: usize = 64 * 1024;

/// The limit for leaving the room at the end.
const FAREWELL: Duration = Duration::from_millis(500);

/// The close code of a room's end.
const ROOM_CLOSED: u16 = 4503;

/// The options of `rtbroadcaster watch`.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// Address of the server, or the viewers' link of a room
    #[arg(value_name = "URL")]
    destination: Destination,
    /// The room, unless the link names it
    #[arg(value_name = "ROOM")]
    room: Option<RoomId>,
    /// Print the current state, and exit
    #[arg(long)]
    state: bool,
    /// File with this viewer's identity, so that the room counts the next `watch` as the same viewer; it is created
    /// readable only for you
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// How long to try to connect or reconnect; 0 is for ever
    #[arg(long, value_name = "TIME", default_value = "30s")]
    patience: PatienceArg,
}

/// Watches a room, and returns the process's exit code.
pub(crate) fn run(options: &WatchArgs) -> ExitCode {
    console::run(watch(options)).finish()
}

async fn watch(options: &WatchArgs) -> Result<CommandEnd, CommandError> {
    let WatchArgs { destination, patience, .. } = options;
    let Some(room) = destination.room(options.room.clone())? else {
        let advice = "Give the viewers' link, or the room's name behind the address.";
        return Err(CommandError::new(Code::Usage, "which room?", advice));
    };
    let mut signals =
        TerminationSignals::new().map_err(|error| CommandError::here("cannot wait for signals", &error))?;
    let address = destination.to_string();
    let failed = |closing: &Closing| CommandError::closed(closing, &address, patience.0);
    let (mut file, identity) = IdentityFile::open(options.identity.as_deref())?;
    let joined = match identity {
        Some(identity) => Viewer::join_as(&address, room, identity, patience.options()),
        None => Viewer::join_with(&address, room, patience.options()),
    };
    let viewer = joined.map_err(|error| CommandError::new(Code::Usage, format!("{address}: {error}"), ""))?;
    let mut printer = Printer::new();
    let watched = async {
        if options.state {
            print_state(&viewer, &mut printer, &mut file).await
        } else {
            print_messages(&viewer, &mut printer, &mut file, &address, *patience).await
        }
    };
    let ended = tokio::select! {
        ended = watched => ended,
        // The reader has closed the pipe.
        () = reader::gone() => return Ok(CommandEnd::Done),
        signal = signals.next() => {
            let _ = timeout(FAREWELL, viewer.leave()).await;
            return Ok(CommandEnd::Interrupted(signal));
        }
    };
    match ended {
        Ok(Some(closing)) if closing.code() == ROOM_CLOSED && !options.state => Ok(CommandEnd::Done),
        Ok(Some(closing)) => Err(failed(&closing)),
        Ok(None) => {
            let _ = timeout(FAREWELL, viewer.leave()).await;
            Ok(CommandEnd::Done)
        }
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(CommandEnd::Done),
        Err(error) => Err(CommandError::here("cannot write to the standard output", &error)),
    }
}

/// Prints the state. Returns the reason if the viewer cannot join.
async fn print_state(viewer: &Viewer, printer: &mut Printer, file: &mut IdentityFile) -> io::Result<Option<Closing>> {
    if let Err(closing) = viewer.inside().await {
        return Ok(Some(closing));
    }
    file.keep(viewer.identity());
    printer.add(&Heard::State { reset: None, state: viewer.state() });
    printer.print().await?;
    Ok(None)
}

/// Prints everything until the viewer's end, and returns the reason.
async fn print_messages(
    viewer: &Viewer,
    printer: &mut Printer,
    file: &mut IdentityFile,
    address: &str,
    patience: PatienceArg,
) -> io::Result<Option<Closing>> {
    let (mut messages, mut status) = (viewer.messages(), viewer.watch_status());
    let mut notes = console::ConnectionNotes::new(address, patience);
    let mut checks = console::ConnectionLines::new(viewer.watch_status());
    loop {
        tokio::select! {
            biased;
            heard = messages.next() => match heard {
                Some(heard) => printer.add(&heard),
                None => break,
            },
            Ok(()) = status.changed() => {
                notes.update(&status.borrow_and_update());
                file.keep(viewer.identity());
            }
            line = checks.next() => printer.check(line),
            () = ready(()), if printer.has_waiting() => printer.print().await?,
        }
        if printer.waiting.len() > WAITING_BYTES_MAX {
            printer.print().await?;
        }
    }
    file.keep(viewer.identity());
    // The stream of messages may end a moment before the status changes.
    let closed = status.wait_for(|status| status.closing().is_some()).await;
    let closing = match closed.as_deref() {
        Ok(Status::Closed(closing)) => closing.clone(),
        _ => return Ok(None),
    };
    printer.end(&closing);
    printer.print().await?;
    Ok(Some(closing))
}

/// Writes the output, in the format for a pipe or for a terminal.
struct Printer {
    out: tokio::io::Stdout,
    mode: PrintMode,
    waiting: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PrintMode {
    /// For programs.
    Lines,
    /// For people.
    Screen,
}

impl Printer {
    fn new() -> Self {
        let mode = if io::stdout().is_terminal() { PrintMode::Screen } else { PrintMode::Lines };
        Self { out: tokio::io::stdout(), mode, waiting: String::new() }
    }

    fn add(&mut self, heard: &Heard) {
        match self.mode {
            PrintMode::Lines => line::write(heard, &mut self.waiting),
            PrintMode::Screen => screen::write(heard, &mut self.waiting),
        }
    }

    fn end(&mut self, closing: &Closing) {
        match self.mode {
            PrintMode::Lines => line::end(closing, &mut self.waiting),
            PrintMode::Screen => screen::end(closing, &mut self.waiting),
        }
    }

    /// Adds a line about the connection. On a terminal a note says it instead.
    fn check(&mut self, line: &str) {
        if self.mode == PrintMode::Lines {
            self.waiting.push_str(line);
        }
    }

    fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    async fn print(&mut self) -> io::Result<()> {
        self.out.write_all(self.waiting.as_bytes()).await?;
        self.waiting.clear();
        self.out.flush().await
    }
}
