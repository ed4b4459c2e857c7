//! Tasks of the REST services.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::error::RestError;
use crate::core::Core;

/// How long a task is pending, in milliseconds.
const PENDING_MS: i64 = 50;

/// A task.
#[derive(Debug, Clone, Serialize)]
pub(super) struct CisTask {
    id: String,
    vcenter: String,
    user: String,
    created_ms: i64,
    work_ms: i64,
    pub(super) ended_ms: Option<i64>,
    error: Option<RestError>,
}

impl CisTask {
    /// A task that ends with the error given; without one, the switch takes it away before it ends.
    pub(super) fn new(
        id: &str,
        vcenter: &str,
        user: &str,
        created_ms: i64,
        work_ms: i64,
        error: Option<RestError>,
    ) -> Self {
        Self {
            id: id.to_owned(),
            vcenter: vcenter.to_owned(),
            user: user.to_owned(),
            created_ms,
            work_ms,
            ended_ms: None,
            error,
        }
    }

    /// `Cis.Task.Info`.
    pub(super) fn info(&self, core: &Core) -> Value {
        let now_ms = core.now_ms();
        let status = match (self.ended_ms, &self.error) {
            (Some(_), Some(_)) => "FAILED",
            (Some(_), None) => "SUCCEEDED",
            (None, _) if now_ms < self.created_ms + PENDING_MS => "PENDING",
            (None, _) => "RUNNING",
        };
        let mut info = Map::new();
        let mut set = |name: &str, value: Value| info.insert(name.to_owned(), value);
        let text = |id: &str, text: &str| json!({"id": id, "default_message": text, "args": []});
        set(
            "description",
            text("sim.vcha.failover", "Failover of the cluster"),
        );
        set("service", json!("com.vmware.vcenter.vcha.cluster"));
        set("operation", json!("failover$task"));
        set("status", json!(status));
        set("cancelable", json!(false));
        set("user", json!(self.user));
        if status == "PENDING" {
            return Value::Object(info);
        }
        set(
            "start_time",
            json!(time(core, &self.vcenter, self.created_ms + PENDING_MS)),
        );
        let done = (now_ms - self.created_ms) * 100 / self.work_ms.max(1);
        let completed = if self.ended_ms.is_some() && self.error.is_none() {
            100
        } else {
            done.clamp(0, 99)
        };
        set(
            "progress",
            json!({"total": 100, "completed": completed, "message": text("sim.vcha.step", "Flushing")}),
        );
        if let Some(ended_ms) = self.ended_ms {
            set("end_time", json!(time(core, &self.vcenter, ended_ms)));
            if let Some(error) = &self.error {
                set("error", error.to_json());
            }
        }
        Value::Object(info)
    }
}

/// A point of world time as the clock of an endpoint shows it.
pub(super) fn time(core: &Core, endpoint: &str, world_ms: i64) -> String {
    core.server_time(endpoint, world_ms)
        .strftime("%Y-%m-%dT%H:%M:%S%.3fZ")
        .to_string()
}
