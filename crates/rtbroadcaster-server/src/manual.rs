//! `rtbroadcaster completions` and `rtbroadcaster man`: prints completion scripts and manual pages, generated from the
//! definitions of the command line. Must not know the commands.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Command;
use clap_complete::Shell;

use crate::ending::{Code, CommandEnd, CommandError};

/// Prints the completion script of the program for `shell`.
pub(crate) fn completions(mut command: Command, shell: Shell) -> ExitCode {
    let name = command.get_name().to_owned();
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut text);
    print(&text)
}

/// Prints the manual page of the program, or of its command `name`.
pub(crate) fn page(mut command: Command, name: Option<&str>) -> ExitCode {
    command.build();
    let chosen = match name {
        None => Some(&command),
        Some(name) => command.get_subcommands().find(|known| known.get_name() == name),
    };
    let Some(chosen) = chosen else {
        let names: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
        let what = format!("there is no command `{}`", name.unwrap_or_default());
        return CommandEnd::Failed(CommandError::new(Code::Usage, what, format!("There are {}.", names.join(", "))))
            .finish();
    };
    let mut text = Vec::new();
    match clap_mangen::Man::new(chosen.clone()).render(&mut text) {
        Ok(()) => print(&text),
        Err(error) => CommandEnd::Failed(CommandError::here("cannot write the page", &error)).finish(),
    }
}

fn print(text: &[u8]) -> ExitCode {
    match io::stdout().write_all(text) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            CommandEnd::Failed(CommandError::here("cannot write to the standard output", &error)).finish()
        }
        _ => ExitCode::SUCCESS,
    }
}
