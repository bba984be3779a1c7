//! A folder whose packs are staged as they appear.

mod listing;
mod pending;

use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use kpack_exec::Blame;
use kpack_schema::KernelManifest;
use kpack_verify::Trust;
use notify::{Config, RecommendedWatcher, RecursiveMode, Watcher as _};

use self::pending::Pending;
use crate::pack_source::PackSource;
use crate::slot::{Slot, StageError, Staged};

/// Stages the packs that appear or change in a folder, on a thread of its own, until it is dropped.
///
/// A pack is a folder that holds `kernels.json` and `kernels.json.sig`, or a file whose name ends in
/// `.kpack`, directly in the watched folder. Names that begin with a dot are passed over, and so are
/// symbolic links. A pack is staged once nothing in it has changed for [`WatchOptions::quiet`]; what
/// was there before the watcher started counts as having appeared then. Of several that are ready at
/// once the one with the highest sequence goes first, of equal ones that with the last name, and the
/// first that serves leaves the others aside. A pack of a lower sequence than the serving one's is
/// left aside too: a watched folder never leads back.
///
/// A pack that was tried or left aside is not looked at again until something in it changes, so that a
/// pack which was refused is not tried again and again; one that half a copy was taken for changes as
/// the copy goes on. Only where the host was at fault, as when a file could not be read, it is tried
/// again after [`WatchOptions::poll`].
///
/// Dropping it ends the thread, after the stage that is under way.
#[derive(Debug)]
pub struct Watcher {
    wake: Sender<Wake>,
    thread: Option<JoinHandle<()>>,
}

/// How a folder is watched.
pub struct WatchOptions {
    /// For how long nothing in a pack must have changed before it is staged. Longer than a copy may
    /// pause; a pack whose signature is copied last, or that is renamed into the folder, is never
    /// taken too early.
    pub quiet: Duration,
    /// How often the folder is looked at, whether the system tells of changes in it or not: network
    /// file systems do not.
    pub poll: Duration,
    on_event: Box<dyn Fn(&WatchEvent) + Send>,
}

/// What a watcher did.
#[derive(Debug)]
#[non_exhaustive]
pub enum WatchEvent {
    /// A pack was staged and serves.
    Staged {
        /// Where it stands.
        path: PathBuf,
        /// Whether it was swapped in, or served already.
        staged: Staged,
    },
    /// A pack was staged and does not serve; what served before serves on.
    Failed {
        /// Where it stands.
        path: PathBuf,
        /// Why it does not serve.
        error: StageError,
    },
    /// A pack was not staged, as one of no lower sequence serves.
    LeftAside {
        /// Where it stands.
        path: PathBuf,
        /// The sequence that its manifest claims.
        sequence: u64,
    },
    /// The folder could not be looked at. It is tried again.
    Unreadable {
        /// Why not.
        error: io::Error,
    },
}

/// Why a folder is not watched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WatchError {
    /// There is no such folder, or it cannot be read.
    #[error("cannot read the folder to watch: `{}`", path.display())]
    Folder {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The system does not tell of changes in the folder.
    #[error("the system does not watch the folder: `{}`", path.display())]
    System {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The system starts no thread.
    #[error("cannot start a thread to watch the folder")]
    Thread(#[source] io::Error),
}

/// What the watching thread is woken for.
enum Wake {
    Changed,
    Stop,
}

impl Watcher {
    /// Stages in this slot, from now on, what is and what appears in a folder.
    ///
    /// # Errors
    ///
    /// When the folder cannot be read or watched, or no thread started.
    pub fn start(
        slot: Slot,
        folder: impl AsRef<Path>,
        trust: Trust,
        options: WatchOptions,
    ) -> Result<Self, WatchError> {
        let folder = folder.as_ref().to_owned();
        let unreadable = |source| WatchError::Folder {
            path: folder.clone(),
            source,
        };
        // An error at the start is the caller's to see; a later one is an event.
        listing::packs(&folder).map_err(unreadable)?;
        let (wake, woken) = mpsc::channel();
        let system = watch(&folder, wake.clone()).map_err(|error| WatchError::System {
            path: folder.clone(),
            source: error.into(),
        })?;
        let mut work = Work {
            slot,
            folder,
            trust,
            options,
            pending: Pending::default(),
        };
        let thread = thread::Builder::new()
            .name("kpack-watch".to_owned())
            .spawn(move || {
                work.run(&woken);
                // Nobody is told of changes any more.
                drop(system);
            })
            .map_err(WatchError::Thread)?;
        Ok(Self {
            wake,
            thread: Some(thread),
        })
    }
}

impl WatchError {
    /// A stable name for programs, in `snake_case`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Folder { .. } => "watch_folder",
            Self::System { .. } => "watch_system",
            Self::Thread(_) => "watch_thread",
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // Where nobody listens, the thread has ended.
        _ = self.wake.send(Wake::Stop);
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

impl Default for WatchOptions {
    /// A pack is staged after two seconds without a change; the folder is looked at every thirty.
    fn default() -> Self {
        Self {
            quiet: Duration::from_secs(2),
            poll: Duration::from_secs(30),
            on_event: Box::new(|_| ()),
        }
    }
}

impl WatchOptions {
    /// Tells of everything that the watcher does, on its thread; what panics here is logged.
    #[must_use]
    pub fn on_event(mut self, tell: impl Fn(&WatchEvent) + Send + 'static) -> Self {
        self.on_event = Box::new(tell);
        self
    }
}

impl fmt::Debug for WatchOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchOptions")
            .field("quiet", &self.quiet)
            .field("poll", &self.poll)
            .finish_non_exhaustive()
    }
}

/// Has the system wake the thread. What it says of a change is of no account: the folder is looked at.
fn watch(folder: &Path, wake: Sender<Wake>) -> notify::Result<RecommendedWatcher> {
    let config = Config::default().with_follow_symlinks(false);
    let tell = move |event: notify::Result<notify::Event>| {
        // What only reads is nothing new, and a look at the folder does.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            _ = wake.send(Wake::Changed);
        }
    };
    let mut system = RecommendedWatcher::new(tell, config)?;
    system.watch(folder, RecursiveMode::Recursive)?;
    Ok(system)
}

