//! Installs missing packages by apt-get, for root on Debian and its relatives. Must not know what uses them.

use std::fs;

use crate::steps::{Failure, Steps, command, output};

/// Which systems have a package that works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Systems {
    /// Debian only: elsewhere a package of this name may be a stub.
    Debian,
    /// Debian, Ubuntu and whatever is like them.
    Relatives,
}

/// Installs `packages`, or fails with what is `missing` where that cannot be done.
pub fn install(steps: &mut Steps, packages: &str, systems: Systems, missing: Failure) -> Result<(), Failure> {
    let os_release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    if !(is_root() && has_package(&os_release, systems)) {
        return Err(missing);
    }
    println!("{missing}");
    println!("Installing {packages} by apt-get, because this is root on a system that has it.");
    steps.run(&mut command("apt-get", "update"))?;
    let mut install = command("apt-get", &format!("install --yes --no-install-recommends {packages}"));
    steps.run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_root() -> bool {
    output("id", "-u").is_some_and(|id| id.trim() == "0")
}

/// Whether an `os-release` file is that of one of the systems.
fn has_package(os_release: &str, systems: Systems) -> bool {
    let names = |start: &'static str| {
        let lines = os_release.lines().filter_map(move |line| line.strip_prefix(start));
        lines.flat_map(|names| names.trim_matches('"').split(' '))
    };
    match systems {
        Systems::Debian => names("ID=").any(|name| name == "debian"),
        Systems::Relatives => names("ID=").chain(names("ID_LIKE=")).any(|name| name == "debian" || name == "ubuntu"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_systems_that_have_a_package_get_it() {
        for (os_release, debian, relatives) in [
            ("NAME=\"Debian GNU/Linux\"\nID=debian\n", true, true),
            ("ID=ubuntu\nID_LIKE=debian\n", false, true),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", false, true),
            ("ID=fedora\nNAME=not-debian\n", false, false),
            ("", false, false),
        ] {
            assert_eq!(has_package(os_release, Systems::Debian), debian, "{os_release}");
            assert_eq!(has_package(os_release, Systems::Relatives), relatives, "{os_release}");
        }
    }
}
