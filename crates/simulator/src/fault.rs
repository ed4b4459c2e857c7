//! Faults as data: which calls they hit and what becomes of these calls.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A rule that hits some calls. What is left out matches everything.
///
/// In JSON: `{"operation": "vmReplications.failover", "object": "vm-replications/*", "do": "drop_answer"}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Name of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Operation id of the API document; a `*` at the end matches any rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// The object; a `*` at the end matches any rest. A batch is hit if one of its objects is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The first matching call to be hit, from 1.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many matching calls in a row are hit; `null` = all that follow.
    #[serde(default = "once")]
    pub count: Option<u32>,
    /// What happens to a call that is hit.
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

/// What happens to a call that a rule hits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultAction {
    /// The server acts; the connection is closed before the answer.
    DropAnswer,
    /// The server acts; the answer arrives later.
    Delay {
        /// By how much, in milliseconds of world time.
        ms: u32,
    },
    /// The server does not act and answers with this status.
    Refuse {
        /// The status.
        status: u16,
        /// The body; left out, the service's own form of an error.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<Value>,
        /// A `Retry-After` header, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// The connection is closed before the server acts.
    Cut,
    /// Nothing ever comes back.
    Silence {
        /// Whether the server acts first.
        #[serde(default)]
        acted: bool,
    },
    /// All sessions of the endpoint end; the call itself then goes its way.
    EndSessions,
    /// All sessions of the endpoint are good for their own site only before the server acts; VCDA.
    EndExtensions,
    /// An endpoint is lost or comes back; the call itself then goes its way, if its own endpoint still is there.
    SetReachable {
        /// The endpoint.
        endpoint: String,
        /// Whether it can be reached.
        reachable: bool,
    },
    /// A vCenter starts anew: its connections are cut, its sessions and tasks are gone. The call itself is cut before the
    /// server acts if it was made there, and goes its way otherwise.
    RestartVcenter {
        /// The endpoint.
        endpoint: String,
        /// How long nobody answers there, in milliseconds of world time.
        outage_ms: u32,
    },
}

impl FaultRule {
    /// A rule that hits the first call of `operation`.
    pub fn new(operation: &str, action: FaultAction) -> Self {
        Self {
            endpoint: None,
            operation: Some(operation.to_owned()),
            object: None,
            nth: 1,
            count: Some(1),
            action,
        }
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

    fn matches(&self, endpoint: &str, operation: &str, objects: &[String]) -> bool {
        self.endpoint.as_deref().is_none_or(|wanted| wanted == endpoint)
            && self
                .operation
                .as_deref()
                .is_none_or(|wanted| fits(wanted, operation))
            && self
                .object
                .as_deref()
                .is_none_or(|wanted| objects.iter().any(|object| fits(wanted, object)))
    }
}

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(prefix) => text.starts_with(prefix),
        None => pattern == text,
    }
}

/// A rule in force, with its counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveFault {
    /// The number by which it can be removed.
    pub id: u32,
    /// Calls that matched.
    pub matched: u32,
    /// Calls that were hit.
    pub hits: u32,
    /// The rule.
    pub rule: FaultRule,
}

/// The rules in force. The first one that hits a call decides; all that match count it.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    active: Vec<ActiveFault>,
    last: u32,
}

impl Faults {
    /// Adds a rule and gives its number.
    pub fn add(&mut self, rule: FaultRule) -> u32 {
        self.last += 1;
        self.active.push(ActiveFault {
            id: self.last,
            matched: 0,
            hits: 0,
            rule,
        });
        self.last
    }

    /// Removes a rule; `false` if there is none of that number.
    pub fn remove(&mut self, id: u32) -> bool {
        let before = self.active.len();
        self.active.retain(|fault| fault.id != id);
        self.active.len() < before
    }

    /// The rules with their counts, in the order in which they were added.
    pub fn active(&self) -> &[ActiveFault] {
        &self.active
    }

    pub(crate) fn judge(
        &mut self,
        endpoint: &str,
        operation: &str,
        objects: &[String],
    ) -> Option<FaultAction> {
        let mut verdict = None;
        for fault in &mut self.active {
            if !fault.rule.matches(endpoint, operation, objects) {
                continue;
            }
            fault.matched += 1;
            let due =
                fault.matched >= fault.rule.nth && fault.rule.count.is_none_or(|count| fault.hits < count);
            if due && verdict.is_none() {
                fault.hits += 1;
                verdict = Some(fault.rule.action.clone());
            }
        }
        verdict
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(faults: &mut Faults, object: &str) -> Option<FaultAction> {
        faults.judge("west", "failover", &[object.to_owned()])
    }

    #[test]
    fn a_rule_hits_the_calls_from_its_nth_on_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.add(
            FaultRule::new("fail*", FaultAction::Cut)
                .on("vm/*")
                .from_nth(2)
                .times(Some(2)),
        );
        assert_eq!(judge(&mut faults, "other/1"), None);
        let verdicts: Vec<bool> = (0..4).map(|_| judge(&mut faults, "vm/1").is_some()).collect();
        assert_eq!(verdicts, [false, true, true, false]);
        assert_eq!((faults.active()[0].matched, faults.active()[0].hits), (4, 2));
    }

    #[test]
    fn a_rule_without_end_goes_on_until_it_is_removed() {
        let mut faults = Faults::default();
        let id = faults.add(
            FaultRule::new("failover", FaultAction::Cut)
                .at("west")
                .times(None),
        );
        assert!((0..5).all(|_| judge(&mut faults, "x").is_some()));
        assert_eq!(faults.judge("east", "failover", &[]), None);
        assert!(faults.remove(id));
        assert!(!faults.remove(id));
        assert_eq!(judge(&mut faults, "x"), None);
    }

    #[test]
    fn a_rule_reads_from_json_and_refuses_unknown_members() {
        let rule: FaultRule = serde_json::from_str(
            r#"{"operation": "failover", "nth": 3, "do": {"refuse": {"status": 503, "body": {"code": "Busy"}}}}"#,
        )
        .unwrap();
        assert_eq!((rule.nth, rule.count), (3, Some(1)));
        assert!(matches!(
            rule.action,
            FaultAction::Refuse {
                status: 503,
                body: Some(_),
                retry_after: None
            }
        ));
        let dropped: FaultRule = serde_json::from_str(r#"{"do": "drop_answer", "count": null}"#).unwrap();
        assert_eq!((dropped.count, dropped.action), (None, FaultAction::DropAnswer));
        assert!(serde_json::from_str::<FaultRule>(r#"{"do": "cut", "nht": 2}"#).is_err());
        assert!(serde_json::from_str::<FaultRule>(r#"{"do": "explode"}"#).is_err());
    }
}
