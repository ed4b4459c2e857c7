//! Runtime of the wire formats of VMware's failover APIs: VI JSON, vCenter REST, and VMware Cloud Director
//! Availability.
//!
//! The generated crates `farside-models-*` stand on it: it holds what a generator cannot know. It does no I/O,
//! reads no clock, and knows no operation. Use it alone to read an answer or a fault that you fetched yourself.
//!
//! ```
//! use farside_wire::{Service, ServiceError};
//!
//! let body = br#"{"_typeName": "TooMany", "maxBatchSize": 8, "faultstring": "batch too large"}"#;
//! let error = ServiceError::decode(Service::ViJson, 500, Some("application/json"), body).unwrap();
//! assert_eq!((error.code(), error.message()), ("TooMany", Some("batch too large")));
//! ```
//!
//! | to read | see |
//! | --- | --- |
//! | a document, or one value of it | [`decode`], [`encode`], [`Read`], [`Reader`] |
//! | a structure member by member, keeping what is unknown | [`trait@Structure`], [`MemberReader`], [`MemberWriter`], [`Extra`] |
//! | a place that takes any subtype, or any value | [`DataType`], [`Object`], [`Any`], [`RawJson`] |
//! | an enum, a union | [`trait@OpenEnum`], [`trait@Union`] |
//! | times, binaries, secrets, references | [`Timestamp`], [`EpochMillis`], [`Binary`], [`Secret`], [`ManagedObjectReference`] |
//! | what went wrong | [`Fault`], [`StdError`], [`ApiError`], [`ServiceError`] |
//! | what an operation is | [`Operation`], [`Query`], [`QueryParameters`] |
//!
//! What holds everywhere:
//! - Nothing a server sends makes it panic: what cannot be read is an error that names the type and the member.
//! - What these models do not know is kept and written back: members, subtypes, enum values, variants.
//! - A document is read in one pass, and not copied: there is no tree of values, and text kept raw is a slice of the
//!   document. It is at most 127 levels deep, and so is each of its parts.
//! - `Debug` of what is kept raw prints no values, since they may be secret.
//!
//! # Own types
//!
//! The generated types are made by four derives, which work for types of your own as well: for a subtype that these
//! models do not have, or for the result of an operation that they do not list.
//!
//! ```
//! use farside_wire::{Any, DataType, Extra, Object, OpenEnum, Structure, Union, UnknownValue, UnknownVariant};
//!
//! /// State of a link.
//! #[derive(Clone, Debug, PartialEq, Eq, Hash, OpenEnum)]
//! #[wire(name = "LinkState")]
//! enum LinkState {
//!     #[wire("up")]
//!     Up,
//!     #[wire("linkDown")]
//!     Down,
//!     Unknown(UnknownValue),
//! }
//!
//! /// What a port is connected to.
//! #[derive(Clone, Debug, PartialEq, Structure)]
//! #[wire(name = "Backing", bases = ["DataObject", "Any"], descendants = ["PortBacking"], builder)]
//! struct Backing {
//!     /// Name of the device.
//!     device_name: String,
//!     extra: Extra,
//! }
//!
//! /// A port of a switch.
//! #[derive(Clone, Debug, PartialEq, Structure)]
//! #[wire(name = "PortBacking", bases = ["Backing", "DataObject", "Any"], extends = [Backing], builder)]
//! struct PortBacking {
//!     device_name: String,
//!     state: LinkState,
//!     /// Speed in Mbit/s.
//!     #[wire(name = "speedMB")]
//!     speed_mb: Option<i32>,
//!     uplink: Vec<String>,
//!     extra: Extra,
//! }
//!
//! let port = PortBacking::new("vmnic0", LinkState::Up).with_speed_mb(1000);
//! let object: Object<Backing> = Object::new(&port);
//! assert_eq!(
//!     object.raw(),
//!     r#"{"_typeName":"PortBacking","deviceName":"vmnic0","state":"up","speedMB":1000}"#
//! );
//! assert_eq!(object.base()?.device_name, "vmnic0");
//! assert_eq!(object.downcast::<PortBacking>().transpose()?, Some(port));
//!
//! /// What VCDA tells apart by a member `type`.
//! #[derive(Clone, Debug, PartialEq, Union)]
//! #[wire(name = "Settings", tag = "type")]
//! enum Settings {
//!     #[wire("cloud")]
//!     Cloud(CloudSettings),
//!     Unknown(UnknownVariant),
//! }
//!
//! /// Settings of a cloud.
//! #[derive(Clone, Debug, Default, PartialEq, Structure)]
//! #[wire(name = "CloudSettings", builder)]
//! struct CloudSettings {
//!     power_on: Option<bool>,
//!     extra: Extra,
//! }
//!
//! let settings: Settings = farside_wire::decode_str(r#"{"powerOn": true, "type": "cloud"}"#)?;
//! assert_eq!(settings, CloudSettings::default().with_power_on(true).into());
//! # Ok::<(), farside_wire::DecodeError>(())
//! ```

// The derives write paths that begin with the name by which others know this crate.
extern crate self as farside_wire;

mod ancestry;
mod any;
mod api_error;
mod binary;
mod error;
mod extra;
mod fault;
mod method_fault;
mod object;
mod open_enum;
mod operation;
mod raw;
mod read;
mod reader;
mod reference;
mod secret;
mod service_error;
mod std_error;
mod structure;
mod time;
mod union;

pub use ancestry::Ancestry;
pub use any::Any;
pub use api_error::ApiError;
pub use binary::Binary;
pub use error::{DecodeError, EncodeError, ReadError};
pub use extra::Extra;
pub use farside_wire_derive::{OpenEnum, QueryParameters, Structure, Union};
pub use fault::Fault;
pub use method_fault::{KeyAnyValue, LocalizableMessage, MethodFault};
pub use object::{DataType, Extends, Object};
pub use open_enum::{OpenEnum, UnknownValue, read_enum, read_enum_with_serde, write_enum};
pub use operation::{Method, Operation, Query, Repeat, Service};
pub use raw::RawJson;
pub use read::{Read, decode, decode_str, encode, read_with_serde};
pub use reader::Reader;
pub use reference::ManagedObjectReference;
pub use secret::Secret;
pub use service_error::ServiceError;
pub use std_error::{StdError, StdErrorType, StdMessage};
pub use structure::{MemberReader, MemberWriter, Structure, read_structure, write_structure};
pub use time::{EpochMillis, ParseTimestampError, Timestamp};
pub use union::{Union, UnknownVariant, VariantReader, read_union, write_union};

/// What the code of the derives names beside this crate's own items.
#[doc(hidden)]
pub mod derived {
    pub use serde;
}
