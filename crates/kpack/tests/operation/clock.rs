//! A wall clock that is wrong.

use kpack::{CallError, Fault, Runtime, Timestamp, Verifier, Wasmtime};
use serde_json::json;

use crate::support::{Made, kernel, pack};

const ENDLESS: &str = r#"(module (memory (export "memory") 1)
  (func (export "run") (param i32) (result i32) (loop $for_ever (br $for_ever)) i32.const 0))"#;

/// Now, and ten years to either side.
const TIMES: [&str; 3] = [
    "2016-11-25T12:00:00Z",
    "2026-11-25T12:00:00Z",
    "2036-11-25T12:00:00Z",
];

fn endless() -> Made {
    pack(
        &[("endless.wasm", ENDLESS)],
        json!([kernel("endless", "endless.wasm")]),
    )
}

/// What time a host thinks it is decides what it takes, and nothing of how long a call may run. That no
/// deadline is counted with that clock is seen in the source, by a test of the whole project's.
#[test]
fn deadlines_hold_whatever_the_time_is_said_to_be() {
    let made = endless();
    let runtimes = [
        Runtime::new(Wasmtime::new().unwrap()),
        #[cfg(feature = "wasmer")]
        Runtime::new(kpack::Wasmer::new().unwrap()),
    ];
    for said in TIMES {
        for runtime in &runtimes {
            let said: Timestamp = said.parse().unwrap();
            let pack = runtime.load_at(made.path(), &made.trust(), said).unwrap();
            let endless = pack.kernel("endless").unwrap();
            let mut endless = endless.bind(&[("n", 1)], &[]).unwrap();
            endless.input_mut::<f32>("x").unwrap()[0] = 1.0;
            let ended = endless.run().unwrap_err();
            let in_time = matches!(ended, CallError::Fault(Fault::Deadline { ticks: 3 }));
            assert!(in_time, "{ended}");
        }
    }
}

#[test]
fn a_clock_that_is_years_off_refuses_or_takes_and_nothing_else() {
    let made = endless();
    made.release(|manifest| manifest["expires"] = json!("2027-01-01T00:00:00Z"));
    let judge = |said: &str| {
        let judged =
            Verifier::default().verify_at(made.path(), &made.trust(), said.parse().unwrap());
        judged.map_or_else(|error| error.kind(), |_| "ok")
    };
    assert_eq!(TIMES.map(judge), ["ok", "ok", "expired"]);
}
