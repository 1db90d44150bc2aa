//! One run: a new server on a core, the load generator on another one. Must not know what the figures are for.

use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::cell::{Cell, Plan, PublishPace};
use super::contender::{Contender, Relays};
use super::figures::Figures;
use crate::load::server::Server;
use crate::steps::{Failure, output};

/// The time in which messages are published before the measurement, in seconds.
const WARM_UP_SECONDS: u32 = 1;

/// The most time of joins and everything else besides the publishing.
const MARGIN: Duration = Duration::from_secs(180);

/// The time between two looks whether the load generator has ended.
const LOOK: Duration = Duration::from_millis(20);

/// The cores of the server and the load generator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cores {
    /// The server on the first one, the generator on the second one.
    Own,
    /// Any core, because there is no other way here.
    Any,
    /// Any core, because the measurement is about that.
    Shared,
}

impl Cores {
    pub(super) fn of_this_machine() -> Self {
        let are_two = thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
        if are_two && output("taskset", "--version").is_some() { Self::Own } else { Self::Any }
    }

    /// Returns the command on a core, with as many open files as it may have.
    fn on(self, core: u32, command: &Command) -> Command {
        let mut pinned = Command::new("sh");
        // Neither leaves a process between: the started process becomes the program.
        pinned.args(["-c", "ulimit -n \"$(ulimit -Hn)\"; exec \"$0\" \"$@\""]);
        if self == Self::Own {
            pinned.args(["taskset", "-c", &core.to_string()]);
        }
        pinned.arg(command.get_program()).args(command.get_args());
        pinned
    }
}

impl fmt::Display for Cores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Own => "the server has core 0 and the load generator core 1",
            Self::Any => {
                "NOT PINNED: without `taskset` and a second core, server and load generator are in each other's way"
            }
            Self::Shared => "server and load generator share all cores",
        })
    }
}

/// Everything that a run needs.
pub(super) struct Bed<'a> {
    pub(super) plan: &'a Plan,
    pub(super) relays: &'a Relays,
    pub(super) cores: Cores,
    /// The program that has the command `bench`.
    pub(super) generator: &'a Path,
}

impl Bed<'_> {
    /// Measures a cell in which nothing may fail.
    pub(super) fn measure(&self, contender: Contender, cell: &Cell) -> Result<Figures, Failure> {
        let server = self.serve(contender)?;
        self.load(&server, contender, cell, &[])
    }

    /// Starts a server.
    pub(super) fn serve(&self, contender: Contender) -> Result<Server, Failure> {
        Server::spawn(&mut self.cores.on(0, &self.relays.command(contender)))
    }

    /// Measures a server with these further options `besides` of the load generator. Nothing may fail.
    pub(super) fn load(
        &self,
        server: &Server,
        contender: Contender,
        cell: &Cell,
        besides: &[&str],
    ) -> Result<Figures, Failure> {
        let figures = self.ask(server, contender, cell, self.plan.seconds, besides)?;
        if let Some(flaws) = figures.flaws() {
            return Err(Failure::new(format!("{flaws}: {figures}")));
        }
        let missing = cell.metrics.iter().find(|metric| figures.get(**metric).is_none() && !figures.is_void());
        match missing {
            Some(metric) => Err(Failure::new(format!("no {}: {figures}", metric.title()))),
            None => Ok(figures),
        }
    }

    /// Starts a server, runs the load generator, and ends the server in any case.
    pub(super) fn figures(&self, contender: Contender, cell: &Cell, seconds: u32) -> Result<Figures, Failure> {
        let server = self.serve(contender)?;
        self.ask(&server, contender, cell, seconds, &[])
    }

    fn ask(
        &self,
        server: &Server,
        contender: Contender,
        cell: &Cell,
        seconds: u32,
        besides: &[&str],
    ) -> Result<Figures, Failure> {
        let path = if contender.protocol() == "relay" { "" } else { "broadcasting" };
        let url = format!("ws://{}/{path}", server.address());
        let mut generator = Command::new(self.generator);
        generator.args(["bench", &url, "--protocol", contender.protocol(), "--json"]);
        generator.args(arguments(cell, seconds, server.process())).args(besides);
        let limit = MARGIN + Duration::from_secs((seconds + WARM_UP_SECONDS).into());
        let told = stdout_of(&mut self.cores.on(1, &generator), limit)?;
        let figures = serde_json::from_str(&told).map(<Figures as From<serde_json::Value>>::from);
        figures.map_err(|error| Failure::new(format!("the load generator printed no figures: {error}")))
    }
}

