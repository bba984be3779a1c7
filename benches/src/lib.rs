//! What is measured, and how: shared by the benches and the demo.

#![deny(unsafe_code)]

pub mod aligned;
pub mod cached;
pub mod ceiling;
pub mod deadline_cost;
pub mod figures;
pub mod inputs;
pub mod latency;
pub mod lone_kernel;
pub mod machine;
pub mod measure;
pub mod native;
pub mod operator;
pub mod peer;
pub mod raw;
pub mod series;
pub mod swap_latency;
pub mod targets;
pub mod turns;
pub mod workload;
