//! Short ways to write a plan.

use std::collections::BTreeMap;

use farside_engine::{
    Action, ActionRef, BatchKey, EndpointId, Item, ItemId, LockKey, Mode, Resend, ResolvedPlan,
};
use serde_json::{Value, json};

/// Settle time of the actions here, milliseconds.
pub(crate) const SETTLE: u64 = 60_000;
/// Deadline of the actions here, milliseconds.
pub(crate) const DEADLINE: u64 = 600_000;

pub(crate) fn plan(items: Vec<Item>) -> ResolvedPlan {
    ResolvedPlan {
        name: "payroll".to_owned(),
        hash: "00".repeat(32),
        mode: Mode::Planned,
        surroundings: json!({ "endpoints": ["east", "west"] }),
        items,
        limits: BTreeMap::new(),
    }
}

/// An item of priority 1 that depends on nothing.
pub(crate) fn item(name: &str, actions: Vec<Action>) -> Item {
    Item {
        id: ItemId::new(name),
        kind: "thing".to_owned(),
        group: "g1".to_owned(),
        priority: 1,
        depends_on: Vec::new(),
        locks: vec![LockKey::new(format!("thing:{name}"))],
        exclusive_on: Vec::new(),
        skip: None,
        note: None,
        actions,
        version: 1,
        payload: json!({ "thing": name }),
    }
}

/// An action at endpoint `east` that goes alone.
pub(crate) fn action(resend: Resend) -> Action {
    Action {
        name: "fail over".to_owned(),
        endpoints: vec![EndpointId::new("east")],
        batch: None,
        resend,
        settle_ms: SETTLE,
        deadline_ms: DEADLINE,
        payload: Value::Null,
    }
}

/// An action that shares its call with its like.
pub(crate) fn batched(resend: Resend) -> Action {
    Action {
        batch: Some(BatchKey::new("fail over at east")),
        ..action(resend)
    }
}

/// Items `a`, `b`, ... of one guarded action each, which share a call.
pub(crate) fn batch_of(count: usize) -> ResolvedPlan {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
    plan(
        names
            .iter()
            .take(count)
            .map(|name| item(name, vec![batched(Resend::Guarded)]))
            .collect(),
    )
}

/// One item `a` with one action.
pub(crate) fn single(resend: Resend) -> ResolvedPlan {
    plan(vec![item("a", vec![action(resend)])])
}

pub(crate) fn action_of(item: &str, action: usize) -> ActionRef {
    ActionRef {
        item: ItemId::new(item),
        action,
    }
}
