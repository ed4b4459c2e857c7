//! Errors of vCenter REST.

use std::fmt;

use serde::de::MapAccess;
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::extra::Extra;
use crate::open_enum::{OpenEnum, UnknownValue, read_enum, write_enum};
use crate::raw::RawJson;
use crate::structure::{MemberReader, MemberWriter, Structure, serde_of_structures};

/// An error of the std error model (`Vapi.Std.Errors.Error`, vCenter REST wire rules 7).
///
/// It is the body of an answer, and `error` of a failed cis task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StdError {
    /// Messages: the first speaks for the call made, each next one is the cause of the one before. Wire name
    /// `messages`.
    pub messages: Vec<StdMessage>,
    /// What the operation adds. Wire name `data`.
    pub data: Option<RawJson>,
    /// Kind of the error; old servers leave it out. Wire name `error_type`.
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

impl Structure for StdError {
    const NAME: &'static str = "Vapi.Std.Errors.Error";
    const TAGGED: bool = false;

    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut error = Self::default();
        while let Some(name) = members.next_name()? {
            match &*name {
                "messages" => error.messages = members.value("messages")?.unwrap_or_default(),
                "data" => error.data = members.value("data")?,
                "error_type" => error.error_type = members.value("error_type")?,
                "challenge" => error.challenge = members.value("challenge")?,
                _ => members.keep(name)?,
            }
        }
        error.extra = members.extra();
        Ok(error)
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.required("messages", &self.messages)?;
        members.optional("data", &self.data)?;
        members.optional("error_type", &self.error_type)?;
        members.optional("challenge", &self.challenge)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

/// A message with an id for translation, and its text (`Vapi.Std.LocalizableMessage`).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StdMessage {
    /// Id of the message. Wire name `id`.
    pub id: String,
    /// The message in English. Wire name `default_message`.
    pub default_message: String,
    /// Arguments that stand in the message. Wire name `args`.
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

impl Structure for StdMessage {
    const NAME: &'static str = "Vapi.Std.LocalizableMessage";
    const TAGGED: bool = false;

    /// No member is required here, although the schema requires three: half an error is better than none.
    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error> {
        let mut message = Self::default();
        while let Some(name) = members.next_name()? {
            match &*name {
                "id" => message.id = members.value("id")?.unwrap_or_default(),
                "default_message" => {
                    message.default_message = members.value("default_message")?.unwrap_or_default();
                }
                "args" => message.args = members.value("args")?.unwrap_or_default(),
                "params" => message.params = members.value("params")?,
                "localized" => message.localized = members.value("localized")?,
                _ => members.keep(name)?,
            }
        }
        message.extra = members.extra();
        Ok(message)
    }

    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error> {
        members.required("id", &self.id)?;
        members.required("default_message", &self.default_message)?;
        members.required("args", &self.args)?;
        members.optional("params", &self.params)?;
        members.optional("localized", &self.localized)
    }

    fn extra(&self) -> &Extra {
        &self.extra
    }
}

macro_rules! error_types {
    ($($(#[$doc:meta])* $variant:ident = $wire:literal,)*) => {
        /// Kind of a std error (`Vapi.Std.Errors.Error.Type`).
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum StdErrorType {
            $(#[doc = concat!("`", $wire, "`")] $variant,)*
            /// A kind these models do not know.
            Unknown(UnknownValue),
        }

        impl OpenEnum for StdErrorType {
            const NAME: &'static str = "Vapi.Std.Errors.Error.Type";
            const VALUES: &'static [Self] = &[$(Self::$variant,)*];

            fn as_wire(&self) -> &str {
                match self {
                    $(Self::$variant => $wire,)*
                    Self::Unknown(value) => value.as_str(),
                }
            }

            fn unknown(value: UnknownValue) -> Self {
                Self::Unknown(value)
            }
        }
    };
}

error_types! {
    Error = "ERROR",
    AlreadyExists = "ALREADY_EXISTS",
    AlreadyInDesiredState = "ALREADY_IN_DESIRED_STATE",
    Canceled = "CANCELED",
    ConcurrentChange = "CONCURRENT_CHANGE",
    FeatureInUse = "FEATURE_IN_USE",
    InternalServerError = "INTERNAL_SERVER_ERROR",
    InvalidArgument = "INVALID_ARGUMENT",
    InvalidElementConfiguration = "INVALID_ELEMENT_CONFIGURATION",
    InvalidElementType = "INVALID_ELEMENT_TYPE",
    InvalidRequest = "INVALID_REQUEST",
    NotAllowedInCurrentState = "NOT_ALLOWED_IN_CURRENT_STATE",
    NotFound = "NOT_FOUND",
    OperationNotFound = "OPERATION_NOT_FOUND",
    ResourceBusy = "RESOURCE_BUSY",
    ResourceInUse = "RESOURCE_IN_USE",
    ResourceInaccessible = "RESOURCE_INACCESSIBLE",
    ServiceUnavailable = "SERVICE_UNAVAILABLE",
    TimedOut = "TIMED_OUT",
    UnableToAllocateResource = "UNABLE_TO_ALLOCATE_RESOURCE",
    Unauthenticated = "UNAUTHENTICATED",
    Unauthorized = "UNAUTHORIZED",
    UnexpectedInput = "UNEXPECTED_INPUT",
    Unsupported = "UNSUPPORTED",
    UnverifiedPeer = "UNVERIFIED_PEER",
}

impl fmt::Display for StdErrorType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_wire())
    }
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

impl<'de> Deserialize<'de> for StdErrorType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_enum(deserializer)
    }
}

impl Serialize for StdErrorType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        write_enum(self, serializer)
    }
}

serde_of_structures!(StdError, StdMessage);
