//! Errors of vCenter REST.

use std::fmt;

use farside_wire_derive::{OpenEnum, Structure};

use crate::extra::Extra;
use crate::open_enum::{OpenEnum, UnknownValue};
use crate::raw::RawJson;

/// An error of the std error model (`Vapi.Std.Errors.Error`, vCenter REST wire rules 7).
///
/// It is the body of an answer, and `error` of a failed cis task.
#[derive(Clone, Debug, Default, PartialEq, Structure)]
#[wire(name = "Vapi.Std.Errors.Error")]
pub struct StdError {
    /// Messages: the first speaks for the call made, each next one is the cause of the one before. Wire name
    /// `messages`.
    #[wire(default)]
    pub messages: Vec<StdMessage>,
    /// What the operation adds. Wire name `data`.
    pub data: Option<RawJson>,
    /// Kind of the error; old servers leave it out. Wire name `error_type`.
    #[wire(name = "error_type")]
    pub error_type: Option<StdErrorType>,
    /// How to log in, at `UNAUTHENTICATED` and `UNAUTHORIZED`. Wire name `challenge`.
    pub challenge: Option<String>,
    /// Members that these models do not know.
    pub extra: Extra,
}

impl StdError {
    /// The words of the server: the first message that has a text.
    pub fn message(&self) -> Option<&str> {
        self.messages.iter().find_map(StdMessage::text)
    }

    /// Reads the form of `/api`. Where a member is not as it should be, what can be read of the kind is still told.
    pub(crate) fn from_api(raw: &RawJson) -> Self {
        raw.decode().unwrap_or_else(|_| {
            let kind = raw.member("error_type");
            let kind = kind.as_ref().and_then(RawJson::text);
            Self {
                error_type: kind.map(|text| StdErrorType::from_wire(&text)),
                ..Self::default()
            }
        })
    }

    /// Reads the form of `/rest`: `{"type": "com.vmware.vapi.std.errors.not_found", "value": {..}}` (vCenter
    /// REST wire rules 2).
    pub(crate) fn from_rest(raw: &RawJson) -> Option<Self> {
        let name = raw.member("type")?;
        let kind = name
            .text()?
            .strip_prefix("com.vmware.vapi.std.errors.")?
            .to_ascii_uppercase();
        let mut error = raw
            .member("value")
            .map(|value| Self::from_api(&value))
            .unwrap_or_default();
        error
            .error_type
            .get_or_insert_with(|| StdErrorType::from_wire(&kind));
        Some(error)
    }
}

impl StdErrorType {
    /// The kind that a status stands for where the server does not say (vCenter REST wire rules 7).
    pub(crate) fn implied_by(status: u16) -> Self {
        match status {
            401 => Self::Unauthenticated,
            403 => Self::Unauthorized,
            404 => Self::NotFound,
            409 => Self::ConcurrentChange,
            503 => Self::ServiceUnavailable,
            504 => Self::TimedOut,
            _ => Self::Error,
        }
    }
}

/// A message with an id for translation, and its text (`Vapi.Std.LocalizableMessage`).
///
/// No member is required here, although the schema requires three: half an error is better than none.
#[derive(Clone, Debug, Default, PartialEq, Structure)]
#[wire(name = "Vapi.Std.LocalizableMessage")]
pub struct StdMessage {
    /// Id of the message. Wire name `id`.
    #[wire(default)]
    pub id: String,
    /// The message in English. Wire name `default_message`.
    #[wire(name = "default_message", default)]
    pub default_message: String,
    /// Arguments that stand in the message. Wire name `args`.
    #[wire(default)]
    pub args: Vec<String>,
    /// Arguments with types, by name. Raw, since they nest. Wire name `params`.
    pub params: Option<RawJson>,
    /// The message in the session's language. Wire name `localized`.
    pub localized: Option<String>,
    /// Members that these models do not know.
    pub extra: Extra,
}