/// Returns the arguments of the load generator.
fn arguments(cell: &Cell, seconds: u32, process: u32) -> Vec<String> {
    let Cell { viewers, rooms, size, pace, .. } = *cell;
    let messages = format!("--viewers {viewers} --seconds {seconds} --warmup {WARM_UP_SECONDS}");
    let pace = match pace {
        PublishPace::Window(window) => format!("{messages} --window {window}"),
        PublishPace::Rate(rate) => format!("{messages} --rate {rate:.3}"),
        PublishPace::Mixed(rate) => format!("{messages} --kind mixed --rate {rate:.3}"),
        PublishPace::Storm => format!("--viewers 0 --joins {viewers}"),
    };
    let all = format!("--rooms {rooms} --size {size} --pid {process} {pace}");
    all.split(' ').map(Into::into).collect()
}

/// A load generator; dropping it kills it.
struct Generator(Child);

impl Drop for Generator {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Returns the stdout of a program that ends within `limit`.
fn stdout_of(command: &mut Command, limit: Duration) -> Result<String, Failure> {
    let failed = |error| Failure::new(format!("the load generator cannot be run: {error}"));
    let spawned = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut generator = Generator(spawned.map_err(failed)?);
    let deadline = Instant::now() + limit;
    let status = loop {
        match generator.0.try_wait().map_err(failed)? {
            Some(status) => break status,
            None if Instant::now() > deadline => {
                return Err(Failure::new(format!("the load generator did not end within {limit:?}")));
            }
            None => thread::sleep(LOOK),
        }
    };
    // The output is smaller than a pipe's buffer.
    let (mut out, mut error) = (String::new(), String::new());
    generator.0.stdout.take().expect("it is piped").read_to_string(&mut out).map_err(failed)?;
    generator.0.stderr.take().expect("it is piped").read_to_string(&mut error).map_err(failed)?;
    // A generator that found errors fails as well, and its figures say which.
    if status.success() || out.trim_start().starts_with('{') {
        return Ok(out);
    }
    Err(Failure::new(format!("the load generator failed ({status}): {}", error.trim().replace('\n', " / "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_run_as_it_is_on_a_core() {
        let mut program = Command::new("/bin/a");
        program.args(["b", "c d"]);
        for (cores, expected) in
            [(Cores::Own, &["taskset", "-c", "1", "/bin/a", "b", "c d"][..]), (Cores::Any, &["/bin/a", "b", "c d"])]
        {
            let pinned = cores.on(1, &program);
            assert_eq!(pinned.get_args().skip(2).collect::<Vec<_>>(), expected);
        }
    }

    #[test]
    fn a_program_that_fails_is_read_for_its_figures_or_its_words() {
        let say = |script: &str| stdout_of(Command::new("sh").args(["-c", script]), Duration::from_secs(10));
        assert_eq!(say("echo '{}'; exit 1").unwrap(), "{}\n");
        let failure = say("echo no server >&2; exit 2").unwrap_err().to_string();
        assert!(failure.contains("no server"), "{failure}");
        let late = stdout_of(Command::new("sleep").arg("60"), Duration::ZERO).unwrap_err().to_string();
        assert!(late.contains("did not end"), "{late}");
    }
}
