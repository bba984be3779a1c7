use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

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
        match self.format {
            // An error that cannot be printed still has its exit code.
            Format::Json => _ = print(&format!("{}\n", failure.to_json())),
            Format::Text => {
                let (what, why) = failure.lines();
                eprint_line("\u{1b}[1;31merror\u{1b}[0m", &what);
                if let Some((label, why)) = why {
                    eprint_line(&format!("  \u{1b}[1m{label}\u{1b}[0m"), &why);
                }
            }
        }
        failure.exit().into()
    }

    fn text_of(self, report: &Report) -> String {
        match self.format {
            Format::Json => format!("{}\n", report.json),
            Format::Text => escaped(&report.text),
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// A reader that went away has seen enough.
pub(crate) fn print(text: &str) -> io::Result<()> {
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
    let line = one_line(text);
    // Where stderr is closed there is no one to tell.
    _ = writeln!(anstream::stderr(), "{label}: {line}");
}

/// The text on one line, escaped.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split(['\n', '\r', '\t']).map(str::trim).collect();
    escaped(&words.join(" "))
}

/// The text with everything escaped that could steer a terminal or reorder what it shows; newlines
/// stay.
fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => c.to_string(),
            c if c.is_control() || is_bidi_control(c) => c.escape_unicode().to_string(),
            c => c.to_string(),
        })
        .collect()
}

const fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_pack_writes_control_sequences_to_a_terminal() {
        assert_eq!(
            escaped("a\u{1b}[2Jb\u{202e}c\nd"),
            "a\\u{1b}[2Jb\\u{202e}c\nd"
        );
        assert_eq!(one_line("a\n  b\u{7}"), "a b\\u{7}");
    }

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
