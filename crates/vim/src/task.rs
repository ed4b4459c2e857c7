//! Tasks of vim: the handle, and waiting for them.

use farside_models_vim::operation::{
    TASK_CANCEL_TASK, TASK_GET_AVAILABLE_FIELD, TASK_GET_INFO, TASK_GET_VALUE, TASK_SET_CUSTOM_VALUE,
    TASK_SET_TASK_DESCRIPTION, TASK_SET_TASK_STATE, TASK_UPDATE_PROGRESS,
};
use farside_models_vim::{
    CustomFieldDef, CustomFieldValue, SetCustomValueRequest, SetTaskDescriptionRequest, SetTaskStateRequest,
    TaskInfo, UpdateProgressRequest,
};
use farside_wire::Object;

use crate::path::PropertyPath;

mod board;
mod source;

pub(crate) use board::Board;
pub(crate) use source::is_unknown_object;
pub use source::{VIM_TASK, VimTasks, no_result, result_of};

crate::managed_object! {
    /// A task of vCenter.
    pub struct Task = "Task";
}

impl Task {
    /// How it stands: state, progress, and once it has ended its result or fault.
    pub const INFO: PropertyPath<Task, TaskInfo> = PropertyPath::new("info");
}

crate::methods! {
    Task {
        /// Reads how it stands, in one look. To wait for its end, see [`VimClient::task`](crate::VimClient::task).
        read info() -> value TaskInfo = TASK_GET_INFO;
        /// Asks it to stop. Whether it does, or ends before that, is seen by its state; what it has done so far may stay.
        act cancel() -> nothing = TASK_CANCEL_TASK;
        /// Sets the text that says what it is doing. For the extension that made the task.
        act set_description(request: &SetTaskDescriptionRequest) -> nothing = TASK_SET_TASK_DESCRIPTION;
        /// Sets its state, with result or fault. For the extension that made the task; an ended task stays as it is.
        act set_state(request: &SetTaskStateRequest) -> nothing = TASK_SET_TASK_STATE;
        /// Sets how far it is, 0 to 100 percent. For the extension that made the task.
        act update_progress(request: &UpdateProgressRequest) -> nothing = TASK_UPDATE_PROGRESS;
        /// Sets a custom field.
        act set_custom_value(request: &SetCustomValueRequest) -> nothing = TASK_SET_CUSTOM_VALUE;
        /// Reads which custom fields it can have.
        read available_fields() -> list CustomFieldDef = TASK_GET_AVAILABLE_FIELD;
        /// Reads its custom fields.
        read custom_values() -> list Object<CustomFieldValue> = TASK_GET_VALUE;
    }
}
