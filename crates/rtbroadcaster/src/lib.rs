//! One speaks, everyone is in step.

mod close;
pub use close::CloseReason;
#[doc(hidden)]
pub mod wire;
