use std::fmt;
use std::str::FromStr;
use std::time::SystemTime;

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// A moment in UTC; as text RFC 3339 ending in `Z`, such as `2026-01-31T12:00:00Z`.
///
/// Every such time of the years 0 to 9999 has a place in the order, `9999-12-31T23:59:59Z` for never
/// too. A leap second, `:60`, is taken where there can be one, in the last minute of June and of
/// December; it comes after second 59 and before the next day.
///
/// [`Display`](fmt::Display) writes the shortest text that reads as the same moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// The whole second on a calendar, which has no leap seconds: second 59 stands for them.
    second: DateTime,
    leap: Leap,
    nanosecond: i32,
}

/// Whether a second is the one that is inserted behind its calendar second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Leap {
    Ordinary,
    Inserted,
}

/// A text that is not an RFC 3339 time in UTC, or a clock outside the years -9999 to 9999.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time must be RFC 3339 in UTC, such as 2026-01-31T12:00:00Z: `{found}`")]
pub struct TimestampError {
    found: String,
}

impl Timestamp {
    fn new(time: DateTime, leap: Leap) -> Option<Self> {
        let second = time.with().subsec_nanosecond(0).build().ok()?;
        Some(Self {
            second,
            leap,
            nanosecond: time.subsec_nanosecond(),
        })
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    fn from_str(text: &str) -> Result<Self, TimestampError> {
        read(text).ok_or_else(|| TimestampError {
            found: crate::text::shown(text),
        })
    }
}

fn read(text: &str) -> Option<Timestamp> {
    let text = text
        .strip_suffix('Z')
        .filter(|text| has_form(text.as_bytes()))?;
    match text.get(17..19)? {
        "60" => {
            let last = format!("{}59{}", &text[..17], &text[19..]);
            let last: DateTime = last.parse().ok()?;
            may_insert_behind(last).then(|| Timestamp::new(last, Leap::Inserted))?
        }
        _ => Timestamp::new(text.parse().ok()?, Leap::Ordinary),
    }
}

/// `YYYY-MM-DDThh:mm:ss[.fraction]`, without regard to whether the numbers name a real time.
fn has_form(bytes: &[u8]) -> bool {
    let Some((date_time, fraction)) = bytes.split_at_checked(19) else {
        return false;
    };
    let fixed = date_time
        .iter()
        .zip(b"0000-00-00T00:00:00")
        .all(|(&found, &form)| match form {
            b'0' => found.is_ascii_digit(),
            separator => found == separator,
        });
    let fraction = match fraction {
        [] => true,
        [b'.', digits @ ..] => {
            (1..=9).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    fixed && fraction
}

/// Leap seconds have been inserted on two days of the year and on no other.
fn may_insert_behind(time: DateTime) -> bool {
    let day = (time.month(), time.day());
    let minute = (time.hour(), time.minute());
    matches!(day, (6, 30) | (12, 31)) && minute == (23, 59)
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = TimestampError;

    fn try_from(time: SystemTime) -> Result<Self, TimestampError> {
        jiff::Timestamp::try_from(time)
            .ok()
            .and_then(|time| Self::new(Offset::UTC.to_datetime(time), Leap::Ordinary))
            .ok_or_else(|| TimestampError {
                found: format!("{time:?}"),
            })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.second.to_string();
        if self.leap == Leap::Inserted {
            text.replace_range(text.len() - 2.., "60");
        }
        if self.nanosecond > 0 {
            let fraction = format!(".{:09}", self.nanosecond);
            text.push_str(fraction.trim_end_matches('0'));
        }
        write!(f, "{text}Z")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn utc_times_parse_and_are_shown() {
        for (text, shown) in [
            ("2026-01-18T00:00:00Z", "2026-01-18T00:00:00Z"),
            ("2026-01-18T00:00:00.120Z", "2026-01-18T00:00:00.12Z"),
            (
                "2026-01-18T00:00:00.000000001Z",
                "2026-01-18T00:00:00.000000001Z",
            ),
            ("2024-02-29T12:30:59.0Z", "2024-02-29T12:30:59Z"),
            ("0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"),
            (
                "9999-12-31T23:59:59.999999999Z",
                "9999-12-31T23:59:59.999999999Z",
            ),
            ("1990-12-31T23:59:60Z", "1990-12-31T23:59:60Z"),
            ("2015-06-30T23:59:60.50Z", "2015-06-30T23:59:60.5Z"),
        ] {
            assert_eq!(text.parse::<Timestamp>().unwrap().to_string(), shown);
        }
        let epoch = Timestamp::try_from(SystemTime::UNIX_EPOCH).unwrap();
        assert_eq!(epoch.to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(epoch, "1970-01-01T00:00:00.000Z".parse().unwrap());
    }

    #[test]
    fn the_order_is_that_of_the_moments() {
        let ascending = [
            "0000-01-01T00:00:00Z",
            "2015-06-30T23:59:59Z",
            "2015-06-30T23:59:59.999999999Z",
            "2015-06-30T23:59:60Z",
            "2015-06-30T23:59:60.001Z",
            "2015-07-01T00:00:00Z",
            "2026-01-18T00:00:00Z",
            "2026-01-18T00:00:00.001Z",
            "9999-12-30T22:00:01Z",
            "9999-12-31T23:59:59Z",
        ];
        let times = ascending.map(|text| text.parse::<Timestamp>().unwrap());
        assert!(times.is_sorted_by(|early, late| early < late));
    }

    #[test]
    fn other_forms_are_refused() {
        let bad = [
            "",
            "Z",
            "2026-01-18",
            "2026-01-18T00:00:00",
            "2026-01-18T00:00:00+00:00",
            "2026-01-18 00:00:00Z",
            "2026-01-18t00:00:00Z",
            "2026-01-18T00:00:00z",
            "2026-13-18T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "2026-01-18T24:00:00Z",
            "2026-01-18T00:60:00Z",
            "2026-01-18T00:00:61Z",
            "2026-01-18T00:00:00.Z",
            "2026-01-18T00:00:00.1234567891Z",
            "26-01-18T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "-009999-01-18T00:00:00Z",
            "2026-01-18T00:00:00Z\n",
            "2026-01-18T00:00:00Z[UTC]",
            "2026-01-18T00:00:00ZZ",
            "2026-01-18T00:00:0\u{661}Z",
        ];
        for text in bad {
            assert!(text.parse::<Timestamp>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_leap_second_stands_at_the_end_of_june_or_december() {
        for text in [
            "2026-01-18T12:00:60Z",
            "2026-12-31T22:59:60Z",
            "2026-12-31T23:58:60Z",
            "2026-12-30T23:59:60Z",
            "2026-06-29T23:59:60Z",
            "2026-03-31T23:59:60Z",
        ] {
            assert!(text.parse::<Timestamp>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_reads_as_the_same_moment(
            year in 0..10_000, month in 1..13, day in 1..29,
            hour in 0..24, minute in 0..60, second in 0..60, nanosecond in 0..1_000_000_000,
        ) {
            let date = format!("{year:04}-{month:02}-{day:02}");
            let text = format!("{date}T{hour:02}:{minute:02}:{second:02}.{nanosecond:09}Z");
            let time: Timestamp = text.parse().unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
        }
    }
}
