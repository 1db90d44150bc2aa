//! A file system of its own in a file, for a server: it can be full, and its power can be cut. Needs root. Must not know
//! what is stored on it.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::failed;
use crate::steps::Failure;

/// The size of the file system.
const BYTES: u64 = 192 * 1024 * 1024;

/// The bytes that are written at once to fill it.
const CHUNK: usize = 64 * 1024;

/// The most copies of an image until one is made in which nothing changed meanwhile.
const COPIES_MAX: usize = 20;

/// A mounted file system; dropping it unmounts it.
pub(super) struct Disk {
    image: PathBuf,
    at: PathBuf,
}

impl Disk {
    /// Makes an empty one, mounted at `at`.
    pub(super) fn make(at: &Path) -> Result<Self, Failure> {
        let image = at.with_extension("image");
        File::create(&image).and_then(|file| file.set_len(BYTES)).map_err(failed)?;
        fs::create_dir_all(at).map_err(failed)?;
        run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&image))?;
        let disk = Self { image, at: at.into() };
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<(), Failure> {
        run(Command::new("mount").args(["-o", "loop"]).arg(&self.image).arg(&self.at))
    }

    fn unmount(&self) -> Result<(), Failure> {
        run(Command::new("umount").arg(&self.at))
    }

    /// Takes all space.
    pub(super) fn fill(&self) -> Result<(), Failure> {
        let mut file = File::create(self.ballast()).map_err(failed)?;
        // The last write takes what is left, and fails.
        while file.write_all(&[1; CHUNK]).is_ok() {}
        let _ = file.sync_all();
        Ok(())
    }

    /// Gives the space back.
    pub(super) fn free(&self) -> Result<(), Failure> {
        fs::remove_file(self.ballast()).map_err(failed)
    }

    fn ballast(&self) -> PathBuf {
        self.at.join("ballast")
    }

    /// Returns what the disk has been given at this moment: not what the system still holds in memory. What is written
    /// at the moment of a power cut may be there or not, so nothing may change while it is copied.
    pub(super) fn copy(&self) -> Result<Vec<u8>, Failure> {
        let mut copy = fs::read(&self.image).map_err(failed)?;
        for _ in 0..COPIES_MAX {
            let again = fs::read(&self.image).map_err(failed)?;
            if again == copy {
                return Ok(copy);
            }
            copy = again;
        }
        Err(Failure::new("the disk is written all the time"))
    }

    /// Has only this any more. Nothing may use the file system.
    pub(super) fn go_back_to(&self, copy: &[u8]) -> Result<(), Failure> {
        self.unmount()?;
        fs::write(&self.image, copy).map_err(failed)?;
        self.mount()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.unmount();
        let _ = fs::remove_file(&self.image);
    }
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let output = command.output().map_err(failed)?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr);
    Err(Failure::new(format!("{command:?}: {}; faults of disks need root and ext4", why.trim())))
}
