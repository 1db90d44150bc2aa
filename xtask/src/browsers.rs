//! Makes sure that the browsers of the browser tests are installed. Must not know the tests.

use std::env;

use crate::apt;
use crate::steps::{Failure, Steps, output};

/// A browser that the tests start.
struct Browser {
    /// The environment variable that holds its path.
    variable: &'static str,
    /// The path at which Debian's package installs it; the tests look at the same path.
    default_path: &'static str,
    /// The name of Debian's package.
    package: &'static str,
    /// The programs that will do, for the error message.
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

/// Fails unless each browser can be run. On Debian, root gets missing ones by apt-get.
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
