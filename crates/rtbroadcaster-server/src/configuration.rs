//! `rtbroadcaster check` and `rtbroadcaster config`: examine and print the settings of `serve`, without serving.
//! Must not know what the settings do.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;

use crate::settings::{self, Examined, Flags, Settings};

/// The exit code for invalid settings, the same as clap's for an invalid command line.
const UNUSABLE: u8 = 2;

/// The options of `rtbroadcaster config`.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Print the settings in force instead, from the file, the variables and the options of `serve`, with the source of
    /// each value that is not a default
    #[arg(long)]
    effective: bool,
    #[command(flatten)]
    serve: Flags,
}

/// Returns the settings for `serve` and the warnings. Writes all problems to stderr if the settings are invalid.
pub(crate) fn settings(flags: &Flags) -> Result<(Settings, Vec<String>), ExitCode> {
    let examined = usable(flags)?;
    Ok((examined.settings, examined.warnings))
}

/// Writes all problems of the settings for `serve` to stderr, or `ok` to stdout if there are none.
pub(crate) fn check(flags: &Flags) -> ExitCode {
    match usable(flags) {
        Ok(examined) => {
            for warning in &examined.warnings {
                write_stderr(&format!("warning: {warning}"));
            }
            print("ok\n")
        }
        Err(code) => code,
    }
}

/// Prints a configuration file.
pub(crate) fn config(options: &ConfigArgs) -> ExitCode {
    if options.effective {
        return match usable(&options.serve) {
            Ok(examined) => print(&examined.to_string()),
            Err(code) => code,
        };
    }
    if !options.serve.is_empty() {
        write_stderr("the options of `serve` change no defaults; `config --effective` prints the settings in force");
        return ExitCode::from(UNUSABLE);
    }
    print(&settings::print_defaults())
}

fn usable(flags: &Flags) -> Result<Examined, ExitCode> {
    let examined = Examined::of(flags, std::env::vars_os());
    if examined.problems.is_empty() {
        return Ok(examined);
    }
    for problem in &examined.problems {
        write_stderr(&problem.to_string());
    }
    Err(ExitCode::from(UNUSABLE))
}

/// Writes a plain line to stderr, without the format of the log: a person reads it.
fn write_stderr(text: &str) {
    let _ = writeln!(io::stderr(), "rtbroadcaster: {text}");
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        _ => ExitCode::SUCCESS,
    }
}
