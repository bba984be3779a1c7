use kpack::{
    Dispatcher, ExplainedLink, Explanation, FallbackMode, Feature, Pack, ServedBy, Verdict,
};
use serde_json::{Map, Value, json};

use crate::args::ExplainArgs;
use crate::console::Console;
use crate::engine::Engine;
use crate::failure::{Failure, fields};
use crate::judge::Judge;
use crate::report::{Report, table};
use crate::{cache, served};

/// What a call of a kernel would run on this machine, and why not the rest of its chain.
pub(crate) fn run(args: &ExplainArgs, console: &Console) -> Result<Report, Failure> {
    let engine = Engine::named_or_first(args.backend.as_deref())?;
    let judge = Judge::open(&args.judge, console)?;
    let pack = judge.verify(&args.pack)?;
    let runtime = engine.runtime(judge.verifier(), cache::open(&args.cache, console))?;
    let version = runtime.backend().version();
    let pack = runtime.compile_chain(&pack, &args.kernel, FallbackMode::Fallback)?;
    let explanation = Dispatcher::new(&pack).explain(&args.kernel)?;
    let mut text = format!(
        "{} of {} on {} {version}\n",
        explanation.kernel,
        pack.name(),
        explanation.engine
    );
    let rows: Vec<Vec<String>> = explanation.links.iter().map(row).collect();
    text.push_str(&table(&rows));
    Ok(Report {
        text,
        json: to_json(&explanation, &pack, &version.to_string()),
    })
}

/// For people: the link, whether it would run, and as what or why not.
fn row(link: &ExplainedLink) -> Vec<String> {
    let verdict = match &link.verdict {
        Verdict::Serves => "runs",
        Verdict::StandsBy => "stands by",
        Verdict::Unavailable(_) | Verdict::NotRegistered => "cannot run",
        // Of a process that has called nothing, none is.
        _ => "set aside",
    };
    vec![link.link.to_string(), verdict.to_owned(), reason(link)]
}

fn reason(link: &ExplainedLink) -> String {
    match (&link.verdict, link.runs_as.as_deref()) {
        (Verdict::Unavailable(reason), _) => reason.to_string(),
        (Verdict::NotRegistered, _) => "this command has no native kernel of this id".to_owned(),
        (_, Some(ServedBy::Kernel { path, ran, .. })) => {
            let features: Vec<&str> = ran.selection.features.iter().map(Feature::name).collect();
            match features.is_empty() {
                true => path.to_string(),
                false => format!("{path} ({})", features.join(", ")),
            }
        }
        _ => "native, outside the sandbox".to_owned(),
    }
}

fn to_json(explanation: &Explanation, pack: &Pack, version: &str) -> Value {
    let runs = explanation.first().map(|link| link.link.to_string());
    let links: Vec<Value> = explanation.links.iter().map(link_to_json).collect();
    json!({
        "pack": pack.name().as_str(),
        "kernel": explanation.kernel.as_str(),
        "engine": explanation.engine,
        "version": version,
        "runs": runs,
        "links": links,
    })
}

fn link_to_json(link: &ExplainedLink) -> Value {
    let mut shown = Map::new();
    shown.insert("link".into(), link.link.to_string().into());
    shown.insert("verdict".into(), link.verdict.name().into());
    if let Some(runs_as) = &link.runs_as {
        shown.insert("runs_as".into(), served::to_json(runs_as));
    }
    if let Verdict::Unavailable(reason) = &link.verdict {
        shown.insert("message".into(), reason.to_string().into());
        for (name, value) in fields::of_platform(reason) {
            shown.insert(name.to_owned(), value);
        }
    }
    Value::Object(shown)
}
