//! The figures that criterion does not measure, as one JSON document.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use kpack_conformance::runtimes;
use serde::Serialize;

use crate::latency::{ENDLESS, Latency, measure};
use crate::machine::{Machine, look};

/// What `cargo xtask bench-report` reads beside criterion's results.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figures {
    /// What they were measured on.
    pub machine: Machine,
    /// The time from the deadline to the return, for each engine and endless kernel.
    pub deadline_latency: Vec<Latency>,
}

impl Figures {
    /// Measures, with `calls` calls of each endless kernel on each engine.
    ///
    /// # Errors
    ///
    /// When an engine cannot be set up, or a call does not end at its deadline.
    pub fn measure(calls: usize) -> Result<Self> {
        let runtimes = runtimes()?;
        let mut deadline_latency = Vec::new();
        for endless in ENDLESS {
            for runtime in &runtimes {
                deadline_latency.push(measure(runtime, endless, calls)?);
            }
        }
        Ok(Self {
            machine: look(&runtimes)?,
            deadline_latency,
        })
    }

    /// Writes them to a file, whose folder is made if need be.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(&self, file: &Path) -> Result<()> {
        let text = format!("{}\n", serde_json::to_string_pretty(self)?);
        let folder = file.parent().context("a file stands in a folder")?;
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(file, text))
            .with_context(|| format!("cannot write: `{}`", file.display()))
    }
}
