use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

/// A moment in UTC; as text RFC 3339 ending in `Z`, such as `2026-01-31T12:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// A text that is not an RFC 3339 time in UTC, or a clock outside the years -9999 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time must be RFC 3339 in UTC, such as 2026-01-31T12:00:00Z: `{found}`")]
pub struct TimestampError {
    found: String,
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        let error = || TimestampError {
            found: crate::text::shown(text),
        };
        if !has_utc_form(text.as_bytes()) {
            return Err(error());
        }
        text.parse().map(Self).map_err(|_| error())
    }
}

/// `YYYY-MM-DDThh:mm:ss[.fraction]Z`, without regard to whether the numbers name a real day.
fn has_utc_form(bytes: &[u8]) -> bool {
    let Some((date_time, rest)) = bytes.split_at_checked(19) else {
        return false;
    };
    let fixed = date_time
        .iter()
        .zip(b"0000-00-00T00:00:00")
        .all(|(&found, &form)| match form {
            b'0' => found.is_ascii_digit(),
            separator => found == separator,
        });
    let fraction = match rest.strip_suffix(b"Z") {
        Some([]) => true,
        Some([b'.', digits @ ..]) => {
            (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    fixed && fraction
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = TimestampError;

    fn try_from(time: SystemTime) -> Result<Self, TimestampError> {
        jiff::Timestamp::try_from(time)
            .map(Self)
            .map_err(|_| TimestampError {
                found: format!("{time:?}"),
            })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utc_times_parse_and_compare() {
        let early: Timestamp = "2026-01-18T00:00:00Z".parse().unwrap();
        let late: Timestamp = "2026-01-18T00:00:00.001Z".parse().unwrap();
        assert!(early < late);
        assert_eq!(early.to_string(), "2026-01-18T00:00:00Z");
        assert_eq!(
            Timestamp::try_from(SystemTime::UNIX_EPOCH)
                .unwrap()
                .to_string(),
            "1970-01-01T00:00:00Z"
        );
    }

    #[test]
    fn other_forms_are_refused() {
        let bad = [
            "",
            "2026-01-18",
            "2026-01-18T00:00:00",
            "2026-01-18T00:00:00+00:00",
            "2026-01-18 00:00:00Z",
            "2026-01-18T00:00:00z",
            "2026-13-18T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-01-18T24:00:00Z",
            "2026-01-18T00:00:00.Z",
            "26-01-18T00:00:00Z",
            "2026-01-18T00:00:00Z\n",
            "2026-01-18T00:00:00Z[UTC]",
        ];
        for text in bad {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        }
    }
}
