//! What is measured, and how: shared by the criterion benches and the demo.

#![forbid(unsafe_code)]

pub mod inputs;
pub mod measure;
pub mod native;
pub mod workload;
