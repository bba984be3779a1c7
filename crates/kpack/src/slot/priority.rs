use std::thread;

/// On whose time a pack is verified, compiled and tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StagingPriority {
    /// On a thread of its own which, on Linux, yields to whoever else wants the processor (a nice value
    /// of 10). Elsewhere it has the host's priority.
    ///
    /// wasmtime compiles on that thread alone. wasmer compiles on the threads of a pool that it shares
    /// with the host, which keep the priority of whoever started them.
    #[default]
    Low,
    /// On the thread that stages.
    Callers,
}

/// Room for the compilers and for any kernel that a vector calls.
const STACK_BYTES: usize = 16 << 20;

impl StagingPriority {
    /// Does the work, and hands on its panic.
    pub(super) fn run<T: Send>(self, work: impl FnOnce() -> T + Send) -> T {
        match self {
            Self::Callers => work(),
            Self::Low => run_low(work),
        }
    }
}

fn run_low<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    // What is traced belongs to the stage, whichever thread does it.
    let (span, subscriber) = (
        tracing::Span::current(),
        tracing::dispatcher::get_default(Clone::clone),
    );
    let mut work = Some(work);
    let spawned = thread::scope(|scope| {
        let work = &mut work;
        let stage = move || {
            lower();
            let work = work.take().expect("the thread is started once");
            tracing::dispatcher::with_default(&subscriber, || span.in_scope(work))
        };
        let thread = thread::Builder::new()
            .name("kpack-stage".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, stage)
            .ok()?;
        Some(thread.join())
    });
    match spawned {
        Some(Ok(done)) => done,
        Some(Err(panic)) => std::panic::resume_unwind(panic),
        // A host without a thread to spare is served all the same.
        None => (work.take().expect("no thread took it"))(),
    }
}

/// Where that is not allowed, the thread keeps its priority.
#[cfg(target_os = "linux")]
fn lower() {
    const NICE: i32 = 10;
    // On Linux the nice value is the thread's own, and "no process" is the thread that asks.
    let asked = rustix::process::getpriority_process(None)
        .and_then(|now| rustix::process::setpriority_process(None, now.max(NICE)));
    if let Err(error) = asked {
        tracing::debug!(%error, "the staging thread keeps its priority");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn low_is_another_thread_and_callers_the_same() {
        let me = thread::current().id();
        let of = |priority: StagingPriority| priority.run(|| thread::current().id());
        assert_eq!(of(StagingPriority::Callers), me);
        assert_ne!(of(StagingPriority::Low), me);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn low_is_nicer_and_the_caller_stays_as_it_is() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        assert!(StagingPriority::Low.run(nice) >= 10);
        assert_eq!(nice(), before);
    }

    #[test]
    fn a_panic_is_handed_on() {
        for priority in [StagingPriority::Low, StagingPriority::Callers] {
            let work = || priority.run(|| panic!("as told"));
            assert!(std::panic::catch_unwind(work).is_err());
        }
    }
}
