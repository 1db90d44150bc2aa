//! The trials as a program, which `cargo xtask` starts. Must not know what a trial does.

fn main() -> std::process::ExitCode {
    trials::run()
}
