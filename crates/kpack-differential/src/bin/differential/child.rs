use std::io::{BufRead, BufReader};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::message::Message;

/// The program that workers run: this one.
pub(crate) struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    /// How long a worker may say nothing.
    patience: Duration,
}

/// A worker in a process of its own.
pub(crate) struct Worker {
    child: Child,
    messages: Receiver<Message>,
    patience: Duration,
}

/// What a worker did next.
pub(crate) enum Next {
    Said(Message),
    Ended(ExitStatus),
    /// It said nothing for so long that it was ended.
    Hung,
}

impl Program {
    pub(crate) fn this() -> Result<Self> {
        Ok(Self {
            path: std::env::current_exe().context("cannot tell which program this is")?,
            arguments: Vec::new(),
            // Far more than all calls of a case may take by their own limits.
            patience: Duration::from_secs(120),
        })
    }

    /// A shell script in its place: its `$0` is the step, and `$1` the seed.
    #[cfg(all(test, unix))]
    pub(crate) fn script(text: &str, patience: Duration) -> Self {
        Self {
            path: "sh".into(),
            arguments: vec!["-c".into(), text.into()],
            patience,
        }
    }

    pub(crate) fn work(&self, seeds: &Range<u64>, out: &Path) -> Result<Worker> {
        let count = seeds.end - seeds.start;
        let mut command = self.command();
        command.args(["work", &seeds.start.to_string(), &count.to_string()]);
        command.arg(out).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start a worker")?;
        let stdout = child.stdout.take().expect("the output is piped");
        Ok(Worker {
            child,
            messages: listen(stdout),
            patience: self.patience,
        })
    }

    /// Writes the module of a seed that ended its worker, in a further process.
    pub(crate) fn write(&self, seed: u64, what: &str, out: &Path) -> Result<()> {
        let mut command = self.command();
        command.args(["write", &seed.to_string(), what]).arg(out);
        command.status().context("cannot write the module")?;
        Ok(())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(&self.arguments);
        command
    }
}

impl Worker {
    pub(crate) fn next(&mut self) -> Result<Next> {
        match self.messages.recv_timeout(self.patience) {
            Ok(message) => Ok(Next::Said(message)),
            Err(RecvTimeoutError::Disconnected) => Ok(Next::Ended(self.child.wait()?)),
            Err(RecvTimeoutError::Timeout) => {
                self.child.kill()?;
                self.child.wait()?;
                Ok(Next::Hung)
            }
        }
    }
}

/// Reads on a thread of its own, so that silence is noticed.
fn listen(stdout: ChildStdout) -> Receiver<Message> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let lines = BufReader::new(stdout).lines().map_while(Result::ok);
        // A line that was cut short is the end of the process.
        for message in lines.map_while(|line| serde_json::from_str(&line).ok()) {
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    receiver
}
