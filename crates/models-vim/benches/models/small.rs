//! Small answers that come often: the state of a task, a fault.

use serde::Deserialize;

/// A task that made something, as `GET /Task/{moId}/info` answers it.
pub(crate) const TASK: &str = r#"{"_typeName":"TaskInfo","key":"task-4711","task":{"_typeName":"ManagedObjectReference","type":"Task","value":"task-4711"},"name":"RegisterVM_Task","descriptionId":"Folder.registerVm","entity":{"_typeName":"ManagedObjectReference","type":"Folder","value":"group-v22"},"entityName":"recovered","state":"success","cancelled":false,"cancelable":false,"result":{"_typeName":"ManagedObjectReference","type":"VirtualMachine","value":"vm-981"},"reason":{"_typeName":"TaskReasonUser","userName":"VSPHERE.LOCAL\\farside"},"queueTime":"2026-03-01T09:15:00.120000Z","startTime":"2026-03-01T09:15:00.140000Z","completeTime":"2026-03-01T09:15:02.010000Z","eventChainId":88121,"changeTag":"","activationId":"a1b2c3d4"}"#;

/// A refusal.
pub(crate) const FAULT: &str = r#"{"_typeName":"TooMany","faultMessage":[{"_typeName":"LocalizableMessage","key":"example.sms.toomany","arg":[{"_typeName":"KeyAnyValue","key":"limit","value":{"_typeName":"int","_value":8}}],"message":"The batch is too large."}],"maxBatchSize":8,"faultstring":"The batch is too large."}"#;

/// What derives would make of them; unknown members are lost.
pub(crate) mod derived {
    use super::Deserialize;

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) struct TaskInfo {
        key: String,
        task: Reference,
        description: Option<Message>,
        name: Option<String>,
        description_id: String,
        entity: Option<Reference>,
        entity_name: Option<String>,
        #[serde(default)]
        locked: Vec<Reference>,
        state: State,
        cancelled: bool,
        cancelable: bool,
        error: Option<Fault>,
        result: Option<Value>,
        progress: Option<i32>,
        #[serde(default)]
        progress_details: Vec<KeyValue>,
        reason: Reason,
        queue_time: jiff::Timestamp,
        start_time: Option<jiff::Timestamp>,
        complete_time: Option<jiff::Timestamp>,
        event_chain_id: i32,
        change_tag: Option<String>,
        parent_task_key: Option<String>,
        root_task_key: Option<String>,
        activation_id: Option<String>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    pub(crate) enum State {
        Queued,
        Running,
        Success,
        Error,
    }

    #[derive(Deserialize)]
    #[serde(tag = "_typeName")]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) enum Reason {
        TaskReasonUser {
            #[serde(rename = "userName")]
            user_name: String,
        },
        #[serde(other)]
        Other,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) struct Reference {
        #[serde(rename = "type")]
        type_: String,
        value: String,
    }

    #[derive(Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) enum Value {
        Reference(Reference),
        Bool { _value: bool },
        Long { _value: i64 },
        Text { _value: String },
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) struct Message {
        key: String,
        #[serde(default)]
        arg: Vec<KeyValue>,
        message: Option<String>,
    }

    #[derive(Deserialize)]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) struct KeyValue {
        key: String,
        value: Value,
    }

    /// Only a tag can tell which fault it is.
    #[derive(Deserialize)]
    #[serde(tag = "_typeName")]
    #[expect(dead_code, reason = "read for the time it takes")]
    pub(crate) enum Fault {
        #[serde(rename_all = "camelCase")]
        TooMany {
            #[serde(default)]
            fault_message: Vec<Message>,
            max_batch_size: Option<i64>,
        },
        #[serde(rename_all = "camelCase")]
        NotFound {
            #[serde(default)]
            fault_message: Vec<Message>,
        },
        #[serde(other)]
        Other,
    }
}
