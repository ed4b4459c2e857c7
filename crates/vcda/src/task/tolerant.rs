//! Tasks with members that are not what the pages describe: a wait must not go on for ever over a member that nothing hangs on.
//! What elements of `warnings` look like was read elsewhere, for instance, and is inferred for tasks (VCDA wire rules 7).

use farside_models_vcda::{C4ApiTask, TaskWarning};
use farside_wire::{ApiError, DecodeError, RawJson, Read, Service, ServiceError, decode_str};

/// A task. Where it cannot be read as one, all of its members that can; what is odd in an error or a warning is told in its
/// message, and what is odd elsewhere is left out.
///
/// # Errors
/// It is no object, or its id or state cannot be read.
pub(super) fn task(raw: &RawJson) -> Result<C4ApiTask<RawJson>, DecodeError> {
    let error = match raw.decode() {
        Ok(task) => return Ok(task),
        Err(error) => error,
    };
    let needed = |name: &str| {
        raw.member(name)
            .map_or(Ok(()), |value| value.decode::<Option<String>>().map(drop))
    };
    if needed("id").and(needed("state")).is_err() || !raw.get().starts_with('{') {
        return Err(error);
    }
    let mut task: C4ApiTask<RawJson> = decode_str("{}")?;
    task.id = part(raw, "id");
    task.user = part(raw, "user");
    task.workflow_info = part(raw, "workflowInfo");
    task.progress = part(raw, "progress");
    task.state = part(raw, "state");
    task.last_updated = part(raw, "lastUpdated");
    task.start_time = part(raw, "startTime");
    task.end_time = part(raw, "endTime");
    task.result_type = part(raw, "resultType");
    task.error = present(raw, "error").map(|value| told(&value));
    task.warnings = warnings(raw)?;
    task.site = part(raw, "site");
    task.result = present(raw, "result");
    Ok(task)
}

fn part<T: Read>(raw: &RawJson, name: &str) -> Option<T> {
    raw.member(name)?.decode::<Option<T>>().ok().flatten()
}

/// A member that is there and not null.
fn present(raw: &RawJson, name: &str) -> Option<RawJson> {
    part(raw, name)
}

/// An error in whichever form.
fn told(value: &RawJson) -> ApiError {
    let read = ServiceError::decode(Service::Vcda, 500, None, value.get().as_bytes());
    if let Some(ServiceError::Api(error)) = read {
        return error;
    }
    let text = value.decode::<String>();
    ApiError {
        msg: Some(text.unwrap_or_else(|_| value.get().to_owned())),
        ..ApiError::default()
    }
}

fn warnings(raw: &RawJson) -> Result<Vec<TaskWarning>, DecodeError> {
    let Some(value) = present(raw, "warnings") else {
        return Ok(Vec::new());
    };
    let all = value.decode::<Vec<RawJson>>().unwrap_or_else(|_| vec![value]);
    all.iter().map(warning).collect()
}

fn warning(value: &RawJson) -> Result<TaskWarning, DecodeError> {
    if let Ok(warning) = value.decode() {
        return Ok(warning);
    }
    let mut warning: TaskWarning = decode_str("{}")?;
    warning.error = Some(told(value));
    Ok(warning)
}
