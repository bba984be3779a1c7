use std::process::ExitCode;

use clap::error::ErrorKind;

use crate::console::{self, Console, Format};
use crate::failure::Failure;

/// Ends a command line that clap answers itself: with help, or with what is wrong with it.
pub(crate) fn finish(error: &clap::Error, format: Format) -> ExitCode {
    if error.kind() == ErrorKind::DisplayHelp {
        return match console::print(&error.render().to_string()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => Console::new(format).finish(Err(Failure::stdout(&error))),
        };
    }
    Console::new(format).finish(Err(failure(error)))
}

pub(crate) fn no_verb() -> Failure {
    Failure::usage(
        "no verb was given",
        "one of keygen, hash, sign, verify, inspect, run, bench; see kpack --help",
    )
}

/// clap's paragraphs on two lines: what is wrong; its tip, else how to use the verb.
fn failure(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut paragraphs = text.split("\n\n").map(|paragraph| {
        let lines: Vec<&str> = paragraph.lines().map(str::trim).collect();
        lines.join(" ")
    });
    let what = paragraphs.next().unwrap_or_default();
    let what = what.trim_start_matches("error: ");
    let rest: Vec<String> = paragraphs.collect();
    let starting = |start: &str| rest.iter().find(|line| line.starts_with(start));
    let help = starting("tip: ")
        .or_else(|| starting("Usage: "))
        .map_or("see kpack --help", String::as_str);
    Failure::usage(what, help.trim_start_matches("tip: "))
}
