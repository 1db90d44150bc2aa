//! Random configurations from all sources: each is refused with its location, or in force as given, and safe.
//!
//! `RTBROADCASTER_CONFIGURATIONS=100000 cargo test --release -p rtbroadcaster-server random_configurations` tries as
//! many.

mod dice;
mod trial;

use std::collections::HashMap;

use clap::{Args, Command, FromArgMatches};

use super::keys::KEYS;
use super::value::{Shape, quoted};
use super::*;
use dice::Dice;

/// The number of configurations that are tried by default.
const COUNT: u64 = 2_000;
/// One of so many valid configurations is put to the trial.
const TRIALS: u64 = 5;
/// The most values of a configuration.
const VALUES_MAX: u64 = 5;

/// The source of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Source {
    File,
    Variable,
    Flag,
}

/// One configuration as an operator gives it.
#[derive(Debug, Default)]
struct Configuration {
    file: String,
    variables: Vec<(String, String)>,
    arguments: Vec<String>,
    /// The text that should be in force for a key, if it is known: the last source wins.
    wished: HashMap<&'static str, (Source, Option<String>)>,
}

impl Configuration {
    fn random(dice: &mut Dice) -> Self {
        let mut configuration = Self::default();
        for _ in 0..=dice.below(VALUES_MAX) {
            let source = dice.pick(&[Source::File, Source::Variable, Source::Flag]);
            if dice.is_one_in(40) {
                configuration.give_unknown(source, dice);
            } else {
                let key = dice.key();
                let text = dice.text(key);
                configuration.give(key, source, text, dice);
            }
        }
        configuration
    }

    fn give(&mut self, key: &'static SettingKey, source: Source, text: String, dice: &mut Dice) {
        if self.wished.get(key.name).is_some_and(|(earlier, _)| *earlier >= source) {
            return;
        }
        let mut wish = Some(text.clone());
        match source {
            Source::File => {
                let written = match key.shape {
                    Shape::Number | Shape::Switch if text != "none" && !dice.is_one_in(20) => {
                        // TOML knows signs, spaces and comments around a number.
                        wish = wish.filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric()));
                        text
                    }
                    Shape::List if dice.is_one_in(2) => {
                        format!("[{}]", text.split(',').map(quoted).collect::<Vec<_>>().join(", "))
                    }
                    _ if dice.is_one_in(40) => {
                        // Without quotes TOML may read another value.
                        wish = None;
                        text
                    }
                    _ => quoted(text),
                };
                self.file.push_str(&format!("{} = {written}\n", key.name));
            }
            Source::Variable => self.variables.push((format!("RTB_{}", key.name.to_uppercase()), text)),
            Source::Flag => self.arguments.push(format!("--{}={text}", key.flag())),
        }
        self.wished.insert(key.name, (source, wish));
    }

    fn give_unknown(&mut self, source: Source, dice: &mut Dice) {
        let name = dice.unknown_name();
        match source {
            Source::File => self.file.push_str(&format!("{name} = 1\n")),
            Source::Variable => self.variables.push((format!("RTB_{}", name.to_uppercase()), "1".into())),
            Source::Flag => self.arguments.push(format!("--{}=1", name.replace('_', "-"))),
        }
    }

    /// Returns the examined settings; `None` if the command line itself is refused.
    fn examine(&self, command: &Command) -> Option<Examined> {
        let flags = Flags::from_arg_matches(&command.clone().try_get_matches_from(&self.arguments).ok()?).ok()?;
        let mut problems = Vec::new();
        let variables = self.variables.iter().map(|(name, text)| (OsString::from(name), OsString::from(text)));
        let variables = Variables::of(variables, &mut problems);
        let file = file::parse(Path::new("random.toml"), &self.file, &mut problems);
        Some(Examined::of_sources(file, variables, &flags, problems))
    }
}

/// Checks that every given value is in force, and that the printed settings have it.
fn check_in_force(configuration: &Configuration, examined: &Examined) {
    for (name, (source, wish)) in &configuration.wished {
        let (key, Some(text)) = (SettingKey::named(name).unwrap(), wish) else { continue };
        let mut alone = Settings::default();
        (key.set)(&mut alone, text).unwrap_or_else(|error| panic!("{name} = {text:?} was taken: {error}"));
        let shown = (key.show)(&examined.settings);
        assert_eq!(shown, (key.show)(&alone), "{name} = {text:?} from {source:?}");
        if let Ok(number) = text.parse::<u64>()
            && key.shape == Shape::Number
        {
            assert_eq!(shown, number.to_string(), "{name}: a number is in force as it was written");
        }
    }
    let printed = examined.to_string();
    let mut problems = Vec::new();
    let file = file::parse(Path::new("printed.toml"), &printed, &mut problems);
    let again = Examined::of_sources(file, Variables::default(), &Flags::default(), problems);
    assert!(again.problems.is_empty(), "{:?}\n{printed}", again.problems);
    for key in KEYS {
        assert_eq!((key.show)(&again.settings), (key.show)(&examined.settings), "{}\n{printed}", key.name);
    }
}

/// Checks that each problem names its location in one short line.
fn check_refusal(problems: &[SettingsError]) {
    for problem in problems {
        let text = problem.to_string();
        let names_a_place = ["random.toml:", "variable RTB_", "--"].iter().any(|location| text.contains(location));
        assert!(names_a_place && text.len() < 1_000 && !text.contains('\n'), "{text:?}");
    }
}

#[test]
fn random_configurations_are_in_force_as_given_or_refused() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let count = number("RTBROADCASTER_CONFIGURATIONS").unwrap_or(COUNT);
    let seed = number("RTBROADCASTER_SEED").unwrap_or_else(new_seed);
    let command = Flags::augment_args(Command::new("serve").no_binary_name(true));
    let (mut used, mut tried) = (0, 0);
    for number in 0..count {
        let mut dice = Dice::new(seed.wrapping_add(number));
        let configuration = Configuration::random(&mut dice);
        // Printed if a check below panics.
        let _story = Story { seed: seed.wrapping_add(number), configuration: &configuration };
        let Some(examined) = configuration.examine(&command) else { continue };
        if examined.problems.is_empty() {
            check_in_force(&configuration, &examined);
            if used % TRIALS == 0 {
                trial::check(&examined.settings);
                tried += 1;
            }
            used += 1;
        } else {
            check_refusal(&examined.problems);
        }
    }
    println!("{count} configurations from seed {seed}: {used} could be used, {tried} of them were tried");
    assert!(count < 100 || used * 10 > count && used * 10 < count * 9, "{used} of {count}: neither all nor none");
}

/// Returns a new seed for each run.
fn new_seed() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().subsec_nanos().into()
}

/// Prints the configuration that failed, when a panic drops it.
struct Story<'a> {
    seed: u64,
    configuration: &'a Configuration,
}

impl Drop for Story<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let Self { seed, configuration } = self;
            eprintln!("RTBROADCASTER_SEED={seed} RTBROADCASTER_CONFIGURATIONS=1 tries it again: {configuration:?}");
        }
    }
}
