use serde::{Deserialize, Serialize};

/// How a case ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The static policy refused the module, with an error of this kind.
    Refused(String),
    /// The engines agreed, step by step.
    Agreed(Vec<Agreement>),
    /// The engines ended differently: how each of them did.
    Mismatch(String),
    /// The host or an engine failed where no module is to blame.
    HostFailure(String),
}

/// In what the engines agreed in one step: an instance that was made, or a call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Agreement {
    /// The call ended well and everything that it left behind is equal.
    Result,
    /// The same kind of failure.
    Fault(String),
    /// Not compared, as engines may differ in it.
    Excluded(String),
}
