//! Makes sure that Node.js and npm are installed. Must not know the programs that need them.

use std::path::PathBuf;

use crate::apt;
use crate::steps::{Failure, Steps, command, output, root};

/// The oldest Node.js that runs the project's JavaScript.
const NODE_MAJOR_MIN: u32 = 20;

/// Fails unless `node` (20 or newer) and `npm` can be run. On Debian and Ubuntu, root gets missing ones by apt-get.
pub fn ensure(steps: &mut Steps) -> Result<(), Failure> {
    let Err(missing) = look() else { return Ok(()) };
    apt::install(steps, "nodejs npm", apt::Systems::Relatives, missing)?;
    look()
}

/// Does the same, and makes sure that the package `ws` is installed: Node.js 20 has no WebSocket client of its own.
pub fn ensure_websocket(steps: &mut Steps) -> Result<(), Failure> {
    ensure(steps)?;
    if websocket().exists() {
        return Ok(());
    }
    steps.run(command("npm", "ci --no-audit --no-fund").current_dir(root().join("protocol")))
}

/// Returns the path of that package's module.
pub fn websocket() -> PathBuf {
    root().join("protocol/node_modules/ws/wrapper.mjs")
}

fn look() -> Result<(), Failure> {
    let wanted = format!("install Node.js {NODE_MAJOR_MIN} or newer with npm (https://nodejs.org)");
    let Some(version) = output("node", "--version") else {
        return Err(Failure::new(format!("`node` cannot be run: {wanted}")));
    };
    if major(&version).is_none_or(|major| major < NODE_MAJOR_MIN) {
        return Err(Failure::new(format!("Node.js is {}: {wanted}", version.trim())));
    }
    if output("npm", "--version").is_none() {
        return Err(Failure::new(format!("`npm` cannot be run: {wanted}")));
    }
    Ok(())
}

/// Returns the major version, such as 20 of `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_what_node_prints() {
        assert_eq!(major("v20.11.1\n"), Some(20));
        assert_eq!(major("20"), None);
        assert_eq!(major(""), None);
    }
}