/// What the thread works with.
struct Work {
    slot: Slot,
    folder: PathBuf,
    trust: Trust,
    options: WatchOptions,
    pending: Pending,
}

impl Work {
    fn run(&mut self, woken: &Receiver<Wake>) {
        loop {
            self.look();
            let now = Instant::now();
            let poll = now + self.options.poll;
            let next = self.pending.next().map_or(poll, |next| next.min(poll));
            match woken.recv_timeout(next.saturating_duration_since(now)) {
                Ok(Wake::Stop) | Err(RecvTimeoutError::Disconnected) => return,
                Ok(Wake::Changed) | Err(RecvTimeoutError::Timeout) => {}
            }
            // One look is enough for all that has changed by now.
            while let Ok(wake) = woken.try_recv() {
                if let Wake::Stop = wake {
                    return;
                }
            }
        }
    }

    fn look(&mut self) {
        let now = Instant::now();
        match listing::packs(&self.folder) {
            Ok(packs) => {
                let due = self.pending.see(packs, now, self.options.quiet);
                self.stage(due);
            }
            Err(error) => self.tell(&WatchEvent::Unreadable { error }),
        }
    }

    /// The highest sequence first; what comes after one that serves is left aside.
    fn stage(&mut self, due: Vec<PathBuf>) {
        let mut due: Vec<(u64, PathBuf)> = due
            .into_iter()
            .map(|path| (claimed_sequence(&path), path))
            .collect();
        due.sort_unstable_by(|a, b| b.cmp(a));
        let mut has_swapped = false;
        for (sequence, path) in due {
            let serving = self.slot.current().pack().manifest().sequence();
            if has_swapped || sequence < serving {
                self.tell(&WatchEvent::LeftAside { path, sequence });
                continue;
            }
            match self.slot.stage(&path, &self.trust) {
                Ok(staged) => {
                    has_swapped = true;
                    self.tell(&WatchEvent::Staged { path, staged });
                }
                Err(error) => {
                    if error.blame() == Blame::Host {
                        self.pending
                            .again(&path, Instant::now() + self.options.poll);
                    }
                    self.tell(&WatchEvent::Failed { path, error });
                }
            }
        }
    }

    fn tell(&self, event: &WatchEvent) {
        if let WatchEvent::Unreadable { error } = event {
            let folder = self.folder.display();
            tracing::warn!(%folder, %error, "the watched folder cannot be read");
        }
        // Nothing of the watcher's is in the callback's hands.
        if catch_unwind(AssertUnwindSafe(|| (self.options.on_event)(event))).is_err() {
            tracing::error!("a callback of the watcher panicked");
        }
    }
}

/// What the manifest says, which nobody has vouched for: it only decides what is tried first. A pack
/// whose manifest cannot be read goes first, as one that is tried is refused with the reason.
fn claimed_sequence(path: &Path) -> u64 {
    let manifest = PackSource::open(path).and_then(|pack| pack.manifest());
    let manifest = manifest
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let manifest = manifest.and_then(|text| KernelManifest::from_json(&text).ok());
    manifest.map_or(u64::MAX, |manifest| manifest.sequence)
}
