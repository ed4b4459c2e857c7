//! Faults as data: which calls they hit and what becomes of these calls.

use std::fmt;
use std::num::NonZeroU32;

use farside_wire::Operation;
use http::StatusCode;
use serde::de::{Error as _, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::call::Call;

/// A rule that hits some calls. What is left out matches every call.
///
/// It is data: it reads from TOML and JSON, and what it does not know is an error.
///
/// ```
/// use farside_transport::testing::{FaultAction, FaultPlan};
///
/// let plan: FaultPlan = toml::from_str(r#"
///     [[rules]]                                # the second failover loses its answer, once
///     operation = "vmReplications.failover"
///     nth = 2
///     do = "drop_answer"
///
///     [[rules]]                                # from the tenth on, every third read of a group is slow
///     operation = "VasaProvider_query*"        # a `*` at the end: whatever begins so
///     target = "group rg-7*"
///     nth = 10
///     every = 3
///     count = "all"
///     do = { delay = { ms = 1500 } }
///
///     [[rules]]                                # one call in twenty is refused; the same ones for the same seed
///     probability = 0.05
///     seed = 7
///     count = "all"
///     do = { refuse = { status = 503, retry_after = 2, body = { code = "Busy" } } }
/// "#)?;
/// assert_eq!(plan.rules[0].action, FaultAction::DropAnswer);
/// assert!(toml::from_str::<FaultPlan>("[[rules]]\ndo = 'drop_answer'\nevry = 3").is_err());
/// # Ok::<(), toml::de::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Operation id of the schema.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Pattern>,
    /// The call's target, in the words of the client that makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Pattern>,
    /// The first matching call to be hit, from 1.
    #[serde(default = "one")]
    pub nth: NonZeroU32,
    /// Of the matching calls from there on, each how-manyth is hit.
    #[serde(default = "one")]
    pub every: NonZeroU32,
    /// How likely each of these is hit.
    #[serde(default)]
    pub probability: Probability,
    /// Where the dice of `probability` start: the same seed gives the same hits for the same order of calls.
    #[serde(default)]
    pub seed: u64,
    /// How many calls are hit, one if left out.
    #[serde(default)]
    pub count: FaultCount,
    /// What happens to a call that is hit.
    #[serde(rename = "do")]
    pub action: FaultAction,
}

/// Rules as a file holds them: `[[rules]]` in TOML, `{"rules": [..]}` in JSON.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultPlan {
    /// The rules. The first one that hits a call decides.
    pub rules: Vec<FaultRule>,
}

/// What happens to a call that a rule hits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultAction {
    /// The call reaches the transport inside; its answer, whatever the status, is lost. The caller gets
    /// [`Effect::Unknown`](crate::Effect::Unknown). A call that failed inside without an answer keeps its error.
    DropAnswer,
    /// The call takes longer, by the clock. A call whose time is up before gets a timeout.
    Delay {
        /// By how much, in milliseconds.
        ms: u64,
        /// Whether the request is held back instead of the answer. A call whose time is up before it was let go has not
        /// been sent.
        #[serde(default)]
        request: bool,
    },
    /// The connection ends before the first byte: [`Effect::NotSent`](crate::Effect::NotSent), and nothing reaches the
    /// transport inside.
    CutBeforeSending,
    /// The connection ends while the request goes out, so that nobody knows whether all of it left:
    /// [`Effect::Unknown`](crate::Effect::Unknown).
    CutWhileSending {
        /// Whether the call reached the transport inside all the same. What that says is lost, errors included.
        #[serde(default)]
        reached: bool,
    },
    /// The call does not reach the transport inside and is answered with this.
    Refuse {
        /// The HTTP status.
        #[serde(with = "status")]
        status: StatusCode,
        /// A JSON body, as the service writes its errors; left out, there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        /// A `Retry-After` header, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// The session ends: this call, and each one after it, is answered 401 without a body and does not reach the
    /// transport inside, until a log-in has succeeded there or the rule is removed. Log-ins are the operations
    /// `SessionManager_Login..`, `SessionManager_CloneSession`, `Cis.Session_create` and `sessions.login`; a log-in
    /// itself is not hit.
    EndSession,
    /// As `EndSession`, for other log-ins.
    EndSessionUntil {
        /// Operation id of the log-in.
        login: Pattern,
    },
}

impl FaultAction {
    /// Whether `operation` opens the session that this action ends; `None` if it ends none.
    pub(super) fn opened_by(&self, operation: &Operation) -> Option<bool> {
        match self {
            Self::EndSession => {
                let known = [
                    "SessionManager_CloneSession",
                    "Cis.Session_create",
                    "sessions.login",
                ];
                Some(known.contains(&operation.id) || operation.id.starts_with("SessionManager_Login"))
            }
            Self::EndSessionUntil { login } => Some(login.matches(operation.id)),
            Self::DropAnswer
            | Self::Delay { .. }
            | Self::CutBeforeSending
            | Self::CutWhileSending { .. }
            | Self::Refuse { .. } => None,
        }
    }
}

impl FaultRule {
    /// A rule that hits the first call of `operation`; with a `*` at its end, of all whose id begins so.
    #[must_use]
    pub fn new(operation: &str, action: FaultAction) -> Self {
        Self {
            operation: Some(Pattern::new(operation)),
            ..Self::any(action)
        }
    }

    /// A rule that hits the first call, whatever its operation.
    #[must_use]
    pub fn any(action: FaultAction) -> Self {
        Self {
            operation: None,
            target: None,
            nth: NonZeroU32::MIN,
            every: NonZeroU32::MIN,
            probability: Probability::default(),
            seed: 0,
            count: FaultCount::default(),
            action,
        }
    }

