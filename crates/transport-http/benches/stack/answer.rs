//! What is read: a page of tasks, 2.5 KB of JSON.

use bytes::Bytes;
use serde::Deserialize;

/// Tasks in the page.
pub(crate) const TASKS: usize = 8;

/// A page of tasks.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) items: Vec<Task>,
    pub(crate) total: usize,
}

/// A task.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is decoded as a whole, and little of it is looked at")]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) user: String,
    pub(crate) site: String,
    pub(crate) state: String,
    pub(crate) progress: u32,
    pub(crate) start_time: i64,
    pub(crate) end_time: i64,
    pub(crate) result: Option<String>,
    pub(crate) warnings: Vec<String>,
}

impl Page {
    /// Whether it is the page that the server sends.
    pub(crate) fn is_whole(&self) -> bool {
        self.items.len() == TASKS && self.total == TASKS
    }
}

/// The page as JSON.
pub(crate) fn text() -> Bytes {
    let task = |number: usize| {
        format!(
            r#"{{"id":"6f0c7a52-90e1-4f3e-9a39-1f2d3c4b5a{number:02}","user":"dr-admin@tenant-a","site":"west","state":"RUNNING","progress":{number},"startTime":1700000000000,"endTime":-1,"result":null,"warnings":["The source does not answer.","A disk grew since the last instance."],"workflowInfo":{{"type":"failover","resourceName":"db{number:02}"}}}}"#
        )
    };
    let tasks: Vec<String> = (0..TASKS).map(task).collect();
    format!(r#"{{"items":[{}],"total":{TASKS}}}"#, tasks.join(",")).into()
}
