//! How `watch` and `publish` end: the exit codes, and what went wrong in words for whoever typed the command.
//! Must not know what they did before.

use std::fmt;
use std::io;
use std::process::ExitCode;
use std::time::Duration;

use rtbroadcaster::remote::Closing;

use crate::notes;
use crate::signals::Came;

/// What an exit code means. Scripts rely on the numbers: they never change.
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
    /// Those of failures.
    const ALL: [Code; 6] = [Code::Here, Code::Usage, Code::NoRoom, Code::Server, Code::Refused, Code::Fenced];

    const fn number(self) -> u8 {
        match self {
            Self::Here => 1,
            // As clap ends for a wrong command line.
            Self::Usage => 2,
            Self::NoRoom => 3,
            Self::Server => 4,
            Self::Refused => 5,
            Self::Fenced => 6,
        }
    }

    const fn meaning(self) -> &'static str {
        match self {
            Self::Here => "a file or a pipe of this machine cannot be read or written",
            Self::Usage => "the command line is wrong",
            Self::NoRoom => "there is no such room, or the owner key is not its own",
            Self::Server => "the server cannot be reached, does not let us in, or ended it",
            Self::Refused => "publish: some messages were not said, all others were",
            Self::Fenced => "publish: another owner has taken the room over",
        }
    }
}

/// All exit codes and what they mean, as `--help` shows them.
pub(crate) fn table() -> String {
    let mut table =
        "Exit code:\n    0  watch: the room has ended, or nobody reads any more; publish: everything is said"
            .to_owned();
    for code in Code::ALL {
        table.push_str(&format!("\n    {}  {}", code.number(), code.meaning()));
    }
    table + "\n  130  ended by SIGINT (Ctrl-C)\n  143  ended by SIGTERM"
}

/// How it ended.
#[derive(Debug)]
pub(crate) enum Ending {
    Done,
    Interrupted(Came),
    Failed(Failure),
}

impl Ending {
    /// Says what went wrong, if anything did, and gives the exit code.
    pub(crate) fn told(self) -> ExitCode {
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

/// What went wrong, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    code: Code,
    what: String,
    advice: String,
}

impl Failure {
    pub(crate) fn new(code: Code, what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { code, what: what.into(), advice: advice.into() }
    }

    /// Something of this machine failed.
    pub(crate) fn here(what: &str, error: &io::Error) -> Self {
        Self::new(Code::Here, format!("{what}: {error}"), "")
    }

    /// The connection to `address` is over for good; `patience` is how long it would have been tried again.
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
                "Whoever holds its key may do that. What was not acknowledged is not known to be stored.",
            ),
            (4503, _) => new("the room has ended".into(), why_ended(closing)),
            (4500, _) => new(format!("the server at {address} does not let this program in"), "It needs other rights."),
            (1009, _) => new(
                "a message is bigger than the server takes".into(),
                "Make it smaller, or raise message_bytes_max of the server.",
            ),
            (1013, "room_full") => new("the room has as many viewers as it may".into(), "Try again later."),
            (1013, "room_limit") => new("the server has as many rooms as it may".into(), "Try again later."),
            (1006, "tls") => new(
                format!("the server at {address} could not prove who it is"),
                "Look at its certificate, its name, and the clock of this machine.",
            ),
            (1006, "limit") => new(
                format!("the server at {address} sends more than this program takes"),
                "The state of a room may have 64 MiB, and one message 16 MiB.",
            ),
            (1006, "protocol") => new(
                format!("what answers at {address} does not speak rtbroadcaster.v2"),
                "Look at the address; a server says it when it is ready (WebSocket).",
            ),
            (1006, "http_404" | "http_405" | "http_200") => new(
                format!("there is no endpoint at {address}"),
                "A server says its address when it is ready (WebSocket); the path is /broadcasting if nobody changed it.",
            ),
            (1006, "http_403") => new(
                format!("the server at {address} refuses this program (HTTP 403)"),
                "It may answer to other names only: see allow_host in its configuration.",
            ),
            (1006, http) if http.starts_with("http_") => new(
                format!("the server at {address} refuses this program (HTTP {})", http.trim_start_matches("http_")),
                "A proxy before it may not pass WebSocket on.",
            ),
            _ if closing.comes_back() => {
                let time =
                    patience.map_or_else(String::new, |time| format!(" for {}", humantime::format_duration(time)));
                new(
                    format!("no answer from {address}{time} ({} {word})", closing.code()),
                    "Is the server running, and the address right? --patience says how long to try; 0 is for ever.",
                )
            }
            (code, _) => {
                new(format!("the server at {address} has ended it ({code} {word})"), "PROTOCOL.md lists the reasons.")
            }
        }
    }
}

/// Why a room has ended, as far as the server has told.
pub(crate) fn why_ended(closing: &Closing) -> &'static str {
    match closing.why() {
        Some("owner") => "Its owner has closed it.",
        Some("grace") => "Its owner was away for too long.",
        Some("idle") => "It was not used, or its place was needed.",
        Some("admin") => "An administrator has ended it.",
        Some("fault") => "The server had a fault.",
        Some("restart") => "The server has ended, and keeps no rooms.",
        _ => "Its owner has closed it, or was away for too long.",
    }
}

impl fmt::Display for Failure {
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
    fn whoever_typed_the_command_is_told_what_happened_and_what_to_do() {
        let told = |code, word, patience| Failure::closed(&Closing::with(code, word), "ws://a/b", patience);
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
