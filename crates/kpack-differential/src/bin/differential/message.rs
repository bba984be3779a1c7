use kpack_differential::Verdict;
use serde::{Deserialize, Serialize};

/// A line that a worker writes, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Message {
    /// A case begins. If this is the last line, the case has ended the process.
    Begin(u64),
    /// It has ended.
    End(u64, Verdict),
}
