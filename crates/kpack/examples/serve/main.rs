//! Serves calls from a few threads while packs are swapped, good ones and bad ones, and shows what happens.
//!
//! ```console
//! $ cargo run --example serve -- --seconds 20 --threads 3
//! ```
//!
//! Where the output is no terminal, it is one line after another.

mod author;
mod screen;
mod serve;
mod story;
mod tally;
mod traffic;

fn main() -> std::process::ExitCode {
    serve::main()
}
