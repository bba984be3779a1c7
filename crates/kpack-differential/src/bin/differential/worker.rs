use std::io::Write;
use std::ops::Range;
use std::path::Path;

use anyhow::Result;
use kpack_differential::{Judge, Verdict};

use crate::message::Message;
use crate::report;

/// Judges the cases of some seeds, and says so line by line.
pub(crate) fn work(seeds: Range<u64>, out: &Path) -> Result<()> {
    let mut judge = Judge::new()?;
    for seed in seeds {
        send(&Message::Begin(seed))?;
        let verdict = judge.judge(seed);
        if let Verdict::Mismatch(what) | Verdict::HostFailure(what) = &verdict {
            report::write(seed, what, out)?;
        }
        send(&Message::End(seed, verdict))?;
    }
    Ok(())
}

fn send(message: &Message) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{}", serde_json::to_string(message)?)?;
    Ok(stdout.flush()?)
}
