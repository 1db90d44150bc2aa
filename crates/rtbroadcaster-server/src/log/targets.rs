//! The targets of the log. A filter that names an unknown target is refused, since it would silence the whole log.
//! Must not know what the modules log.

use tracing_subscriber::filter::LevelFilter;

/// Our modules that log, in the library and in the server; a test compares the list with the sources.
const MODULES: &[&str] = &[
    "client",
    "client::inbox",
    "engine::disk",
    "engine::disk::damage",
    "engine::disk::journal",
    "engine::disk::mending",
    "engine::disk::pulse",
    "engine::nats::log",
    "engine::nats::settings",
    "engine::shared::losses",
    "engine::shared::replica::keeping",
    "engine::shared::replica::reading",
    "engine::shared::replica::restoring",
    "fault",
    "log",
    "room::end",
    "room::registry",
    "secret_file",
    "serve",
    "serve::announce",
    "serve::arrivals",
    "serve::connection",
    "serve::files",
    "serve::hosts",
    "serve::listener",
    "serve::reload",
    "serve::totals",
    "server",
    "socket::options",
    "upgrade",
];

/// The name under which both the library and the server log.
const OWN: &str = "rtbroadcaster";

/// The crates of the store. At `info` they log internals, which are only shown if a filter names the crate.
const STORE: [&str; 2] = ["fjall", "lsm_tree"];
const STORE_LEVEL: LevelFilter = LevelFilter::WARN;

/// One part of a filter: a level for a target, or for all other targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Directive<'a> {
    target: Option<&'a str>,
    level: LevelFilter,
}

/// Checks that every part of the filter `text` names a level or a known target, and that no target is named twice.
///
/// # Errors
/// A message about the first part that is wrong, with what is expected there.
pub(super) fn check(text: &str) -> Result<(), String> {
    let mut seen: Vec<Directive<'_>> = Vec::new();
    for part in text.split(',') {
        let directive = parse(part)?;
        if seen.iter().any(|earlier| earlier.target == directive.target) {
            let what = directive.target.map_or("a level for all modules".to_owned(), |target| format!("`{target}`"));
            return Err(format!("{what} is given twice"));
        }
        seen.push(directive);
    }
    Ok(())
}

/// Returns the whole filter: the checked `text`, behind levels for the store, which `text` may override.
pub(super) fn with_store(text: &str) -> String {
    let general = text.split(',').filter_map(|part| parse(part).ok()).find(|directive| directive.target.is_none());
    // A filter that only names targets shows no other lines.
    let level = general.map_or(LevelFilter::OFF, |directive| directive.level).min(STORE_LEVEL);
    let store = STORE.map(|name| format!("{name}={level}")).join(",");
    // A later directive wins over an earlier one.
    format!("{store},{text}")
}

fn parse(part: &str) -> Result<Directive<'_>, String> {
    match part.split_once('=') {
        Some((target, word)) => Ok(Directive { target: Some(known(target)?), level: level(word)? }),
        None => match level(part) {
            Ok(level) => Ok(Directive { target: None, level }),
            // A target alone shows all its lines.
            Err(error) => known(part)
                .map(|target| Directive { target: Some(target), level: LevelFilter::TRACE })
                .map_err(|_| error),
        },
    }
}

fn level(word: &str) -> Result<LevelFilter, String> {
    let is_word = ["error", "warn", "info", "debug", "trace", "off"].contains(&word.to_ascii_lowercase().as_str());
    let level = word.parse().ok().filter(|_| is_word);
    level.ok_or_else(|| {
        format!("`{}` is no level: write error, warn, info, debug, trace or off, or MODULE=LEVEL", word.escape_debug())
    })
}

