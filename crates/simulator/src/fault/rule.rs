//! A rule: the calls it matches, when, and how many of them it hits.

use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize};

use super::CallSeen;
use super::action::FaultAction;
use crate::service::ServiceName;

/// A rule that hits some calls, or holds for a while. What is left out matches everything.
///
/// In JSON: `{"operation": "vmReplications.failover", "object": "vm-replications/*", "do": "drop_answer"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// The service, by the path that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<ServiceName>,
    /// Name of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Operation id of the API document, one that the simulator routes; a `*` at the end matches any rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The object; a `*` at the end matches any rest. A batch is hit if one of its objects is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The first matching call to be hit, from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many matching calls are hit; `null` or `"all"` = all that follow.
    #[serde(default = "once", deserialize_with = "count")]
    pub count: Option<u32>,
    /// Which part of the calls that would be hit is, from 0 to 1; drawn for the seed of the world, the rule, the operation, its
    /// objects, and how often that was drawn before. Calls that are not hit do not count as `count`.
    #[serde(default = "always", skip_serializing_if = "is_always")]
    pub probability: f64,
    /// World time from which on the rule matches, or its condition holds, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from_ms: Option<i64>,
    /// World time from which on it does not any more, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
    /// How long its condition holds once it has begun, in milliseconds of world time; `until_ms` may end it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub for_ms: Option<u32>,
    /// What happens to a call that is hit, or what holds.
    #[serde(rename = "do")]
    pub action: FaultAction,
}

fn one() -> u32 {
    1
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "the default of a member whose null means without end"
)]
fn once() -> Option<u32> {
    Some(1)
}

fn always() -> f64 {
    1.0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde calls")]
fn is_always(probability: &f64) -> bool {
    *probability >= 1.0
}

/// A number, `null`, or `"all"`, since TOML has no `null`.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    struct Count;

    impl Visitor<'_> for Count {
        type Value = Option<u32>;

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a number of calls, or \"all\"")
        }

        fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E: Error>(self, count: u64) -> Result<Self::Value, E> {
            let count = u32::try_from(count).map_err(|_| E::custom("the number of calls is too large"))?;
            Ok(Some(count))
        }

        fn visit_i64<E: Error>(self, count: i64) -> Result<Self::Value, E> {
            let count = u64::try_from(count).map_err(|_| E::custom("the number of calls is negative"))?;
            self.visit_u64(count)
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
            if text == "all" {
                Ok(None)
            } else {
                Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }
    }

    deserializer.deserialize_any(Count)
}

impl FaultRule {
    /// A rule that hits the first call of `operation`.
    pub fn new(operation: &str, action: FaultAction) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..Self::any(action)
        }
    }

    /// A rule that hits the first call of any operation; one of a condition holds at once, by itself.
    pub fn any(action: FaultAction) -> Self {
        Self {
            service: None,
            endpoint: None,
            operation: None,
            object: None,
            nth: 1,
            count: Some(1),
            probability: 1.0,
            from_ms: None,
            until_ms: None,
            for_ms: None,
            action,
        }
    }

    /// Restricts the rule to one service.
    #[must_use]
    pub fn of(mut self, service: ServiceName) -> Self {
        self.service = Some(service);
        self
    }

    /// Restricts the rule to one endpoint.
    #[must_use]
    pub fn at(mut self, endpoint: &str) -> Self {
        self.endpoint = Some(endpoint.to_owned());
        self
    }

    /// Restricts the rule to one object, or to those that begin with what stands before a `*` at the end.
    #[must_use]
    pub fn on(mut self, object: &str) -> Self {
        self.object = Some(object.to_owned());
        self
    }

    /// Begins with the `nth` matching call, from 1.
    #[must_use]
    pub fn from_nth(mut self, nth: u32) -> Self {
        self.nth = nth;
        self
    }

    /// Hits that many matching calls; `None` = all that follow.
    #[must_use]
    pub fn times(mut self, count: Option<u32>) -> Self {
        self.count = count;
        self
    }

    /// Hits a part of the calls only, from 0 to 1.
    #[must_use]
    pub fn with_probability(mut self, probability: f64) -> Self {
        self.probability = probability;
        self
    }

    /// Restricts the rule to a stretch of world time, in milliseconds; `None` = without end.
    #[must_use]
    pub fn between(mut self, from_ms: i64, until_ms: Option<i64>) -> Self {
        self.from_ms = Some(from_ms);
        self.until_ms = until_ms;
        self
    }

    /// Ends a condition that long after it began, in milliseconds of world time.
    #[must_use]
    pub fn lasting(mut self, for_ms: u32) -> Self {
        self.for_ms = Some(for_ms);
        self
    }

    /// Whether it names calls.
    fn names_calls(&self) -> bool {
        let names = [&self.endpoint, &self.operation, &self.object];
        self.service.is_some() || names.into_iter().any(Option::is_some)
    }

    /// Whether it is of a condition that holds by itself.
    pub(super) fn stands(&self) -> bool {
        self.action.is_condition() && !self.names_calls()
    }

    pub(super) fn matches(&self, call: CallSeen<'_>) -> bool {
        let fits_one =
            |wanted: &Option<String>, text: &str| wanted.as_deref().is_none_or(|wanted| fits(wanted, text));
        !self.stands()
            && self.service.is_none_or(|wanted| wanted == call.service)
            && self
                .endpoint
                .as_deref()
                .is_none_or(|wanted| wanted == call.endpoint)
            && fits_one(&self.operation, call.operation)
            && self
                .object
                .as_deref()
                .is_none_or(|wanted| call.objects.iter().any(|object| fits(wanted, object)))
            && self.from_ms.is_none_or(|from_ms| call.now_ms >= from_ms)
            && self.until_ms.is_none_or(|until_ms| call.now_ms < until_ms)
    }

    /// Whether a number drawn below a million is within the probability.
    pub(super) fn is_drawn(&self, draw: impl FnOnce() -> i64) -> bool {
        is_always(&self.probability) || (draw() as f64) < self.probability * 1_000_000.0
    }
}

/// Whether a text is the pattern, or begins with what stands before a `*` at its end.
pub(super) fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => pattern == text,
    }
}
