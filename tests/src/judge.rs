//! Judges the simulator's log of calls: whatever happened to driver and answers, each object was acted on once.

use std::collections::BTreeMap;

use serde_json::Value;

/// What is demanded of an operation's entries in the log.
#[derive(Clone, Copy, Debug)]
pub struct Demand {
    /// Operation id of the API document.
    pub operation: &'static str,
    /// Beginning of the object's name: `vm-replications/`, `groups/`, ...
    pub objects: &'static str,
    /// How many objects there must be.
    pub count: usize,
    /// Whether it leaves no trace, so that it must be repeated when its answer is lost: a second acceptance is no fault.
    pub traceless: bool,
}

impl Demand {
    /// Exactly one effect on each of so many objects, and no second acceptance.
    pub const fn once(operation: &'static str, objects: &'static str, count: usize) -> Self {
        Self {
            operation,
            objects,
            count,
            traceless: false,
        }
    }

    /// As [`Demand::once`], for an operation that leaves no trace.
    pub const fn traceless(operation: &'static str, objects: &'static str, count: usize) -> Self {
        Self {
            operation,
            objects,
            count,
            traceless: true,
        }
    }
}

/// Complaints about the log `GET admin/calls`; none when each of the demanded objects was acted on exactly once, no
/// attempt was made while an earlier one was open, and no second one was made after one that was accepted.
pub fn complaints(calls: &Value, demands: &[Demand]) -> Vec<String> {
    let mut complaints = Vec::new();
    let entries: Vec<&Value> = entries(calls);
    if entries.is_empty() {
        complaints.push("the log of calls is empty or of another form".to_owned());
    }
    for demand in demands {
        let mut effects: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in entries
            .iter()
            .filter(|entry| text(entry, "operation") == demand.operation)
        {
            let object = text(entry, "object");
            if !object.starts_with(demand.objects) {
                continue;
            }
            *effects.entry(object).or_default() += number(entry, "effects");
            judge_entry(entry, demand.traceless, &mut complaints);
        }
        for (object, effects) in &effects {
            if *effects != 1 {
                complaints.push(format!("{} had {effects} effects on {object}", demand.operation));
            }
        }
        if effects.len() != demand.count {
            complaints.push(format!(
                "{} touched {} objects, {} were wanted",
                demand.operation,
                effects.len(),
                demand.count
            ));
        }
    }
    complaints
}

fn judge_entry(entry: &Value, traceless: bool, complaints: &mut Vec<String>) {
    let name = || format!("{} on {}", text(entry, "operation"), text(entry, "object"));
    if number(entry, "attempts_while_unsettled") > 0 {
        complaints.push(format!("{}: an attempt while an earlier one was open", name()));
    }
    let log = entry
        .get("log")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default();
    let first = log
        .iter()
        .map(|line| text(line, "what"))
        .find(|what| matches!(*what, "accepted" | "refused" | "lost"));
    if !traceless && first == Some("accepted") && number(entry, "accepted") != 1 {
        complaints.push(format!(
            "{}: accepted {} times",
            name(),
            number(entry, "accepted")
        ));
    }
}

/// How often an operation was attempted at all, over all objects.
pub fn attempts(calls: &Value, operation: &str) -> u64 {
    entries(calls)
        .iter()
        .filter(|entry| text(entry, "operation") == operation)
        .map(|entry| number(entry, "attempts"))
        .sum()
}

/// Attempts that were made while an earlier one on the same object was open, over all operations.
pub fn overlaps(calls: &Value) -> u64 {
    let entries = entries(calls);
    entries
        .iter()
        .map(|entry| number(entry, "attempts_while_unsettled"))
        .sum()
}

fn entries(calls: &Value) -> Vec<&Value> {
    let list = calls
        .as_array()
        .or_else(|| calls.get("calls").and_then(Value::as_array));
    list.map(|list| list.iter().collect()).unwrap_or_default()
}

fn text<'a>(entry: &'a Value, member: &str) -> &'a str {
    entry.get(member).and_then(Value::as_str).unwrap_or_default()
}

fn number(entry: &Value, member: &str) -> u64 {
    entry.get(member).and_then(Value::as_u64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const MIGRATE: Demand = Demand::once("migrate", "vm-replications/", 1);

    fn entry(effects: u64, accepted: u64, unsettled: u64) -> Value {
        json!({"operation": "migrate", "object": "vm-replications/1", "attempts": 2, "refused": 0, "accepted": accepted,
            "effects": effects, "attempts_while_unsettled": unsettled,
            "log": [{"at_ms": 1, "what": "attempt"}, {"at_ms": 1, "what": "accepted"}]})
    }

    #[test]
    fn one_effect_is_fine() {
        assert_eq!(
            complaints(&json!([entry(1, 1, 0)]), &[MIGRATE]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn second_effects_second_acceptances_overlaps_and_missing_objects_are_told() {
        assert_eq!(complaints(&json!([entry(2, 1, 0)]), &[MIGRATE]).len(), 1);
        assert_eq!(complaints(&json!([entry(1, 2, 0)]), &[MIGRATE]).len(), 1);
        assert_eq!(complaints(&json!([entry(1, 1, 1)]), &[MIGRATE]).len(), 1);
        assert_eq!(complaints(&json!([entry(0, 1, 0)]), &[MIGRATE]).len(), 1);
        assert_eq!(complaints(&json!([]), &[MIGRATE]).len(), 2);
    }
}
