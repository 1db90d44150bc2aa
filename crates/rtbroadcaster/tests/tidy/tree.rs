//! Finds the files of the workspace. Must not know what is looked for in them.

use std::fs;
use std::path::{Path, PathBuf};

/// One file of the workspace.
pub(crate) struct File {
    /// Its path below the folder that was asked for, with `/` between the names.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

/// The workspace's root.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every file below `folder` (from the root) whose name ends with `ending`, without what is built, fetched or hidden.
pub(crate) fn below(folder: &str, ending: &str) -> Vec<File> {
    let start = root().join(folder);
    let (mut folders, mut files) = (vec![start.clone()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with('.') || name == "target" || name == "node_modules" {
                continue;
            }
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else if name.ends_with(ending) {
                let path = entry.path();
                let below = path.strip_prefix(&start).unwrap();
                let names: Vec<_> = below.iter().map(|name| name.to_str().unwrap()).collect();
                files.push(File { path: names.join("/"), text: fs::read_to_string(&path).unwrap() });
            }
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files
}

/// Whether a file holds nothing but tests or benchmarks.
pub(crate) fn is_test(path: &str) -> bool {
    let mut names = path.split('/').rev();
    names.next() == Some("tests.rs") || names.any(|folder| folder == "tests" || folder == "benches")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_tests_and_benchmarks_are_tests() {
        for path in ["crates/x/tests/it/main.rs", "src/room/tests.rs", "crates/x/benches/fanout.rs"] {
            assert!(is_test(path), "{path}");
        }
        for path in ["src/room/log.rs", "xtask/src/test.rs", "src/contests.rs"] {
            assert!(!is_test(path), "{path}");
        }
    }
}
