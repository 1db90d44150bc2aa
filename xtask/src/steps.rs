//! Runs commands one after the other, or one beside others: prints each before it runs, and its time after. Must not know
//! which commands.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::Instant;

/// The reason why a command of the project failed, as a sentence for its caller.
#[derive(Debug)]
pub struct Failure(String);

impl Failure {
    /// Returns a failure with these words.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// The steps of one command so far.
pub struct Steps {
    /// When the first step could begin.
    started: Instant,
    /// The number of steps that succeeded.
    passed: u32,
}

impl Steps {
    /// Returns the steps of a command before the first one.
    pub fn begin() -> Self {
        Self { started: Instant::now(), passed: 0 }
    }

    /// Prints how the command with these steps ended, and returns the exit code of the process.
    pub fn end(self, name: &str, outcome: Result<(), Failure>) -> ExitCode {
        let (passed, seconds) = (self.passed, self.started.elapsed().as_secs_f64());
        match outcome {
            Ok(()) => {
                println!("xtask {name}: ok, {passed} steps passed in {seconds:.1} s");
                ExitCode::SUCCESS
            }
            Err(failure) => {
                println!("xtask {name}: FAILED after {passed} passed steps and {seconds:.1} s: {failure}");
                ExitCode::FAILURE
            }
        }
    }

    /// Counts a step that succeeded and ran no command.
    pub fn pass(&mut self) {
        self.passed += 1;
    }

    /// Runs one command to its end, without stdin. Fails if it cannot start or does not exit with 0.
    pub fn run(&mut self, command: &mut Command) -> Result<(), Failure> {
        self.read(command.stdout(Stdio::inherit())).map(|_| ())
    }

    /// Runs a command that mostly waits, beside other steps, and prints its output when both have ended. Fails if one of
    /// them does.
    pub fn run_beside(
        &mut self,
        beside: &mut Command,
        steps: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let shown = shown(beside);
        println!("$ {shown}  # beside what follows");
        let started = Instant::now();
        let (outcome, output) = thread::scope(|scope| {
            let running = scope.spawn(|| (beside.stdin(Stdio::null()).output(), started.elapsed()));
            (steps(self), running.join())
        });
        let (output, time) = output.map_err(|_| Failure::new(format!("`{shown}`: its thread panicked")))?;
        let output = output.map_err(|error| Failure::new(format!("`{shown}` could not start: {error}")))?;
        print!("$ {shown}\n{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        let (is_ok, seconds) = (output.status.success(), time.as_secs_f64());
        println!("  {} {seconds:.1} s", if is_ok { "ok in" } else { "failed after" });
        if is_ok {
            self.pass();
            return outcome;
        }
        Err(Failure::new(format!("`{shown}`: {}", output.status)))
    }

    /// Does the same as [`run`](Self::run), and returns the command's stdout.
    pub fn read(&mut self, command: &mut Command) -> Result<String, Failure> {
        let shown = shown(command);
        println!("$ {shown}");
        let started = Instant::now();
        let outcome = command
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| Failure::new(format!("`{shown}` could not start: {error}")))?;
        let seconds = started.elapsed().as_secs_f64();
        if !outcome.status.success() {
            println!("  failed after {seconds:.1} s");
            return Err(Failure::new(format!("`{shown}`: {}", outcome.status)));
        }
        println!("  ok in {seconds:.1} s");
        self.pass();
        Ok(String::from_utf8_lossy(&outcome.stdout).into_owned())
    }
}

/// Returns the command `program` with `arguments`, to be run in the workspace's root.
pub fn command(program: &str, arguments: &str) -> Command {
    let mut command = Command::new(program);
    command.args(arguments.split_whitespace()).current_dir(root());
    command
}

/// Returns the output of `program` with `arguments`, if it runs and exits with 0.
pub fn output(program: &str, arguments: &str) -> Option<String> {
    let output = command(program, arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Returns the workspace's root.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is a folder of the workspace's root")
}

/// Returns cargo's target folder.
pub fn target() -> PathBuf {
    root().join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// Returns the command as it would be typed in the root.
fn shown(command: &Command) -> String {
    let mut words = Vec::new();
    if let Some(folder) = command.get_current_dir().filter(|folder| *folder != root()) {
        words.push(format!("cd {} &&", folder.strip_prefix(root()).unwrap_or(folder).display()));
    }
    let quoted = |value: &OsStr| {
        let value = value.to_string_lossy();
        if value.contains(' ') { format!("'{value}'") } else { value.into_owned() }
    };
    for (name, value) in command.get_envs() {
        words.push(format!("{}={}", name.to_string_lossy(), quoted(value.unwrap_or_default())));
    }
    let program = Path::new(command.get_program());
    words.push(quoted(program.strip_prefix(root()).unwrap_or(program).as_os_str()));
    words.extend(command.get_args().map(quoted));
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let mut typed = command("cargo", "doc --no-deps");
        typed.env("RUSTDOCFLAGS", "-D warnings").current_dir(root().join("protocol"));
        let built = command(&root().join("target/release/xtask").to_string_lossy(), "soak");
        assert_eq!(shown(&built), "target/release/xtask soak");
        assert_eq!(shown(&typed), "cd protocol && RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn only_a_command_that_exits_with_zero_passes() {
        let mut steps = Steps::begin();
        steps.run(&mut command("cargo", "--version")).unwrap();
        let failure = steps.run(&mut command("cargo", "no-such-command")).unwrap_err();
        assert!(failure.to_string().starts_with("`cargo no-such-command`: "), "{failure}");
        let failure = steps.run(&mut command("no-such-program", "")).unwrap_err();
        assert!(failure.to_string().starts_with("`no-such-program` could not start: "), "{failure}");
        assert_eq!(steps.passed, 1);
    }
}
