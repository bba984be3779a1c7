//! What others make of the same calls.

#[cfg(feature = "candle")]
pub mod candle;
