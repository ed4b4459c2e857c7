//! SMS tasks: a task has no properties, only its two queries.

use serde_json::{Map, Value, json};

use super::group::Verb;
use crate::core::Core;
use crate::vi_json::value::{boxed, date_time, reference};

/// How long a task is queued, in milliseconds.
const QUEUED_MS: i64 = 50;

/// A task.
#[derive(Debug, Clone)]
pub(super) struct SmsTask {
    pub(super) key: String,
    pub(super) vcenter: String,
    pub(super) provider: String,
    pub(super) verb: Verb,
    pub(super) check_only: bool,
    pub(super) created_ms: i64,
    pub(super) ends_ms: i64,
    pub(super) ended_ms: Option<i64>,
    /// One entry for each group asked for, in that order, as they come.
    pub(super) entries: Vec<Option<Value>>,
    /// Whether a success without failed groups has a result.
    pub(super) has_result: bool,
}

impl SmsTask {
    fn state_at(&self, now_ms: i64) -> &'static str {
        match self.ended_ms {
            Some(_) => "success",
            None if now_ms < self.created_ms + QUEUED_MS => "queued",
            None => "running",
        }
    }

    /// The result: a boxed array with an entry for each group.
    pub(super) fn result(&self) -> Option<Value> {
        self.ended_ms?;
        let entries: Vec<Value> = self.entries.iter().flatten().cloned().collect();
        let failed = entries
            .iter()
            .any(|entry| entry["_typeName"] == "GroupErrorResult");
        (self.has_result || failed).then(|| boxed("ArrayOfGroupOperationResult", json!(entries)))
    }

    /// `SmsTaskInfo`.
    pub(super) fn info(&self, core: &Core) -> Value {
        let now_ms = core.now_ms();
        let state = self.state_at(now_ms);
        let mut info = Map::new();
        let mut set = |name: &str, value: Value| info.insert(name.to_owned(), value);
        set("_typeName", json!("SmsTaskInfo"));
        set("key", json!(self.key));
        set("task", reference("SmsTask", &self.key));
        set("state", json!(state));
        if state == "queued" {
            return Value::Object(info);
        }
        set("object", reference("VasaProvider", &self.provider));
        set(
            "startTime",
            json!(date_time(core, &self.vcenter, self.created_ms + QUEUED_MS)),
        );
        match self.ended_ms {
            Some(ended_ms) => {
                set("completionTime", json!(date_time(core, &self.vcenter, ended_ms)));
                if let Some(result) = self.result() {
                    set("result", result);
                }
            }
            None => {
                let whole = (self.ends_ms - self.created_ms).max(1);
                let progress = ((now_ms - self.created_ms) * 100 / whole).clamp(0, 99);
                set("progress", json!(progress));
            }
        }
        Value::Object(info)
    }

    pub(super) fn state(&self) -> Value {
        json!({
            "vcenter": self.vcenter,
            "key": self.key,
            "provider": self.provider,
            "verb": self.verb,
            "check_only": self.check_only,
            "created_ms": self.created_ms,
            "ended_ms": self.ended_ms,
            "entries": self.entries,
        })
    }
}