    /// Restricts the rule to one target; with a `*` at its end, to all that begin so.
    #[must_use]
    pub fn on(mut self, target: &str) -> Self {
        self.target = Some(Pattern::new(target));
        self
    }

    /// Begins with the `nth` matching call, from 1; zero is taken for 1.
    #[must_use]
    pub fn from_nth(mut self, nth: u32) -> Self {
        self.nth = NonZeroU32::new(nth).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// Hits each how-manyth matching call only, the first of them included; zero is taken for 1.
    #[must_use]
    pub fn every(mut self, every: u32) -> Self {
        self.every = NonZeroU32::new(every).unwrap_or(NonZeroU32::MIN);
        self
    }

    /// Hits that many calls.
    #[must_use]
    pub fn times(mut self, count: FaultCount) -> Self {
        self.count = count;
        self
    }

    /// Hits with this probability, by dice that start at `seed`.
    #[must_use]
    pub fn with_probability(mut self, probability: Probability, seed: u64) -> Self {
        (self.probability, self.seed) = (probability, seed);
        self
    }

    /// Whether operation and target are those of the rule. A log-in is no match for a rule that ends sessions.
    pub(super) fn matches(&self, call: &Call) -> bool {
        let fits = |pattern: &Option<Pattern>, text: &str| {
            pattern.as_ref().is_none_or(|pattern| pattern.matches(text))
        };
        fits(&self.operation, call.operation.id)
            && fits(&self.target, &call.target)
            && self.action.opened_by(call.operation) != Some(true)
    }

    /// Whether the `nth` matching call, from 1, is among those that may be hit.
    pub(super) fn is_due(&self, nth: u32) -> bool {
        nth.checked_sub(self.nth.get())
            .is_some_and(|since| since.is_multiple_of(self.every.get()))
    }
}

fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// A text, or the beginning of one: a `*` at the end stands for any rest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

impl Pattern {
    /// The pattern with this text.
    #[must_use]
    pub fn new(pattern: &str) -> Self {
        Self(pattern.to_owned())
    }

    /// Whether `text` is the pattern's, to its last letter.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        match self.0.strip_suffix('*') {
            Some(prefix) => text.starts_with(prefix),
            None => self.0 == text,
        }
    }
}

/// How many calls a rule hits before it rests: a number, or `"all"`; `null` in JSON is `"all"` too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultCount {
    /// That many.
    Times(u32),
    /// All that come.
    All,
}

impl FaultCount {
    /// Whether a rule with this count may hit once more after `hits`.
    pub(super) fn allows(self, hits: u32) -> bool {
        match self {
            Self::Times(times) => hits < times,
            Self::All => true,
        }
    }
}

impl Default for FaultCount {
    fn default() -> Self {
        Self::Times(1)
    }
}

impl Serialize for FaultCount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Times(times) => serializer.serialize_u32(*times),
            Self::All => serializer.serialize_str("all"),
        }
    }
}

impl<'de> Deserialize<'de> for FaultCount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CountVisitor;

        impl Visitor<'_> for CountVisitor {
            type Value = FaultCount;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number of calls or \"all\"")
            }

            fn visit_u64<E: serde::de::Error>(self, times: u64) -> Result<FaultCount, E> {
                let count = u32::try_from(times).map(FaultCount::Times);
                count.map_err(|_| E::invalid_value(Unexpected::Unsigned(times), &self))
            }

            fn visit_i64<E: serde::de::Error>(self, times: i64) -> Result<FaultCount, E> {
                let count = u32::try_from(times).map(FaultCount::Times);
                count.map_err(|_| E::invalid_value(Unexpected::Signed(times), &self))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<FaultCount, E> {
                match text {
                    "all" => Ok(FaultCount::All),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }

            fn visit_unit<E>(self) -> Result<FaultCount, E> {
                Ok(FaultCount::All)
            }
        }

        deserializer.deserialize_any(CountVisitor)
    }
}

/// How likely a call is hit: from 0, never, to 1, always.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Probability(f64);

impl Probability {
    /// The probability `share`; `None` outside of 0 to 1.
    #[must_use]
    pub fn new(share: f64) -> Option<Self> {
        (0.0..=1.0).contains(&share).then_some(Self(share))
    }

    /// Whether dice that show `number`, from the whole range of 64 bits, are a hit.
    pub(super) fn hits(self, number: u64) -> bool {
        // The upper 53 bits fill the mantissa, so the quotient is below 1 and exact.
        ((number >> 11) as f64) < self.0 * (1_u64 << 53) as f64
    }
}

impl Default for Probability {
    fn default() -> Self {
        Self(1.0)
    }
}

impl<'de> Deserialize<'de> for Probability {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let share = f64::deserialize(deserializer)?;
        Self::new(share)
            .ok_or_else(|| D::Error::invalid_value(Unexpected::Float(share), &"a probability from 0 to 1"))
    }
}

/// HTTP statuses as numbers.
mod status {
    use super::{Deserialize, Deserializer, Serializer, StatusCode, Unexpected};

    pub(super) fn serialize<S: Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(status.as_u16())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<StatusCode, D::Error> {
        let number = u16::deserialize(deserializer)?;
        StatusCode::from_u16(number).map_err(|_| {
            serde::de::Error::invalid_value(Unexpected::Unsigned(number.into()), &"an HTTP status")
        })
    }
}

#[cfg(test)]
mod tests;
