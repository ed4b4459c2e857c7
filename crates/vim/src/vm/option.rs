//! Options of a machine, and the one that answers beforehand whether it was moved or copied.

use std::time::Duration;

use farside_models_vim::{OptionValue, VirtualMachineConfigSpec};
use farside_wire::{Any, Object, RawJson};

use super::{MovedOrCopied, VirtualMachine};
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::path::PropertyPath;
use crate::properties::ObjectProperties;
use crate::work::Time;

/// The options of a machine.
const OPTIONS: PropertyPath<VirtualMachine, Vec<Object<OptionValue>>> =
    PropertyPath::new("config.extraConfig");

/// What is read to change options.
const PATHS: &[&str] = &[OPTIONS.as_str(), VirtualMachine::CHANGE_VERSION.as_str()];

/// The option that says what the machine is, so that it does not ask.
const UUID_ACTION: &str = "uuid.action";

impl MovedOrCopied {
    /// The value of `uuid.action` that stands for it.
    fn action(self) -> &'static str {
        match self {
            Self::Moved => "keep",
            Self::Copied => "create",
        }
    }
}

/// A text among the options of a machine; an empty one is none.
fn option(seen: &ObjectProperties, key: &str) -> Result<Option<String>, WorkErrorKind> {
    let property = OPTIONS.as_str();
    let options = seen.at(OPTIONS);
    let options = options.map_err(|source| WorkErrorKind::Unreadable { property, source })?;
    let options = options.ok_or_else(|| WorkErrorKind::Absent {
        property,
        fault: seen.fault(property).cloned(),
    })?;
    let known = options.iter().filter_map(|option| option.base().ok());
    let value = known
        .filter(|option| option.key == key)
        .find_map(|option| option.value);
    Ok(value.as_ref().and_then(text).filter(|text| !text.is_empty()))
}

/// The text in a box.
fn text(value: &Any) -> Option<String> {
    RawJson::parse(value.raw()).ok()?.member("_value")?.decode().ok()
}

/// The specification that sets an option to a text, or takes it away with an empty one.
fn option_spec(key: &str, value: &str) -> Option<VirtualMachineConfigSpec> {
    let value = Any::boxed("string", value).ok()?;
    let option = OptionValue::new(key).with_value(value);
    Some(VirtualMachineConfigSpec::default().with_extra_config(vec![Object::new(&option)]))
}

impl VirtualMachine {
    /// Sets an option of the machine (`extraConfig`) to a text, or takes it away with `None`, and reads it back. One that is as
    /// wanted is left alone. (`ReconfigVM_Task`)
    ///
    /// # Errors
    /// [`WorkErrorKind::Unchanged`] if it reads otherwise; [`WorkErrorKind::Call`], [`WorkErrorKind::Wait`] and
    /// [`WorkErrorKind::Late`] for what a call or the task ended with, of a failed task with nothing changed.
    ///
    /// # Cancel safety
    /// A dropped future leaves the task as it is.
    pub async fn set_option(&self, key: &str, value: Option<&str>, limit: Duration) -> Result<(), WorkError> {
        let time = Time::of(self.client(), "changed", limit);
        let (key, value) = (key.to_owned(), value.unwrap_or_default().to_owned());
        let lacks = move |seen: &ObjectProperties| {
            let found = option(seen, &key)?.unwrap_or_default();
            Ok((found != value).then(|| option_spec(&key, &value)).flatten())
        };
        let changed = self.bring_about(time, PATHS, lacks).await;
        let about = |kind: WorkErrorKind| kind.about("setting an option of", self.reference());
        match changed {
            Ok(changed) if changed.is_so => Ok(()),
            Ok(_) => Err(about(WorkErrorKind::Unchanged("with the option as it was set"))),
            Err(kind) => Err(about(kind)),
        }
    }

    /// Says beforehand whether the machine was moved or copied, so that it does not ask when it is powered on: to be done between
    /// registering and power-on. It stays in the machine; `None`, once it runs, takes it away again, so that it asks the next time.
    /// Handle its question all the same: that this keeps it from asking is inferred. (Option `uuid.action`; vVol recovery rules
    /// 6.5.)
    ///
    /// # Errors
    /// As [`VirtualMachine::set_option`].
    ///
    /// # Cancel safety
    /// As [`VirtualMachine::set_option`].
    pub async fn declare(&self, what: Option<MovedOrCopied>, limit: Duration) -> Result<(), WorkError> {
        self.set_option(UUID_ACTION, what.map(MovedOrCopied::action), limit)
            .await
    }
}
