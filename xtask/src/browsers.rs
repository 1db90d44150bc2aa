//! Makes sure that the browsers of the browser tests are there. Must not know what they do.

use std::env;

use crate::apt;
use crate::steps::{Failure, Steps, output};

/// A browser that the tests start.
struct Browser {
    /// The environment variable with its path.
    variable: &'static str,
    /// The path that Debian's package brings; the tests look for it at the same place.
    default_path: &'static str,
    /// Debian's package.
    package: &'static str,
    /// Names the programs that will do.
    name: &'static str,
}

const BROWSERS: [Browser; 2] = [
    Browser {
        variable: "CHROMIUM",
        default_path: "/usr/bin/chromium",
        package: "chromium",
        name: "Chromium or Chrome",
    },
    Browser { variable: "FIREFOX", default_path: "/usr/bin/firefox-esr", package: "firefox-esr", name: "Firefox" },
];

/// Passes if each browser can be run. On Debian root gets missing ones by apt-get.
pub(crate) fn ensure(steps: &mut Steps) -> Result<(), Failure> {
    BROWSERS.iter().try_for_each(|browser| browser.ensure(steps))
}

impl Browser {
    fn ensure(&self, steps: &mut Steps) -> Result<(), Failure> {
        let Err(missing) = self.look() else { return Ok(()) };
        if env::var_os(self.variable).is_some() {
            return Err(missing);
        }
        apt::install(steps, self.package, apt::Systems::Debian, missing)?;
        self.look()
    }

    fn look(&self) -> Result<(), Failure> {
        let Self { variable, default_path, package, name } = self;
        let path = env::var(variable).unwrap_or_else(|_| (*default_path).into());
        if output(&path, "--version").is_some() {
            return Ok(());
        }
        let wanted = format!("install {name} (Debian: apt-get install {package}) and set {variable} to its path");
        Err(Failure::new(format!("`{path}` cannot be run: {wanted}")))
    }
}
