//! What parts of the library cost: those of core, and what a process does around them (`cargo bench -p rtbroadcaster-parts`).
//! Must not know what a part does.

mod process;
mod pure;

use std::process::ExitCode;

fn main() -> ExitCode {
    rtbroadcaster_parts::run(&[pure::parts().as_slice(), &process::PARTS].concat())
}
