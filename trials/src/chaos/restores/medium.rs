//! The place of a data directory: a directory, or a block device of its own. Must not know its contents.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::tool::{Tool, copy, remove};
use super::way::{MarkerFile, Moment, age};
use crate::steps::{Failure, output};

/// The size of a device; most of it is never written.
const DEVICE_BYTES: u64 = 512 * 1024 * 1024;

/// The most attempts of a copy that a running server changes.
const COPIES_MAX: u32 = 5;

/// The place of the original.
pub(super) struct Medium {
    /// The folder of everything.
    base: PathBuf,
    device: Option<Device>,
}

impl Medium {
    /// Returns a directory on the present file system.
    pub(super) fn directory(base: PathBuf) -> Result<Self, Failure> {
        create(&base)?;
        Ok(Self { base, device: None })
    }

    /// Returns a file system of its own in a file; fails where that cannot be had.
    pub(super) fn device(base: PathBuf) -> Result<Self, Failure> {
        create(&base)?;
        let device = Device { file: base.join("device"), mounted: base.join("mounted"), is_mounted: false };
        // Constructed at once, so that nothing stays behind after a failure.
        let mut medium = Self { base, device: Some(device) };
        if output("id", "-u").is_none_or(|id| id.trim() != "0") || !Path::new("/dev/loop-control").exists() {
            return Err(Failure::new("needs root and a loop device"));
        }
        if let Some(device) = &mut medium.device {
            let mounted = device.make().and_then(|()| device.mount());
            mounted.map_err(|failure| Failure::new(format!("needs root and a loop device: {failure}")))?;
        }
        Ok(medium)
    }

    /// Returns whether backups are images of a device.
    pub(super) fn is_device(&self) -> bool {
        self.device.is_some()
    }

    /// Returns the data directory.
    pub(super) fn data(&self) -> PathBuf {
        self.device.as_ref().map_or_else(|| self.base.join("data"), |device| device.mounted.join("data"))
    }

    /// Returns a data directory beside it.
    pub(super) fn beside(&self) -> PathBuf {
        self.base.join("beside")
    }

    /// Returns the log of the servers on a data directory.
    pub(super) fn log(&self, data: &Path) -> PathBuf {
        let name = data.file_name().unwrap_or_default().to_string_lossy().into_owned();
        self.base.join(format!("{name}.log"))
    }

    /// Returns a function that makes a backup, on any thread.
    pub(super) fn back_up(&self, moment: Moment) -> impl FnOnce() -> Result<(), Failure> + Send + 'static {
        let (data, to) = (self.data(), self.base.join(moment.name()));
        let device = self.device.as_ref().map(|device| (device.file.clone(), device.mounted.clone()));
        move || match device {
            None => copy_moving(&data, &to),
            Some((file, mounted)) => copy_frozen(&file, &mounted, &to),
        }
    }

    /// Keeps a copy of its present state, so that several restores can begin there.
    pub(super) fn save_end(&self) -> Result<(), Failure> {
        // A device is put back as a whole.
        if self.device.is_some() { Ok(()) } else { copy(&self.data(), &self.base.join("end")) }
    }

    /// Restores that copy.
    pub(super) fn return_to_the_end(&self) -> Result<(), Failure> {
        remove(&self.beside())?;
        match &self.device {
            None => copy(&self.base.join("end"), &self.data()),
            Some(_) => Ok(()),
        }
    }

    /// Returns a backup as a directory, older than the present one, as backups are.
    pub(super) fn backup(&self, moment: Moment, marker: MarkerFile) -> Result<PathBuf, Failure> {
        let backup = self.base.join("backup");
        copy(&self.base.join(moment.name()), &backup)?;
        age(&backup, "1-hour-ago")?;
        if marker == MarkerFile::Without {
            remove(&backup.join("alive"))?;
        }
        Ok(backup)
    }

    /// Restores the device of a backup; fails without a device.
    pub(super) fn roll_back(&mut self, moment: Moment, marker: MarkerFile) -> Result<(), Failure> {
        let image = self.base.join(moment.name());
        let Some(device) = &mut self.device else { return Err(Failure::new("there is no device")) };
        device.unmount()?;
        copy_sparse(&image, &device.file)?;
        device.mount()?;
        if marker == MarkerFile::Without { remove(&self.data().join("alive")) } else { Ok(()) }
    }
}

impl Drop for Medium {
    fn drop(&mut self) {
        self.device = None;
        // The system removes what cannot be removed now.
        let _ = fs::remove_dir_all(&self.base);
    }
}

impl Moment {
    fn name(self) -> &'static str {
        match self {
            Self::AtRest => "at-rest",
            Self::Running => "running",
        }
    }
}

/// A file system in a file.
struct Device {
    file: PathBuf,
    mounted: PathBuf,
    is_mounted: bool,
}

impl Device {
    fn make(&self) -> Result<(), Failure> {
        create(&self.mounted)?;
        let made = File::create(&self.file).and_then(|file| file.set_len(DEVICE_BYTES));
        made.map_err(|error| Failure::new(format!("{} cannot be made: {error}", self.file.display())))?;
        Tool::new("mkfs.ext4").args("-q -F").path(&self.file).run()
    }

    fn mount(&mut self) -> Result<(), Failure> {
        Tool::new("mount").args("-o loop").path(&self.file).path(&self.mounted).run()?;
        self.is_mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<(), Failure> {
        if self.is_mounted {
            Tool::new("umount").path(&self.mounted).run()?;
            self.is_mounted = false;
        }
        Ok(())
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        if let Err(failure) = self.unmount() {
            println!("  {failure}");
        }
    }
}

/// Copies a directory in which files appear and disappear: `cp` fails when one has disappeared, and is called again.
fn copy_moving(from: &Path, to: &Path) -> Result<(), Failure> {
    (1..COPIES_MAX).find_map(|_| copy(from, to).ok()).map_or_else(|| copy(from, to), Ok)
}

/// Copies a device whose file system is synced and frozen meanwhile, as for a snapshot of a volume.
fn copy_frozen(file: &Path, mounted: &Path, to: &Path) -> Result<(), Failure> {
    Tool::new("fsfreeze").args("-f").path(mounted).run()?;
    let copied = copy_sparse(file, to);
    Tool::new("fsfreeze").args("-u").path(mounted).run()?;
    copied
}

fn copy_sparse(from: &Path, to: &Path) -> Result<(), Failure> {
    Tool::new("cp").args("--sparse=always").path(from).path(to).run()
}

/// Makes an empty directory.
fn create(path: &Path) -> Result<(), Failure> {
    remove(path)?;
    fs::create_dir_all(path).map_err(|error| Failure::new(format!("{} cannot be made: {error}", path.display())))
}
