//! What the answers of VI JSON look like, with a switch for each reading that the sources leave open.

use serde::{Deserialize, Serialize};

/// The form of what VI JSON, SMS and PBM answer. A switch that is off plays the reading that COVERAGE.md gives.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct ViJsonSpec {
    /// An object whose type is the one that its place declares has no `_typeName`.
    pub omits_type_names: bool,
    /// `_typeName` is the last member of an object.
    pub type_names_last: bool,
    /// Members that are not set are `null`.
    pub nulls: bool,
    /// No value is a 200 with `null` instead of an empty body.
    pub null_for_empty: bool,
    /// A fault that is a member of an answer comes in a `LocalizedMethodFault`.
    pub wraps_faults: bool,
    /// A path below a release that the vCenter does not know is `MethodNotFound` instead of a plain 404.
    pub unknown_release_is_fault: bool,
    /// What a method is answered with that the release of the request, or a host, does not have.
    pub unknown_method: UnknownMethod,
    /// How a task ends that was asked to stop.
    pub cancel_end: CancelEnd,
}

/// What a method is answered with that a release does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownMethod {
    /// The fault `MethodNotFound`.
    #[default]
    MethodNotFound,
    /// The fault `InvalidRequest`.
    InvalidRequest,
    /// 404 without a body.
    NotFound,
}

/// How a task ends that was asked to stop. It says that it was cancelled in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelEnd {
    /// With the error `RequestCanceled`.
    #[default]
    RequestCanceled,
    /// With another error.
    OtherFault,
    /// With the state of an error, and no error.
    NoFault,
    /// As it would have: it had gone too far.
    GoesOn,
}

impl ViJsonSpec {
    /// The switches that make answers differ from what the documents show, for recordings; empty if none is on.
    pub(crate) fn form(&self) -> String {
        let switches = [
            ("omits_type_names", self.omits_type_names),
            ("nulls", self.nulls),
            ("wraps_faults", self.wraps_faults),
        ];
        let on: Vec<&str> = switches
            .iter()
            .filter(|(_, on)| *on)
            .map(|(name, _)| *name)
            .collect();
        on.join("+")
    }

    /// Whether an answer is changed at all.
    pub(super) fn changes_answers(&self) -> bool {
        self.omits_type_names || self.type_names_last || self.nulls || self.wraps_faults
    }
}
