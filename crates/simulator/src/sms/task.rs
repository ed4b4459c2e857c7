//! SMS tasks: a task has no properties, only its two queries.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::group::Verb;
use super::spec::ResultForm;
use crate::core::Core;
use crate::vi_json::fault::Fault;
use crate::vi_json::value::{boxed, date_time, reference};

/// How long a task is queued, in milliseconds.
const QUEUED_MS: i64 = 50;

/// A task.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct SmsTask {
    pub(super) key: String,
    pub(super) vcenter: String,
    /// A reference to what it works on.
    pub(super) object: Value,
    #[serde(with = "crate::saved::name")]
    pub(super) operation: crate::saved::Text,
    /// What it does to groups, if it is about any.
    pub(super) verb: Option<Verb>,
    pub(super) check_only: bool,
    pub(super) created_ms: i64,
    pub(super) ends_ms: i64,
    pub(super) ended_ms: Option<i64>,
    pub(super) outcome: Outcome,
}

/// What a task comes to once it has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Outcome {
    /// Results of groups.
    Groups {
        /// One entry for each group asked for, in that order, as they come.
        entries: Vec<Option<Value>>,
        /// Whether a success without failed groups has a result.
        has_result: bool,
        /// How the result comes.
        form: ResultForm,
    },
    /// A result that is no array, or none.
    Value(Option<Value>),
    /// An error.
    Failed(Fault),
}

/// The tasks of all vCenters. Those that run are found without a look at those that have ended.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Tasks {
    /// By vCenter and key.
    #[serde(with = "crate::saved::pairs")]
    all: BTreeMap<(String, String), SmsTask>,
    /// VCenter, id of what it works on, and key of each task that has not ended.
    running: BTreeSet<(String, String, String)>,
}

impl Tasks {
    /// Adds a task that begins.
    pub(super) fn begin(&mut self, task: SmsTask) {
        self.running.insert(task.place());
        self.all.insert((task.vcenter.clone(), task.key.clone()), task);
    }

    /// The task of a vCenter with this key.
    pub(super) fn get(&self, vcenter: &str, key: &str) -> Option<&SmsTask> {
        self.all.get(&(vcenter.to_owned(), key.to_owned()))
    }

    /// The same, to change what it comes to.
    pub(super) fn get_mut(&mut self, vcenter: &str, key: &str) -> Option<&mut SmsTask> {
        self.all.get_mut(&(vcenter.to_owned(), key.to_owned()))
    }

    /// A task ends at this world time; `None` if it is not known any more.
    pub(super) fn end(&mut self, vcenter: &str, key: &str, now_ms: i64) -> Option<&mut SmsTask> {
        let task = self.all.get_mut(&(vcenter.to_owned(), key.to_owned()))?;
        task.ended_ms = Some(now_ms);
        self.running.remove(&task.place());
        Some(task)
    }

    /// Forgets all tasks of a vCenter.
    pub(super) fn forget(&mut self, vcenter: &str) {
        self.all.retain(|(at, _), _| at != vcenter);
        self.running.retain(|(at, ..)| at != vcenter);
    }

    /// How many tasks work on a provider at this moment.
    pub(super) fn running_at(&self, vcenter: &str, provider: &str) -> usize {
        let first = (vcenter.to_owned(), provider.to_owned(), String::new());
        let here = self.running.range(first..);
        here.take_while(|(at, object, _)| at == vcenter && object == provider)
            .count()
    }

    /// The tasks that have not ended.
    pub(super) fn running(&self) -> impl Iterator<Item = &SmsTask> {
        let running = self.running.iter();
        running.filter_map(|(vcenter, _, key)| self.get(vcenter, key))
    }

    /// All tasks, by vCenter and key.
    pub(super) fn values(&self) -> impl Iterator<Item = &SmsTask> {
        self.all.values()
    }
}

impl SmsTask {
    /// Where it is found while it runs.
    fn place(&self) -> (String, String, String) {
        let object = self.object["value"].as_str().unwrap_or_default();
        (self.vcenter.clone(), object.to_owned(), self.key.clone())
    }

    /// What it does.
    pub(super) fn work(&self) -> String {
        let method = self.operation.split_once('_');
        let method = method.map_or(self.operation, |(_, method)| method);
        method.trim_end_matches("_Task").to_owned()
    }

    /// How it ends, for the chronicle.
    pub(super) fn end_state(&self) -> &'static str {
        match self.outcome {
            Outcome::Failed(_) => "failed",
            Outcome::Groups { .. } | Outcome::Value(_) => "succeeded",
        }
    }

    fn state_at(&self, now_ms: i64) -> &'static str {
        match (self.ended_ms, &self.outcome) {
            (Some(_), Outcome::Failed(_)) => "error",
            (Some(_), Outcome::Groups { .. } | Outcome::Value(_)) => "success",
            (None, _) if now_ms < self.created_ms + QUEUED_MS => "queued",
            (None, _) => "running",
        }
    }

    /// The result, once there is one.
    pub(super) fn result(&self) -> Option<Value> {
        self.ended_ms?;
        let (entries, has_result, form) = match &self.outcome {
            Outcome::Groups {
                entries,
                has_result,
                form,
            } => (entries, *has_result, *form),
            Outcome::Value(value) => return value.clone(),
            Outcome::Failed(_) => return None,
        };
        let mut entries: Vec<Value> = entries.iter().flatten().cloned().collect();
        let failed = entries
            .iter()
            .any(|entry| entry["_typeName"] == "GroupErrorResult");
        if !has_result && !failed {
            return None;
        }
        let first = entries.first().and_then(|entry| entry["_typeName"].as_str());
        Some(match (form, first) {
            (ResultForm::Subtype, Some(name)) => boxed(&format!("ArrayOf{name}"), json!(entries)),
            (ResultForm::Bare, _) if entries.len() == 1 => entries.swap_remove(0),
            (ResultForm::Bare, _) => json!(entries),
            (ResultForm::Declared | ResultForm::Subtype, _) => {
                boxed("ArrayOfGroupOperationResult", json!(entries))
            }
        })
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
        set("object", self.object.clone());
        set(
            "startTime",
            json!(date_time(core, &self.vcenter, self.created_ms + QUEUED_MS)),
        );
        match self.ended_ms {
            Some(ended_ms) => {
                set("completionTime", json!(date_time(core, &self.vcenter, ended_ms)));
                if let Outcome::Failed(fault) = &self.outcome {
                    set("error", fault.to_json());
                }
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
        let entries = match &self.outcome {
            Outcome::Groups { entries, .. } => json!(entries),
            Outcome::Value(value) => json!(value),
            Outcome::Failed(fault) => fault.to_json(),
        };
        json!({
            "vcenter": self.vcenter,
            "key": self.key,
            "object": self.object["value"],
            "operation": self.operation,
            "verb": self.verb,
            "check_only": self.check_only,
            "created_ms": self.created_ms,
            "ended_ms": self.ended_ms,
            "entries": entries,
        })
    }
}
