//! What the kinds have in common: from a failed call to words, and to what a call came to.

use std::error::Error;
use std::time::Duration;

use farside_engine::{Again, Submitted};
use farside_transport::{CallError, Effect, Retry};
use farside_wire::{Repeat, Timestamp};

/// An error with its causes, each said once.
pub(crate) fn explain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}

/// What became of an acting call that failed: `Lost` unless its effect says that the server did not act.
pub(crate) fn submitted(error: &CallError) -> Submitted {
    let reason = explain(error);
    match error.effect() {
        Effect::Unknown => Submitted::Lost { reason },
        Effect::NotSent | Effect::Refused => Submitted::Refused {
            reason,
            again: again(error),
        },
    }
}

/// As [`submitted`], of a call that lacked a session and was not sent in yet another one: that may be the sign that the world has changed,
/// so after another look the call goes out again if it is still right.
pub(crate) fn submitted_once(error: &CallError) -> Submitted {
    match submitted(error) {
        Submitted::Refused { reason, .. } if error.lacked_session() => Submitted::Refused {
            reason,
            again: Again::Later,
        },
        other => other,
    }
}

/// Whether a call that did not happen is worth another try.
fn again(error: &CallError) -> Again {
    match error.retry(Repeat::OnlyIfNeverSent) {
        Retry::Now | Retry::After(_) => Again::Later,
        Retry::CheckFirst | Retry::Never => Again::Never,
    }
}

/// A duration as the engine counts it.
pub(crate) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A time of a server's clock with its age. The age is by this machine's clock, which can be another, and says so.
pub(crate) fn aged(time: &Timestamp, now: &Timestamp) -> String {
    let seconds = now.since(time).as_secs();
    let age = match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    };
    format!("{time} ({age} ago by this machine's clock)")
}
