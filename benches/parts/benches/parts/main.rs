//! Measures the cost of the library's parts: those of core, and the work of a process around them (`cargo bench -p
//! rtbroadcaster-parts`). Must not know what a part does.

mod process;
mod pure;

use std::process::ExitCode;

fn main() -> ExitCode {
    rtbroadcaster_parts::run(&[pure::parts().as_slice(), &process::PARTS].concat())
}
