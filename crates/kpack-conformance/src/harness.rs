use std::error::Error;

use kpack::{Mismatch, ParamValue, Tensor};

/// One call of a kernel.
#[derive(Debug, Clone)]
pub struct Call {
    /// The kernel's id.
    pub kernel: &'static str,
    /// The inputs under their manifest names.
    pub inputs: Vec<(&'static str, Tensor)>,
    /// The parameters that differ from their defaults.
    pub params: Vec<(&'static str, ParamValue)>,
}

/// A kernel's outputs under their manifest names.
pub type Results = Vec<(String, Tensor)>;

/// Something that can carry out kernel calls.
pub trait Harness {
    /// Runs the kernel and gives its outputs.
    ///
    /// # Errors
    ///
    /// Whatever kept the kernel from giving a result.
    fn call(&mut self, call: &Call) -> Result<Results, Box<dyn Error + Send + Sync>>;
}

/// Why a case did not pass.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// A kernel gave no result.
    #[error("kernel gave no result: `{kernel}`")]
    Call {
        /// The kernel's id.
        kernel: &'static str,
        /// What kept it from giving one.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A result is not the expected one.
    #[error("result differs: `{what}`")]
    Result {
        /// Which of the case's results.
        what: String,
        /// The element that differs.
        source: Mismatch,
    },
}
