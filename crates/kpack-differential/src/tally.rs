use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::verdict::{Agreement, Verdict};

/// What many cases came to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tally {
    /// Cases.
    pub modules: u64,
    /// Cases that the static policy refused, by kind.
    pub refused: BTreeMap<String, u64>,
    /// Calls that ended well, with equal results.
    pub results: Count,
    /// Calls or instances that failed alike, by kind.
    pub faults: BTreeMap<String, Count>,
    /// Calls or instances that were not compared, by reason.
    pub excluded: BTreeMap<String, Count>,
    /// Cases on which the engines differ, by seed.
    pub mismatches: BTreeMap<u64, String>,
    /// Cases in which the host failed, by seed.
    pub host_failures: BTreeMap<u64, String>,
}

/// How often something was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// In how many modules.
    pub modules: u64,
    /// In how many steps of them: calls, or instances that could not be made.
    pub steps: u64,
}

impl Tally {
    /// Adds the verdict on the case of a seed.
    pub fn add(&mut self, seed: u64, verdict: Verdict) {
        self.modules += 1;
        match verdict {
            Verdict::Refused(kind) => *self.refused.entry(kind).or_default() += 1,
            Verdict::Agreed(agreements) => self.agreed(&agreements),
            Verdict::Mismatch(how) => {
                self.mismatches.insert(seed, how);
            }
            Verdict::HostFailure(what) => {
                self.host_failures.insert(seed, what);
            }
        }
    }

    /// Whether every engine agreed on everything.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.mismatches.is_empty() && self.host_failures.is_empty()
    }

    fn agreed(&mut self, agreements: &[Agreement]) {
        let mut seen = BTreeSet::new();
        for agreement in agreements {
            let count = match agreement {
                Agreement::Result => &mut self.results,
                Agreement::Fault(kind) => self.faults.entry(kind.clone()).or_default(),
                Agreement::Excluded(reason) => self.excluded.entry(reason.clone()).or_default(),
            };
            count.steps += 1;
            let first = match agreement {
                Agreement::Result => seen.insert(("result", "")),
                Agreement::Fault(kind) => seen.insert(("fault", kind)),
                Agreement::Excluded(reason) => seen.insert(("excluded", reason)),
            };
            count.modules += u64::from(first);
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<40}{:>9}{:>9}", "", "modules", "calls")?;
        row(f, "modules", self.modules, None)?;
        row(
            f,
            "refused by the policy",
            self.refused.values().sum(),
            None,
        )?;
        for (kind, modules) in &self.refused {
            row(f, &format!("  {kind}"), *modules, None)?;
        }
        counted(f, "equal results", self.results)?;
        group(f, "equal faults", &self.faults)?;
        group(f, "excluded", &self.excluded)?;
        row(f, "mismatches", length(&self.mismatches), None)?;
        row(f, "host failures", length(&self.host_failures), None)
    }
}

fn group(f: &mut fmt::Formatter<'_>, name: &str, counts: &BTreeMap<String, Count>) -> fmt::Result {
    writeln!(f, "{name}")?;
    for (kind, &count) in counts {
        counted(f, &format!("  {kind}"), count)?;
    }
    Ok(())
}

fn counted(f: &mut fmt::Formatter<'_>, name: &str, count: Count) -> fmt::Result {
    row(f, name, count.modules, Some(count.steps))
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, modules: u64, steps: Option<u64>) -> fmt::Result {
    let steps = steps.map_or(String::new(), |steps| steps.to_string());
    writeln!(f, "{:<40}{:>9}{:>9}", name, modules, steps)
}

fn length<T>(of: &BTreeMap<u64, T>) -> u64 {
    u64::try_from(of.len()).unwrap_or(u64::MAX)
}
