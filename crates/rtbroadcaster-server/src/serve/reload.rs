//! Reloads the configuration on SIGHUP, and applies the settings that can change while the server runs.
//! Must not know where settings come from.

use std::convert::Infallible;
use std::sync::Arc;

use rtbroadcaster::Manager;

use crate::log::LogHandle;
use crate::settings::{Examined, SettingChange, Settings};
use crate::signals::Hangups;

/// The keys that can change while the server runs.
const KEYS: [&str; 3] = ["log", "allow_origin", "public_url"];

/// Reads the settings again, from the same sources as at the start.
pub(crate) trait Load: Fn() -> Examined + Send + Sync + 'static {}

impl<L: Fn() -> Examined + Send + Sync + 'static> Load for L {}

/// Reloads the configuration on each SIGHUP.
pub(super) struct Reload<L> {
    hangups: Hangups,
    load: Arc<L>,
    /// The settings in force.
    settings: Settings,
    log: Arc<LogHandle>,
}

impl<L: Load> Reload<L> {
    /// Returns the reloader of a server that was started with these `settings`.
    pub(super) fn new(hangups: Hangups, load: L, settings: Settings, log: Arc<LogHandle>) -> Self {
        Self { hangups, load: Arc::new(load), settings, log }
    }

    /// Reloads on each SIGHUP, for ever.
    pub(super) async fn run(mut self, manager: &Manager) -> Infallible {
        loop {
            self.hangups.next().await;
            let load = Arc::clone(&self.load);
            // Reading the file may take long, or for ever.
            match tokio::task::spawn_blocking(move || load()).await {
                Ok(examined) if examined.problems.is_empty() => self.change(manager, &examined.settings),
                Ok(Examined { problems, .. }) => {
                    for error in problems {
                        tracing::warn!(%error, "SIGHUP: the configuration is not valid, nothing changed");
                    }
                }
                Err(_) => tracing::warn!("SIGHUP: the configuration cannot be read, nothing changed"),
            }
        }
    }

    fn change(&mut self, manager: &Manager, new: &Settings) {
        let (now, later): (Vec<SettingChange>, Vec<SettingChange>) =
            self.settings.changes(new).into_iter().partition(|change| KEYS.contains(&change.key));
        let config = &new.config;
        manager.set_allowed_origins(config.allow_origins.clone());
        manager.set_public_url(config.public_url.clone());
        // Logged under the old filter: the new one may be `off`.
        for SettingChange { key, old, new } in &now {
            tracing::info!(key, old, new, "SIGHUP: changed");
        }
        if !later.is_empty() {
            let keys: Vec<_> = later.iter().map(|change| change.key).collect();
            tracing::warn!(keys = keys.join(", "), "SIGHUP: these keys only change with a restart");
        }
        self.log.set_filter(&new.log);
        tracing::info!(changed = now.len(), "SIGHUP: the configuration was read again");
        self.settings.log = new.log.clone();
        self.settings.config.allow_origins.clone_from(&config.allow_origins);
        self.settings.config.public_url.clone_from(&config.public_url);
    }
}