impl StdMessage {
    /// The message for people: localized if there is such a text, else English, else the id.
    pub fn text(&self) -> Option<&str> {
        let texts = [
            self.localized.as_deref().unwrap_or_default(),
            &self.default_message,
            &self.id,
        ];
        texts.into_iter().find(|text| !text.is_empty())
    }
}

/// Kind of a std error.
#[derive(Clone, Debug, PartialEq, Eq, Hash, OpenEnum)]
#[wire(name = "Vapi.Std.Errors.Error.Type")]
#[non_exhaustive]
pub enum StdErrorType {
    /// `ERROR`
    #[wire("ERROR")]
    Error,
    /// `ALREADY_EXISTS`
    #[wire("ALREADY_EXISTS")]
    AlreadyExists,
    /// `ALREADY_IN_DESIRED_STATE`
    #[wire("ALREADY_IN_DESIRED_STATE")]
    AlreadyInDesiredState,
    /// `CANCELED`
    #[wire("CANCELED")]
    Canceled,
    /// `CONCURRENT_CHANGE`
    #[wire("CONCURRENT_CHANGE")]
    ConcurrentChange,
    /// `FEATURE_IN_USE`
    #[wire("FEATURE_IN_USE")]
    FeatureInUse,
    /// `INTERNAL_SERVER_ERROR`
    #[wire("INTERNAL_SERVER_ERROR")]
    InternalServerError,
    /// `INVALID_ARGUMENT`
    #[wire("INVALID_ARGUMENT")]
    InvalidArgument,
    /// `INVALID_ELEMENT_CONFIGURATION`
    #[wire("INVALID_ELEMENT_CONFIGURATION")]
    InvalidElementConfiguration,
    /// `INVALID_ELEMENT_TYPE`
    #[wire("INVALID_ELEMENT_TYPE")]
    InvalidElementType,
    /// `INVALID_REQUEST`
    #[wire("INVALID_REQUEST")]
    InvalidRequest,
    /// `NOT_ALLOWED_IN_CURRENT_STATE`
    #[wire("NOT_ALLOWED_IN_CURRENT_STATE")]
    NotAllowedInCurrentState,
    /// `NOT_FOUND`
    #[wire("NOT_FOUND")]
    NotFound,
    /// `OPERATION_NOT_FOUND`
    #[wire("OPERATION_NOT_FOUND")]
    OperationNotFound,
    /// `RESOURCE_BUSY`
    #[wire("RESOURCE_BUSY")]
    ResourceBusy,
    /// `RESOURCE_IN_USE`
    #[wire("RESOURCE_IN_USE")]
    ResourceInUse,
    /// `RESOURCE_INACCESSIBLE`
    #[wire("RESOURCE_INACCESSIBLE")]
    ResourceInaccessible,
    /// `SERVICE_UNAVAILABLE`
    #[wire("SERVICE_UNAVAILABLE")]
    ServiceUnavailable,
    /// `TIMED_OUT`
    #[wire("TIMED_OUT")]
    TimedOut,
    /// `UNABLE_TO_ALLOCATE_RESOURCE`
    #[wire("UNABLE_TO_ALLOCATE_RESOURCE")]
    UnableToAllocateResource,
    /// `UNAUTHENTICATED`
    #[wire("UNAUTHENTICATED")]
    Unauthenticated,
    /// `UNAUTHORIZED`
    #[wire("UNAUTHORIZED")]
    Unauthorized,
    /// `UNEXPECTED_INPUT`
    #[wire("UNEXPECTED_INPUT")]
    UnexpectedInput,
    /// `UNSUPPORTED`
    #[wire("UNSUPPORTED")]
    Unsupported,
    /// `UNVERIFIED_PEER`
    #[wire("UNVERIFIED_PEER")]
    UnverifiedPeer,
    /// A kind that these models do not know.
    Unknown(UnknownValue),
}

impl fmt::Display for StdError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self
            .error_type
            .as_ref()
            .map_or("error without a type", OpenEnum::as_wire);
        formatter.write_str(kind)?;
        self.message()
            .map_or(Ok(()), |message| write!(formatter, ": {message}"))
    }
}

impl std::error::Error for StdError {}
