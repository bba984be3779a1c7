use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use kpack_exec::{Backend, CompiledKernel, StaticPolicy, Wasmer, Wasmtime};
use kpack_fuzz::Signer;
use kpack_fuzz::bombs::Bomb;

use crate::cost;

/// How long one bomb may take before it counts as endless.
const PATIENCE: Duration = Duration::from_secs(120);

/// Each in a process of its own, so that one's memory does not hide another's.
pub(crate) fn run(only: Option<&str>) -> Result<()> {
    println!(
        "| bomb | engine | size x copies | module, KiB | judged, ms | compiled, s | on the processor, s | peak, MiB |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    let wanted = |bomb: &&Bomb| only.is_none_or(|only| bomb.name.contains(only));
    for bomb in Bomb::ALL.iter().filter(wanted) {
        for engine in ["wasmtime", "wasmer"] {
            let child = Command::new(std::env::current_exe()?)
                .args(["compile-one", bomb.name, engine])
                .spawn()?;
            match wait(child)? {
                Some(status) if status.success() => {}
                Some(status) => println!("| {} | {engine} | {status} | | | | | |", bomb.name),
                None => println!("| {} | {engine} | endless | | | | | |", bomb.name),
            }
        }
    }
    Ok(())
}

/// `None` when it had to be ended.
fn wait(mut child: Child) -> Result<Option<ExitStatus>> {
    let give_up = Instant::now() + PATIENCE;
    while Instant::now() < give_up {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        thread::sleep(Duration::from_millis(20));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

pub(crate) fn compile_one(bomb: &str, engine: &str, part: u32) -> Result<()> {
    let bomb = Bomb::named(bomb).context("there is no such bomb")?;
    let backend: Box<dyn Backend> = match engine {
        "wasmtime" => Box::new(Wasmtime::new()?),
        _ => Box::new(Wasmer::new()?),
    };
    let policy = StaticPolicy::default();
    let signer = Signer::new();
    let mut primed = bomb.primed(&policy, &signer);
    if part > 1 {
        primed = bomb.primed_with((primed.size / part).max(1), &policy, &signer);
    }
    let start = Instant::now();
    policy.vet(primed.kernel.verified())?;
    let judged = start.elapsed();
    let busy = cost::busy()?;
    let start = Instant::now();
    let compiled = CompiledKernel::compile(backend.as_ref(), &primed.kernel);
    let elapsed = start.elapsed().as_secs_f64();
    // On every thread: a busy machine only adds to the time by the clock.
    let busy = (cost::busy()? - busy).as_secs_f64();
    println!(
        "| {} | {engine} | {} x {} | {} | {} | {elapsed:.2}{} | {busy:.2} | {} |",
        bomb.name,
        primed.size,
        primed.copies,
        primed.bytes >> 10,
        judged.as_millis(),
        compiled.err().map_or("", |_| ", refused"),
        cost::peak_kib()? >> 10,
    );
    Ok(())
}
