use kpack_schema::RUNTIME_VERSION;
use serde_json::json;

use crate::engine::Engine;
use crate::failure::Failure;
use crate::report::Report;

/// The version, the runtime version and the engines compiled in.
pub(crate) fn run() -> Result<Report, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!("kpack {version}\nruntime {RUNTIME_VERSION}\n");
    let mut engines = Vec::new();
    for &engine in Engine::ALL {
        let engine = engine.info()?;
        text.push_str(&format!("engine {} {}\n", engine.name, engine.version));
        engines.push(json!({"name": engine.name, "version": engine.version.to_string()}));
    }
    if engines.is_empty() {
        text.push_str("engine none\n");
    }
    let json = json!({
        "version": version,
        "runtime_version": RUNTIME_VERSION,
        "engines": engines,
    });
    Ok(Report { text, json })
}
