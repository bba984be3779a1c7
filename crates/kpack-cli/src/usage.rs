use clap::error::ErrorKind;
use serde_json::json;

use crate::failure::Failure;
use crate::report::Report;
use crate::verbs::version;

/// What clap itself says of a command line: help, the version, or what is wrong with it.
pub(crate) fn answer(error: &clap::Error) -> Result<Report, Failure> {
    match error.kind() {
        ErrorKind::DisplayHelp => Ok(help(error)),
        ErrorKind::DisplayVersion => version::run(),
        _ => Err(failure(error)),
    }
}

fn help(error: &clap::Error) -> Report {
    let text = error.render().to_string();
    let json = json!({ "help": text });
    Report { text, json }
}

pub(crate) fn no_verb() -> Failure {
    Failure::usage(
        "no verb was given",
        "one of keygen, new, build, hash, sign, verify, inspect, run, explain, bench, trust, cache; see kpack --help",
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
