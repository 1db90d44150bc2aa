//! Makes sure that Node.js and npm are there. Must not know what they are needed for.

use std::fs;
use std::process::Command;

use crate::steps::{Failure, Steps, command};

/// The oldest Node.js that runs the project's JavaScript.
const NODE_MAJOR_MIN: u32 = 20;

/// Passes if `node` (20 or newer) and `npm` can be run. On Debian and Ubuntu root gets missing ones by apt-get.
pub(crate) fn ensure(steps: &mut Steps) -> Result<(), Failure> {
    let Err(missing) = look() else { return Ok(()) };
    if !(is_root() && has_apt(&fs::read_to_string("/etc/os-release").unwrap_or_default())) {
        return Err(missing);
    }
    println!("{missing}");
    println!("Installing nodejs and npm by apt-get, because this is root on Debian or Ubuntu.");
    steps.run(&mut command("apt-get", "update"))?;
    let mut install = command("apt-get", "install --yes --no-install-recommends nodejs npm");
    steps.run(install.env("DEBIAN_FRONTEND", "noninteractive"))?;
    look()
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

/// What a program prints, if it runs and exits with 0.
fn output(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// 20 of `v20.11.1`.
fn major(version: &str) -> Option<u32> {
    version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()
}

fn is_root() -> bool {
    output("id", "-u").is_some_and(|id| id.trim() == "0")
}

/// Whether an `os-release` file is that of Debian, Ubuntu or a relative of theirs.
fn has_apt(os_release: &str) -> bool {
    os_release
        .lines()
        .filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")))
        .flat_map(|names| names.trim_matches('"').split(' '))
        .any(|name| name == "debian" || name == "ubuntu")
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

    #[test]
    fn only_debian_and_its_relatives_have_apt() {
        assert!(has_apt("NAME=\"Debian GNU/Linux\"\nID=debian\n"));
        assert!(has_apt("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n"));
        assert!(!has_apt("ID=fedora\nNAME=not-debian\n"));
        assert!(!has_apt(""));
    }
}
