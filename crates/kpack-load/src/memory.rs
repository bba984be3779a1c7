//! How much memory this process has in use.

use std::fs;

/// The resident memory of this process in bytes; `None` where it cannot be told.
#[must_use]
pub fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    resident_in(&status)
}

fn resident_in(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// Resident memory over the time of a run.
#[derive(Debug, Clone, Default)]
pub struct Resident {
    samples: Vec<u64>,
}

impl Resident {
    /// Looks at it now.
    pub fn sample(&mut self) {
        self.samples.extend(resident());
    }

    /// The most in each of four equal parts of the run; `None` when there are too few samples.
    #[must_use]
    pub fn quarters(&self) -> Option<[u64; 4]> {
        let samples = &self.samples;
        let most = |quarter: usize| {
            let part = samples.len() * quarter / 4..samples.len() * (quarter + 1) / 4;
            samples[part].iter().copied().max()
        };
        Some([most(0)?, most(1)?, most(2)?, most(3)?])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_memory_is_found_among_the_other_figures() {
        let status = "Name:\tkpack\nVmHWM:\t  900 kB\nVmRSS:\t  1024 kB\nThreads:\t1\n";
        assert_eq!(resident_in(status), Some(1 << 20));
        assert_eq!(resident_in("Name:\tkpack\n"), None);
    }

    #[test]
    fn a_quarter_is_as_large_as_its_largest_sample() {
        let of = |samples: &[u64]| {
            Resident {
                samples: samples.to_vec(),
            }
            .quarters()
        };
        assert_eq!(of(&[1, 9, 2, 3, 5, 4, 7, 6]), Some([9, 3, 5, 7]));
        assert_eq!(of(&[1, 9, 2, 3, 5]), Some([1, 9, 2, 5]));
        assert_eq!(of(&[1, 2, 3]), None);
    }
}
