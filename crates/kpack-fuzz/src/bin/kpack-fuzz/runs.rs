use std::time::Instant;

use anyhow::{Context, Result, ensure};
use kpack_fuzz::forgery::Forger;
use kpack_fuzz::{Target, modules, smoke};

use crate::cost;

pub(crate) fn smoke(target: Option<&str>, executions: u64, seed: u64) -> Result<()> {
    let all = Target::ALL.iter().copied();
    let targets: Vec<Target> = match target {
        None => all.collect(),
        Some(name) => {
            let known: Vec<&str> = all.map(|target| target.name).collect();
            let unknown = || format!("unknown target (known are {}): `{name}`", known.join(", "));
            vec![Target::named(name).with_context(unknown)?]
        }
    };
    for target in targets {
        let start = Instant::now();
        let tally = smoke::run(&target, executions, seed)?;
        println!(
            "{}: {} executions, {} accepted, no promise broken, {} s, peak memory {}",
            target.name,
            tally.executions,
            tally.accepted,
            start.elapsed().as_secs(),
            cost::peak(),
        );
    }
    Ok(())
}

pub(crate) fn forge(count: u64, seed: u64) -> Result<()> {
    let start = Instant::now();
    let forgeries = Forger::new(seed).run(count);
    for (way, judged) in &forgeries.judged {
        println!("  {judged:>9} {way}");
    }
    println!("refused as:");
    for (kind, refused) in &forgeries.refusals {
        println!("  {refused:>9} {kind}");
    }
    println!(
        "forgeries: {count} judged, {} accepted, {} s, peak memory {}",
        forgeries.accepted,
        start.elapsed().as_secs(),
        cost::peak(),
    );
    ensure!(forgeries.accepted == 0, "a forgery was accepted");
    Ok(())
}

pub(crate) fn modules(judge: u64, run: u64, seed: u64) -> Result<()> {
    let start = Instant::now();
    let modules = modules::run(judge, run, seed)?;
    for (fate, count) in &modules.fates {
        println!("  {count:>9} {fate:?}");
    }
    println!(
        "modules: {} judged, {} passed, {} compiled and run, no host failure, {} s, peak memory {}",
        modules.judged,
        modules.passed,
        modules.run,
        start.elapsed().as_secs(),
        cost::peak(),
    );
    ensure!(modules.run == run, "too few modules passed to run so many");
    Ok(())
}