/// Returns the target if a module logs under this name or below it.
fn known(target: &str) -> Result<&str, String> {
    let (krate, module) = target.split_once("::").unwrap_or((target, ""));
    let is_known = if krate == OWN {
        let is_below =
            |known: &str| known == module || known.strip_prefix(module).is_some_and(|rest| rest.starts_with("::"));
        module.is_empty() && !target.contains(':') || MODULES.iter().any(|known| is_below(known))
    } else {
        // The modules of the store may change with its version, so only the syntax is checked.
        STORE.contains(&krate) && (target == krate || module.split("::").all(is_name))
    };
    if is_known {
        Ok(target)
    } else {
        let modules = MODULES.iter().filter(|module| !module.contains("::")).copied().collect::<Vec<_>>().join(", ");
        Err(format!(
            "nothing is logged as `{}`: there are {OWN}, its modules ({OWN}::{{{modules}}} and below), {}",
            target.escape_debug(),
            STORE.join(" and ")
        ))
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use tracing_subscriber::EnvFilter;

    use super::*;

    /// Finds the modules of the sources below `folder` that log, tests excluded.
    fn that_log(folder: &Path, module: &[String], found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut below = module.to_vec();
            if !["main", "lib", "mod"].contains(&&*name) {
                below.push(name.clone());
            }
            if path.is_dir() {
                that_log(&path, &below, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") && name != "tests" {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                let macros = ["error!(", "warn!(", "info!(", "debug!(", "trace!("];
                if macros.iter().any(|name| code.contains(&format!("tracing::{name}"))) {
                    found.insert(below.join("::"));
                }
            }
        }
    }

    #[test]
    fn the_list_of_modules_is_that_of_the_sources() {
        let mut found = BTreeSet::new();
        for folder in ["src", "../rtbroadcaster/src"] {
            that_log(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &[], &mut found);
        }
        // The client is not part of a server.
        found.retain(|module| !module.starts_with("remote") && !module.is_empty());
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), MODULES, "copy the left list to `MODULES`");
    }

    #[test]
    fn a_filter_says_which_level_some_lines_have() {
        for good in [
            "info",
            "OFF",
            "warn,rtbroadcaster=debug",
            "rtbroadcaster",
            "rtbroadcaster::serve=debug,rtbroadcaster::engine=trace",
            "info,fjall=debug,lsm_tree::compaction=info",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
            // `EnvFilter` ignores directives that it does not understand.
            assert!(EnvFilter::builder().parse(with_store(good)).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", "`` is no level"),
            ("inof", "`inof` is no level"),
            ("5", "`5` is no level"),
            ("info,", "`` is no level"),
            ("info,warn", "a level for all modules is given twice"),
            ("rtbroadcaster=info,rtbroadcaster=warn", "`rtbroadcaster` is given twice"),
            ("rtbroadcaster=", "`` is no level"),
            ("rtbroadcaster=loud", "`loud` is no level"),
            ("rtbroadcastr=info", "nothing is logged as `rtbroadcastr`"),
            ("rtbroadcaster::servr=info", "nothing is logged as `rtbroadcaster::servr`"),
            ("rtbroadcaster::serv=info", "nothing is logged as `rtbroadcaster::serv`"),
            ("rtbroadcaster::=info", "nothing is logged as `rtbroadcaster::`"),
            ("hyper=debug", "nothing is logged as `hyper`"),
            ("info, fjall=debug", "nothing is logged as ` fjall`"),
            ("=info", "nothing is logged as ``"),
            ("info[span]", "`info[span]` is no level"),
        ] {
            let error = check(bad).expect_err(bad);
            assert!(error.starts_with(why), "{bad}: {error}");
        }
    }

    #[test]
    fn the_store_logs_no_more_than_all_others_unless_the_filter_names_it() {
        for (text, expected) in [
            ("info", "fjall=warn,lsm_tree=warn,info"),
            ("off", "fjall=off,lsm_tree=off,off"),
            ("error", "fjall=error,lsm_tree=error,error"),
            ("rtbroadcaster=debug", "fjall=off,lsm_tree=off,rtbroadcaster=debug"),
            ("warn,fjall=debug", "fjall=warn,lsm_tree=warn,warn,fjall=debug"),
        ] {
            assert_eq!(with_store(text), expected);
        }
    }
}
