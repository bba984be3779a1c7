use kpack_abi::Status;

/// What a kernel's function may return: nothing, or a `Result<(), Status>`.
pub trait Outcome {
    /// The outcome as a result.
    ///
    /// # Errors
    ///
    /// The kernel's own.
    fn into_result(self) -> Result<(), Status>;
}

impl Outcome for () {
    #[inline(always)]
    fn into_result(self) -> Result<(), Status> {
        Ok(())
    }
}

impl Outcome for Result<(), Status> {
    #[inline(always)]
    fn into_result(self) -> Result<(), Status> {
        self
    }
}
