//! One client of any kind. Must not know the faults of its connection.

use std::path::Path;

use super::Events;
use super::library::{Library, PublishHandle};
use super::program::Program;
use super::sdk::Sdk;
use crate::steps::Failure;

/// The program of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::chaos) enum ClientKind {
    Library,
    Sdk,
    CommandLine,
}

impl ClientKind {
    /// All of them.
    pub(in crate::chaos) const ALL: [Self; 3] = [Self::Library, Self::Sdk, Self::CommandLine];

    /// Returns its name in a report.
    pub(in crate::chaos) fn name(self) -> &'static str {
        match self {
            Self::Library => "remote",
            Self::Sdk => "SDK",
            Self::CommandLine => "command line",
        }
    }
}

/// One client. Dropping it ends it without a close.
pub(in crate::chaos) enum Client {
    Library { _tasks: Library, voice: Option<PublishHandle> },
    Sdk(Sdk, u32),
    CommandLine(Program),
}

impl Client {
    /// Starts to watch a room.
    pub(in crate::chaos) async fn watch(
        kind: ClientKind,
        program: &Path,
        client: u32,
        url: &str,
        room: &str,
        events: &Events,
    ) -> Result<Self, Failure> {
        match kind {
            ClientKind::Library => {
                let mut library = Library::default();
                library.watch(client, url, room, events)?;
                Ok(Self::Library { _tasks: library, voice: None })
            }
            ClientKind::Sdk => {
                let sdk = Sdk::start(events)?;
                sdk.watch(client, url, room).await?;
                Ok(Self::Sdk(sdk, client))
            }
            ClientKind::CommandLine => Program::watch(program, client, url, room, events).map(Self::CommandLine),
        }
    }

    /// Creates a room and owns it.
    pub(in crate::chaos) async fn host(
        kind: ClientKind,
        program: &Path,
        client: u32,
        url: &str,
        events: &Events,
    ) -> Result<Self, Failure> {
        match kind {
            ClientKind::Library => {
                let mut library = Library::default();
                let voice = library.host(client, url, events);
                Ok(Self::Library { _tasks: library, voice: Some(voice) })
            }
            ClientKind::Sdk => {
                let sdk = Sdk::start(events)?;
                sdk.host(client, url).await?;
                Ok(Self::Sdk(sdk, client))
            }
            ClientKind::CommandLine => Program::host(program, client, url, events).map(Self::CommandLine),
        }
    }

    /// Has an owner publish message `number`, which is 1 and then always the next one, with `padding_bytes` of padding.
    pub(in crate::chaos) async fn publish(&mut self, number: u64, padding_bytes: usize) -> Result<(), Failure> {
        match self {
            Self::Library { voice: Some(voice), .. } => voice.publish(number, padding_bytes).await,
            // A viewer publishes nothing.
            Self::Library { voice: None, .. } => {}
            Self::Sdk(sdk, client) => sdk.publish(*client, number, padding_bytes).await?,
            Self::CommandLine(program) => program.publish(number, padding_bytes).await?,
        }
        Ok(())
    }
}
