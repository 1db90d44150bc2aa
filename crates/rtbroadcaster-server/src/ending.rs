//! The ends of `watch` and `publish`: exit codes, and error messages with advice for a person.
//! Must not know what the commands did before.

use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use rtbroadcaster::remote::Closing;

use crate::notes;
use crate::signals::TerminationSignal;

/// The reasons for a failure, each with an exit code. The numbers never change, since scripts rely on them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    Here,
    Usage,
    NoRoom,
    Server,
    Refused,
    Fenced,
}

impl Code {
    const ALL: [Code; 6] = [Code::Here, Code::Usage, Code::NoRoom, Code::Server, Code::Refused, Code::Fenced];

    const fn number(self) -> u8 {
        match self {
            Self::Here => 1,
            // The same as clap's for an invalid command line.
            Self::Usage => 2,
            Self::NoRoom => 3,
            Self::Server => 4,
            Self::Refused => 5,
            Self::Fenced => 6,
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Here => "a file or a pipe on this machine cannot be read or written",
            Self::Usage => "the command line is wrong",
            Self::NoRoom => "there is no such room, or the owner key is not its own",
            Self::Server => "the server cannot be reached, refuses the connection, or has closed it",
            Self::Refused => "publish: some messages were refused, all others were published",
            Self::Fenced => "publish: another owner has taken the room over",
        }
    }
}

/// Returns the table of all exit codes and their meanings for `--help`.
pub(crate) fn table() -> String {
    let mut table =
        "Exit code:\n    0  watch: the room has ended, or the reader has closed the pipe; publish: all messages are published"
            .to_owned();
    for code in Code::ALL {
        table.push_str(&format!("\n    {}  {}", code.number(), code.meaning()));
    }
    table + "\n  130  ended by SIGINT (Ctrl-C)\n  143  ended by SIGTERM"
}

/// The end of a command.
#[derive(Debug)]
pub(crate) enum CommandEnd {
    Done,
    Interrupted(TerminationSignal),
    Failed(CommandError),
}

impl CommandEnd {
    /// Writes the failure to stderr, if there is one, and returns the exit code.
    pub(crate) fn finish(self) -> ExitCode {
        let code = match self {
            Self::Done => ExitCode::SUCCESS,
            Self::Interrupted(came) => came.exit_code(),
            Self::Failed(failure) => {
                notes::note(&failure.to_string());
                ExitCode::from(failure.code.number())
            }
        };
        notes::finish();
        code
    }
}

/// An error message with its exit code, and advice on what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CommandError {
    code: Code,
    what: String,
    advice: String,
}

impl CommandError {
    pub(crate) fn new(code: Code, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, what: what.into(), advice: advice.into() }
    }

    /// Returns the failure for an error of this machine.
    pub(crate) fn here(what: &str, error: &io::Error) -> Self {
        Self::new(Code::Here, format!("{what}: {error}"), "")
    }

    /// Returns the failure for a connection to `address` that has ended for good; `patience` is the limit for attempts.
    pub(crate) fn closed(closing: &Closing, address: &str, patience: Option<Duration>) -> Self {
        let new = |what: String, advice: &str| Self::new(Code::Server, what, advice);
        let word = closing.reason();
        match (closing.code(), word) {
            (4510, _) => Self::new(
                Code::NoRoom,
                format!("there is no such room at {address}, or this key is not its own"),
                "Rooms end with their owners: ask for a new link, or make one with `rtbroadcaster publish`.",
            ),
            (4509, _) => Self::new(
                Code::Fenced,
                "another owner has taken the room over",
                "Any holder of the owner key can do that. Messages without an acknowledgement may be stored or not.",
            ),
            (4503, _) => new("the room has ended".into(), why_ended(closing)),
            (4500, _) => new(format!("the server at {address} refuses this program"), "It needs other rights."),
            (1009, _) => new(
                "a message is larger than the server allows".into(),
                "Make it smaller, or raise message_bytes_max of the server.",
            ),
            (1013, "room_full") => new("the room has reached its limit of viewers".into(), "Try again later."),
            (1013, "room_limit") => new("the server has reached its limit of rooms".into(), "Try again later."),
            (1006, "tls") => new(
                format!("the server at {address} could not prove who it is"),
                "Check its certificate, its name, and the clock of this machine.",
            ),
            (1006, "limit") => new(
                format!("the server at {address} sends more than this program accepts"),
                "The limits are 64 MiB for the state of a room and 16 MiB for one message.",
            ),
            (1006, "protocol") => new(
                format!("the server at {address} does not speak rtbroadcaster.v2"),
                "Check the address; a server prints it when it is ready (WebSocket).",
            ),
            (1006, "http_404" | "http_405" | "http_200") => new(
                format!("there is no endpoint at {address}"),
                "A server prints its address when it is ready (WebSocket); the default path is /broadcasting.",
            ),
            (1006, "http_403") => new(
                format!("the server at {address} refuses this program (HTTP 403)"),
                "It may allow other host names only: see allow_host in its configuration.",
            ),
            (1006, http) if http.starts_with("http_") => new(
                format!("the server at {address} refuses this program (HTTP {})", http.trim_start_matches("http_")),
                "A proxy in front of it may not forward WebSocket connections.",
            ),
            _ if closing.comes_back() => {
                let time =
                    patience.map_or_else(String::new, |time| format!(" for {}", humantime::format_duration(time)));
                new(
                    format!("no answer from {address}{time} ({} {word})", closing.code()),
                    "Is the server running, and the address right? --patience sets how long to try; 0 means for ever.",
                )
            }
            (code, _) => new(
                format!("the server at {address} has closed the connection ({code} {word})"),
                "PROTOCOL.md lists the reasons.",
            ),
        }
    }
}

/// Returns a sentence about why a room has ended, as far as the server has sent a reason.
pub(crate) fn why_ended(closing: &Closing) -> &'static str {
    match closing.why() {
        Some("owner") => "Its owner has closed it.",
        Some("grace") => "Its owner was away for too long.",
        Some("idle") => "It was not used, or the server needed the space for another room.",
        Some("admin") => "An administrator has ended it.",
        Some("fault") => "The server had a fault.",
        Some("restart") => "The server has shut down, and does not keep rooms.",
        _ => "Its owner has closed it, or was away for too long.",
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, "\n  {}", self.advice) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_number_and_the_table_names_all() {
        let numbers = Code::ALL.map(Code::number);
        assert!(numbers.is_sorted_by(|one, next| one < next) && !numbers.contains(&0), "{numbers:?}");
        let table = table();
        for code in Code::ALL {
            assert!(table.contains(&format!("    {}  {}", code.number(), code.meaning())), "{table}");
        }
    }

    #[test]
    fn a_failure_says_what_happened_and_what_to_do() {
        let told = |code, word, patience| CommandError::closed(&Closing::with(code, word), "ws://a/b", patience);
        let gone = told(4510, "no_room", None);
        assert_eq!((gone.code, gone.to_string().lines().count()), (Code::NoRoom, 2));
        let silent = told(1006, "lost", Some(Duration::from_secs(30)));
        assert!(
            silent.to_string().starts_with("no answer from ws://a/b for 30s (1006 lost)\n  Is the server"),
            "{silent}"
        );
        assert_eq!(told(4509, "fenced", None).code, Code::Fenced);
        assert!(told(1006, "http_502", None).to_string().contains("(HTTP 502)"));
        assert!(told(4501, "bad_message", None).to_string().contains("(4501 bad_message)"));
    }
}
