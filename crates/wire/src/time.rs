//! Points in time as the services write them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;
use std::time::Duration;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::ReadError;
use crate::read::Read;
use crate::reader::Reader;

/// Longest text that is kept: nine digits of fraction and an offset take 35 bytes.
const MAX_TEXT: usize = 39;

/// A point in time, RFC 3339 on the wire, with any fraction and offset.
///
/// It keeps the text it was read from, so that writing it back gives the same bytes; a text longer than 39 bytes (a
/// fraction finer than nanoseconds) is written back as UTC. Order and equality are those of the instants: the same
/// instant written with two offsets is one.
#[derive(Clone, Copy)]
pub struct Timestamp {
    instant: jiff::Timestamp,
    text: [u8; MAX_TEXT],
    /// Length of `text`; zero if the text is that of the instant in UTC.
    length: u8,
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self::new(jiff::Timestamp::UNIX_EPOCH);

    /// The instant, to be written in UTC.
    pub const fn new(instant: jiff::Timestamp) -> Self {
        Self {
            instant,
            text: [0; MAX_TEXT],
            length: 0,
        }
    }

    /// Reads an RFC 3339 text: date, `T`, time with optional fraction, `Z` or an offset.
    ///
    /// # Errors
    /// The text is not of that form, or the year is beyond 9999.
    pub fn parse(text: &str) -> Result<Self, ParseTimestampError> {
        let shortened = shorten_fraction(text);
        let instant = shortened
            .as_deref()
            .unwrap_or(text)
            .parse()
            .map_err(ParseTimestampError)?;
        let mut timestamp = Self::new(instant);
        if let Some(kept) = timestamp.text.get_mut(..text.len()) {
            kept.copy_from_slice(text.as_bytes());
            timestamp.length = u8::try_from(text.len()).unwrap_or(0);
        }
        Ok(timestamp)
    }

    /// The instant `millis` milliseconds after 1970-01-01T00:00:00Z; `None` beyond the year 9999.
    pub fn from_unix_millis(millis: i64) -> Option<Self> {
        jiff::Timestamp::from_millisecond(millis).ok().map(Self::new)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z, rounded towards zero.
    pub fn unix_millis(&self) -> i64 {
        self.instant.as_millisecond()
    }

    /// The instant.
    pub fn instant(&self) -> jiff::Timestamp {
        self.instant
    }

    /// The time that has passed since `earlier`; zero if that is later.
    pub fn since(&self, earlier: &Timestamp) -> Duration {
        Duration::try_from(self.instant.duration_since(earlier.instant)).unwrap_or(Duration::ZERO)
    }

    /// The instant `duration` later, at most the last one of the year 9999.
    #[must_use]
    pub fn saturating_add(&self, duration: Duration) -> Self {
        let sum = jiff::SignedDuration::try_from(duration).map(|duration| self.instant.checked_add(duration));
        Self::new(sum.ok().and_then(Result::ok).unwrap_or(jiff::Timestamp::MAX))
    }

    fn kept_text(&self) -> Option<&str> {
        let bytes = self
            .text
            .get(..usize::from(self.length))
            .filter(|bytes| !bytes.is_empty())?;
        std::str::from_utf8(bytes).ok()
    }
}

/// The text with a fraction cut to nanoseconds, if it has a finer one.
fn shorten_fraction(text: &str) -> Option<String> {
    let (seconds, rest) = text.split_once('.')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let (fraction, offset) = rest.split_at_checked(digits)?;
    let kept = fraction.get(..9).filter(|_| digits > 9)?;
    Some(format!("{seconds}.{kept}{offset}"))
}

/// The text is not an RFC 3339 time.
#[derive(Debug, thiserror::Error)]
#[error("not an RFC 3339 time")]
pub struct ParseTimestampError(#[source] jiff::Error);

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl From<jiff::Timestamp> for Timestamp {
    fn from(instant: jiff::Timestamp) -> Self {
        Self::new(instant)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kept_text() {
            Some(text) => formatter.write_str(text),
            None => self.instant.fmt(formatter),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Timestamp({self})")
    }
}

impl PartialEq for Timestamp {
    fn eq(&self, other: &Self) -> bool {
        self.instant == other.instant
    }
}

impl Eq for Timestamp {}

impl PartialOrd for Timestamp {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timestamp {
    fn cmp(&self, other: &Self) -> Ordering {
        self.instant.cmp(&other.instant)
    }
}

impl Hash for Timestamp {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.instant.hash(state);
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Read for Timestamp {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let text = reader.string()?;
        Self::parse(&text).map_err(|error| reader.refused(error.to_string()))
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TimestampVisitor;

        impl Visitor<'_> for TimestampVisitor {
            type Value = Timestamp;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an RFC 3339 time")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Timestamp, E> {
                Timestamp::parse(text).map_err(E::custom)
            }
        }

        deserializer.deserialize_str(TimestampVisitor)
    }
}

/// Milliseconds since 1970-01-01T00:00:00Z, as VCDA writes times; a negative number means that the time is unset
/// (VCDA wire rules 7: `endTime` of a task that has not ended).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EpochMillis(pub i64);

impl EpochMillis {
    /// The point in time; `None` if it is unset or beyond the year 9999.
    pub fn get(self) -> Option<Timestamp> {
        if self.0 < 0 {
            None
        } else {
            Timestamp::from_unix_millis(self.0)
        }
    }
}

impl Read for EpochMillis {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        i64::read(reader).map(Self)
    }
}

impl From<Timestamp> for EpochMillis {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp.unix_millis())
    }
}
