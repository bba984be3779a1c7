use kpack::{
    Candidate, Feature, HealthReport, Kernel, KernelId, PackPath, VectorError, VectorHealth,
    VettedPack,
};
use serde_json::{Map, Value, json};

use crate::args::CheckArgs;
use crate::cache;
use crate::console::Console;
use crate::engine::Engine;
use crate::failure::{Failure, causes};
use crate::judge::Judge;
use crate::report::{Report, table};

/// Runs every vector of every kernel. The pack is accepted when each engine gave the numbers that it
/// promises, and not before.
pub(crate) fn run(args: &CheckArgs, console: &Console) -> Result<Report, Failure> {
    let engines = Engine::named_or_all(args.backend.as_deref())?;
    let judge = Judge::open(&args.judge, console)?;
    let pack = judge.verify(&args.pack)?;
    let mut checked = Vec::new();
    for engine in engines {
        let runtime = engine.runtime(judge.verifier(), cache::open(&args.cache, console))?;
        let candidate = runtime.prepare(&pack)?;
        checked.push(Checked {
            health: candidate.pack().check_health(),
            candidate,
        });
    }
    note_untried(&checked, console);
    let report = report(&pack, &checked);
    if let Some(failure) = first_failure(&checked) {
        return Err(failure.beside(report));
    }
    // Where nothing runs, nothing was tried.
    if checked.iter().all(Checked::runs_nothing)
        && let Some(id) = pack.manifest().manifest().kernel_ids().first()
        && let Some(Err(error)) = checked
            .first()
            .map(|first| first.candidate.pack().kernel(id))
    {
        return Err(error.into());
    }
    for Checked { candidate, .. } in checked {
        candidate.accept()?;
    }
    Ok(report)
}

/// A pack on an engine, and what became of its vectors there.
struct Checked {
    candidate: Candidate,
    health: HealthReport,
}

impl Checked {
    fn engine(&self) -> &str {
        self.candidate.pack().engine()
    }

    fn runs_nothing(&self) -> bool {
        self.health.kernels.is_empty()
    }

    fn vectors(&self) -> impl Iterator<Item = Tried<'_>> {
        let kernels = self.candidate.pack().kernels().zip(&self.health.kernels);
        kernels.flat_map(|(kernel, health)| {
            let vectors = health.vectors.iter();
            vectors.map(move |vector| Tried { kernel, vector })
        })
    }
}

/// A vector, and the kernel that ran it.
struct Tried<'a> {
    kernel: &'a Kernel,
    vector: &'a VectorHealth,
}

/// What a good answer does not speak for.
fn note_untried(checked: &[Checked], console: &Console) {
    for checked in checked {
        let engine = checked.engine();
        for (kernel, reason) in checked.candidate.pack().unavailable() {
            console.note(&format!("skipped on {engine}: {kernel}: {reason}"));
        }
    }
    // Which vectors there are does not depend on the engine.
    let mut untested: Vec<&KernelId> = Vec::new();
    for kernel in checked.iter().flat_map(|checked| checked.health.untested()) {
        if !untested.contains(&kernel) {
            untested.push(kernel);
            console.note(&format!("the pack ships no vector for kernel: `{kernel}`"));
        }
    }
}

fn first_failure(checked: &[Checked]) -> Option<Failure> {
    checked.iter().find_map(|checked| {
        let (kernel, vector, error) = checked.health.first_failure()?;
        Some(failure(kernel, vector, error).detail("engine", checked.engine()))
    })
}

fn failure(kernel: &KernelId, vector: &PackPath, error: &VectorError) -> Failure {
    Failure::of_vector(kernel.as_str(), vector.as_str(), error)
}

fn report(pack: &VettedPack, checked: &[Checked]) -> Report {
    let heading = [
        "KERNEL",
        "ENGINE",
        "VECTOR",
        "MODULE",
        "VERDICT",
        "DEVIATION",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(
        checked
            .iter()
            .flat_map(Checked::vectors)
            .map(|tried| tried.row()),
    );
    let untested: Vec<&str> = pack
        .kernels()
        .map(|kernel| kernel.verified())
        .filter(|kernel| kernel.vectors().is_empty())
        .map(|kernel| kernel.checked().id().as_str())
        .collect();
    let engines: Vec<&str> = checked.iter().map(Checked::engine).collect();
    let results = checked.iter().flat_map(Checked::vectors);
    let results: Vec<Value> = results.map(|tried| tried.to_json()).collect();
    Report {
        text: match rows.len() {
            1 => "no vector was run: the pack ships none\n".to_owned(),
            _ => table(&rows),
        },
        json: json!({
            "pack": pack.name().as_str(),
            "version": pack.manifest().version().to_string(),
            "engines": engines,
            "results": results,
            "untested": untested,
        }),
    }
}

impl Tried<'_> {
    fn row(&self) -> Vec<String> {
        let features = self.features();
        let module = match features.is_empty() {
            true => self.kernel.module_path().to_string(),
            false => format!("{} ({})", self.kernel.module_path(), features.join(", ")),
        };
        let (verdict, deviation) = match &self.vector.result {
            Ok(passed) => {
                let share = passed.deviation.of_tolerance * 100.0;
                ("passed", format!("{share:.1} % of the tolerance"))
            }
            Err(error) => (error.kind(), String::new()),
        };
        vec![
            self.kernel.id().to_string(),
            self.kernel.engine().to_owned(),
            self.vector.path.to_string(),
            module,
            verdict.to_owned(),
            deviation,
        ]
    }

    fn to_json(&self) -> Value {
        let mut shown = Map::new();
        shown.insert("kernel".into(), self.kernel.id().as_str().into());
        shown.insert("engine".into(), self.kernel.engine().into());
        shown.insert("vector".into(), self.vector.path.as_str().into());
        shown.insert("module".into(), self.kernel.module_path().as_str().into());
        shown.insert("features".into(), self.features().into());
        match &self.vector.result {
            Ok(passed) => {
                let deviation = passed.deviation;
                shown.insert("verdict".into(), "passed".into());
                shown.insert("deviation".into(), deviation.of_tolerance.into());
                shown.insert("relative".into(), deviation.relative.into());
            }
            Err(error) => {
                shown.insert("verdict".into(), error.kind().into());
                shown.insert("message".into(), causes::in_one_line(error).into());
            }
        }
        Value::Object(shown)
    }

    fn features(&self) -> Vec<&'static str> {
        let features = &self.kernel.selection().features;
        features.iter().map(Feature::name).collect()
    }
}
