//! The defects of the server of 2016, each as a test that it would fail.

mod content;
mod crowd;
mod limits;
mod rooms;
