//! System calls that fail, and processes that die in the middle of one: what a full or broken disk and a
//! `kill -9` do, at a step that the test chooses, to code that knows nothing of it.
//!
//! The operating system does it by a filter that a thread puts on its own system calls (seccomp), which
//! takes no rights and no mount.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, setrlimit};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

/// A system call that writing a file durably makes, or reading one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The folder is made.
    MakeFolder,
    /// The file is opened that keeps other writers waiting.
    Lock,
    /// The temporary file is made.
    Create,
    /// Its bytes are written.
    Write,
    /// It is forced to disk.
    Sync,
    /// It takes its place.
    Rename,
    /// The folder is opened, to be forced to disk as well.
    OpenFolder,
    /// A file is opened to be read.
    Open,
    /// It is read.
    Read,
}

/// What a write of [`Step`]s takes, in this order.
pub const WRITE: [Step; 5] = [
    Step::Create,
    Step::Write,
    Step::Sync,
    Step::Rename,
    Step::OpenFolder,
];

/// No space, a broken disk, a file system that takes no writes.
pub const FAILURES: [Errno; 3] = [Errno::NOSPC, Errno::IO, Errno::ROFS];

impl Step {
    /// The system calls with their rules; without a rule every such call is meant.
    fn calls(self) -> BTreeMap<i64, Vec<SeccompRule>> {
        let any = |calls: &[i64]| calls.iter().map(|&call| (call, Vec::new())).collect();
        let open = |mask, flags| {
            BTreeMap::from([
                #[cfg(target_arch = "x86_64")]
                (libc::SYS_open, vec![has_flags(1, mask, flags)]),
                (libc::SYS_openat, vec![has_flags(2, mask, flags)]),
            ])
        };
        match self {
            Self::MakeFolder => any(&[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_mkdir,
                libc::SYS_mkdirat,
            ]),
            Self::Lock => open(OFlags::CREATE | OFlags::EXCL, OFlags::CREATE),
            Self::Create => open(OFlags::CREATE | OFlags::EXCL, OFlags::CREATE | OFlags::EXCL),
            Self::Write => any(&[libc::SYS_write]),
            Self::Sync => any(&[libc::SYS_fsync]),
            Self::Rename => any(&[
                #[cfg(target_arch = "x86_64")]
                libc::SYS_rename,
                libc::SYS_renameat,
                libc::SYS_renameat2,
            ]),
            Self::OpenFolder => open(OFlags::CREATE | OFlags::NOFOLLOW, OFlags::empty()),
            Self::Open => open(OFlags::CREATE | OFlags::NOFOLLOW, OFlags::NOFOLLOW),
            Self::Read => any(&[libc::SYS_read]),
        }
    }

    /// From now on every such call of this thread fails.
    pub fn fails(self, errno: Errno) {
        let errno = u32::try_from(errno.raw_os_error()).unwrap();
        self.filter(SeccompAction::Errno(errno));
    }

    /// The first such call from now on ends the process, with no chance to clean up.
    pub fn kills(self) {
        self.filter(SeccompAction::KillProcess);
    }

    fn filter(self, action: SeccompAction) {
        let arch = std::env::consts::ARCH.try_into().unwrap();
        let filter = SeccompFilter::new(self.calls(), SeccompAction::Allow, action, arch).unwrap();
        let program: BpfProgram = filter.try_into().unwrap();
        seccompiler::apply_filter(&program).unwrap();
    }
}

/// Has these of the flags in the mask as an argument.
fn has_flags(argument: u8, mask: OFlags, flags: OFlags) -> SeccompRule {
    let (mask, flags) = (mask.bits().into(), flags.bits().into());
    let equal = SeccompCmpOp::MaskedEq(mask);
    let condition = SeccompCondition::new(argument, SeccompCmpArgLen::Dword, equal, flags);
    SeccompRule::new(vec![condition.unwrap()]).unwrap()
}

/// Runs it in a thread of its own, in which the calls of a step fail once [`Step::fails`] was called.
pub fn in_a_thread<T: Send>(run: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| scope.spawn(run).join().unwrap())
}

/// Where a writer is killed.
#[derive(Debug, Clone, Copy)]
pub enum Death {
    /// At a step.
    At(Step),
    /// When a file would get more than these bytes: the write ends there, and then the process.
    After(u64),
}

const STEP: &str = "KPACK_TEST_DIES_AT_STEP";
const BYTES: &str = "KPACK_TEST_DIES_AFTER_BYTES";
const FOLDER: &str = "KPACK_TEST_FOLDER";

impl Death {
    /// Runs a test of this program again, in a process in which [`Child::of_parent`] is one. True when it
    /// was killed as it was to be, false when it came to its end.
    pub fn of_child(self, test: &str, folder: &Path) -> bool {
        let (name, value, signal) = match self {
            Self::At(step) => (STEP, format!("{step:?}"), libc::SIGSYS),
            Self::After(bytes) => (BYTES, bytes.to_string(), libc::SIGXFSZ),
        };
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", test]).env(name, value);
        child.env(FOLDER, folder).stdout(Stdio::null());
        let status = child.status().unwrap();
        let killed = status.signal() == Some(signal);
        assert!(killed || status.success(), "{self:?}: {status}");
        killed
    }
}

/// The process that is to be killed.
pub struct Child {
    death: Death,
    pub folder: std::path::PathBuf,
}

impl Child {
    /// Whether this process is one.
    pub fn of_parent() -> Option<Self> {
        let folder = std::env::var_os(FOLDER)?.into();
        let step = std::env::var(STEP).ok();
        let step = step.map(|name| WRITE.into_iter().find(|step| format!("{step:?}") == name));
        let death = match step {
            Some(step) => Death::At(step.unwrap()),
            None => Death::After(std::env::var(BYTES).unwrap().parse().unwrap()),
        };
        Some(Self { death, folder })
    }

    /// To be called right before what is to be interrupted.
    pub fn await_death(&self) {
        let limit = |resource, bytes| {
            let limit = Rlimit {
                current: Some(bytes),
                maximum: Some(bytes),
            };
            setrlimit(resource, limit).unwrap();
        };
        limit(Resource::Core, 0);
        match self.death {
            Death::At(step) => step.kills(),
            Death::After(bytes) => limit(Resource::Fsize, bytes),
        }
    }
}
