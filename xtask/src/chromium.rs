//! Makes sure that a Chromium for the browser tests is there. Must not know what they do.

use std::env;

use crate::apt;
use crate::steps::{Failure, Steps, output};

/// The browser that Debian's package `chromium` brings; the tests look for it at the same place.
const DEFAULT_PATH: &str = "/usr/bin/chromium";

/// Passes if the browser can be run. On Debian root gets a missing one by apt-get.
pub(crate) fn ensure(steps: &mut Steps) -> Result<(), Failure> {
    let Err(missing) = look() else { return Ok(()) };
    if env::var_os("CHROMIUM").is_some() {
        return Err(missing);
    }
    apt::install(steps, "chromium", apt::Systems::Debian, missing)?;
    look()
}

fn look() -> Result<(), Failure> {
    let path = env::var("CHROMIUM").unwrap_or_else(|_| DEFAULT_PATH.into());
    if output(&path, "--version").is_some() {
        return Ok(());
    }
    let wanted = "install Chromium or Chrome (Debian: apt-get install chromium) and set CHROMIUM to its path";
    Err(Failure::new(format!("`{path}` cannot be run: {wanted}")))
}
