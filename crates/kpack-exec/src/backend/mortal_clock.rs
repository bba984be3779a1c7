//! A clock that dies when the test says so, for the test that its death is noticed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use super::Backend;
use super::ticker::{Ticked, Ticker};
use crate::support::{compile, module, verified};

/// Ticks what it is given, and panics at the next tick once it was told to die.
pub(super) struct MortalClock {
    target: Arc<dyn Ticked>,
    told: AtomicBool,
}

impl MortalClock {
    pub(super) fn start(target: Arc<dyn Ticked>) -> (Arc<Self>, Ticker) {
        let told = AtomicBool::new(false);
        let clock = Arc::new(Self { target, told });
        let ticker = Ticker::start(clock.clone()).unwrap();
        (clock, ticker)
    }

    fn die(&self, is_running: impl Fn() -> bool) {
        self.told.store(true, Ordering::Relaxed);
        let give_up = Instant::now() + Duration::from_secs(5);
        while is_running() {
            assert!(Instant::now() < give_up, "the death went unnoticed");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Ticked for MortalClock {
    fn tick(&self) {
        assert!(!self.told.load(Ordering::Relaxed), "told to die");
        self.target.tick();
    }
}

/// Runs a kernel on an engine whose clock this is, and again when the clock is dead.
pub(super) fn no_call_is_started_without(
    clock: &MortalClock,
    engine: &dyn Backend,
    is_running: impl Fn() -> bool,
) {
    let kernel = verified(&module("(i32.const 0)"), json!({}));
    let mut bound = compile(engine, &kernel).bind(&[("n", 1)], &[]).unwrap();
    bound.input_mut::<f32>("x").unwrap()[0] = 1.0;
    bound.run().unwrap();
    clock.die(is_running);
    for _ in 0..2 {
        bound.input_mut::<f32>("x").unwrap()[0] = 1.0;
        assert_eq!(bound.run().unwrap_err().kind(), "engine_clock_stopped");
    }
}
