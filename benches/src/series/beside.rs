//! What stands beside the engines.

use std::hint::black_box;

use anyhow::Result;

use super::{Ready, Series};
use crate::ceiling::{Ceiling, CeilingCall};
use crate::native::NativeCall;
#[cfg(feature = "candle")]
use crate::peer::candle::CandleCall;
use crate::workload::Workload;

/// The plain native loops.
#[derive(Debug, Clone, Copy)]
pub struct Native;

impl Series for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let call = NativeCall::new(workload);
        Ok(call.map(|mut call| -> Ready<'a> {
            call.run();
            Box::new(move || {
                black_box(call.run());
            })
        }))
    }
}

/// The loops written by hand for this processor.
#[derive(Debug, Clone, Copy)]
pub struct ByHand(pub Ceiling);

impl Series for ByHand {
    fn name(&self) -> &'static str {
        "ceiling"
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let call = CeilingCall::new(self.0, workload);
        Ok(call.map(|mut call| -> Ready<'a> {
            call.run();
            Box::new(move || {
                black_box(call.run());
            })
        }))
    }
}

/// Reading the inputs and writing the output, and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct MemoryLimit(pub Ceiling);

impl Series for MemoryLimit {
    fn name(&self) -> &'static str {
        "memory limit"
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let call = CeilingCall::new(self.0, workload);
        Ok(call.map(|mut call| -> Ready<'a> {
            call.traffic();
            Box::new(move || {
                black_box(call.traffic());
            })
        }))
    }
}

/// candle's operators, on one thread.
#[cfg(feature = "candle")]
#[derive(Debug, Clone, Copy)]
pub struct Candle;

#[cfg(feature = "candle")]
impl Series for Candle {
    fn name(&self) -> &'static str {
        "candle"
    }

    fn prepare<'a>(&self, workload: &'a Workload) -> Result<Option<Ready<'a>>> {
        let Some(call) = CandleCall::new(workload)? else {
            return Ok(None);
        };
        call.run()?;
        Ok(Some(Box::new(move || {
            black_box(call.run().expect("the same call has just succeeded"));
        })))
    }
}
