use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use serde_json::Value;

use crate::escape;
use crate::explanation;
use crate::failure::{Exit, Failure};
use crate::report::Report;

/// Who reads stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// A person.
    Text,
    /// A program: one JSON object.
    Json,
}

/// Where answers, notes and errors go. Whatever comes from a pack is escaped on its way to a person,
/// so that no pack can write control sequences to a terminal.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    format: Format,
}

impl Format {
    /// The format of a command line that did not parse: `--json` counts wherever an option may
    /// stand.
    pub(crate) fn of_args(args: &[OsString]) -> Self {
        let mut options = args.iter().skip(1).take_while(|arg| *arg != "--");
        if options.any(|arg| arg == "--json") {
            Self::Json
        } else {
            Self::Text
        }
    }
}

impl Console {
    pub(crate) const fn new(format: Format) -> Self {
        Self { format }
    }

    /// A remark that changes no outcome, on stderr.
    pub(crate) fn note(self, text: &str) {
        eprint_line("\u{1b}[1;36mnote\u{1b}[0m", text);
    }

    /// Something that should be put right, on stderr.
    pub(crate) fn warn(self, text: &str) {
        eprint_line("\u{1b}[1;33mwarning\u{1b}[0m", text);
    }

    /// Prints the answer and gives the exit code.
    pub(crate) fn finish(self, answer: Result<Report, Failure>) -> ExitCode {
        let failure = match answer {
            Ok(report) => match print(&self.text_of(&report)) {
                Ok(()) => return ExitCode::SUCCESS,
                Err(error) => Failure::stdout(&error),
            },
            Err(failure) => failure,
        };
        self.explain(&failure);
        failure.exit().into()
    }

    fn text_of(self, report: &Report) -> String {
        match self.format {
            Format::Json => json_line(&report.json),
            Format::Text => escape::for_people(&report.text),
        }
    }

    fn explain(self, failure: &Failure) {
        match self.format {
            Format::Json => {
                let line = json_line(&failure.to_json());
                // Whoever cannot be told on stdout may be listening on stderr.
                if print(&line).is_err() {
                    _ = anstream::stderr().write_all(line.as_bytes());
                }
            }
            Format::Text => {
                // What was asked for beside the answer that there is not.
                if let Some(steps) = failure.field(explanation::FIELD) {
                    _ = print(&escape::for_people(&explanation::in_words(steps)));
                }
                if let Some(answer) = failure.answer() {
                    _ = print(&escape::for_people(answer));
                }
                let (what, why) = failure.lines();
                eprint_line("\u{1b}[1;31merror\u{1b}[0m", &what);
                if let Some((label, why)) = why {
                    eprint_line(&format!("  \u{1b}[1m{label}\u{1b}[0m"), &why);
                }
            }
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

fn json_line(object: &Value) -> String {
    format!("{}\n", escape::in_json(&object.to_string()))
}

/// A reader that went away has seen enough.
fn print(text: &str) -> io::Result<()> {
    let mut stdout = anstream::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn eprint_line(label: &str, text: &str) {
    let line = escape::on_one_line(text);
    // Where stderr is closed there is no one to tell.
    _ = writeln!(anstream::stderr(), "{label}: {line}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_counts_only_as_an_option() {
        let args = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        assert_eq!(
            Format::of_args(&args(&["kpack", "x", "--json"])),
            Format::Json
        );
        assert_eq!(
            Format::of_args(&args(&["kpack", "--", "--json"])),
            Format::Text
        );
        assert_eq!(Format::of_args(&args(&["--json", "x"])), Format::Text);
    }
}
