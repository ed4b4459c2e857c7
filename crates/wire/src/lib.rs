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
//! | a structure member by member, keeping what is unknown | [`Structure`], [`MemberReader`], [`MemberWriter`], [`Extra`] |
//! | a place that takes any subtype, or any value | [`DataType`], [`Object`], [`Any`], [`RawJson`] |
//! | an enum, a union | [`OpenEnum`], [`Union`] |
//! | times, binaries, secrets, references | [`Timestamp`], [`EpochMillis`], [`Binary`], [`Secret`], [`ManagedObjectReference`] |
//! | what went wrong | [`Fault`], [`StdError`], [`ApiError`], [`ServiceError`] |
//! | what an operation is | [`Operation`], [`Query`] |
//!
//! What holds everywhere:
//! - Nothing a server sends makes it panic: what cannot be read is an error that names the type and the member.
//! - What these models do not know is kept and written back: members, subtypes, enum values, variants.
//! - An object is read in one pass. There is no tree of values, and no bound on nesting is ever reset: text kept raw
//!   is at most 127 levels deep.
//! - `Debug` of what is kept raw prints no values, since they may be secret.
//!
//! The file `tests/handwritten.rs` shows what generated code looks like.

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
pub use error::DecodeError;
pub use extra::Extra;
pub use fault::Fault;
pub use method_fault::{KeyAnyValue, LocalizableMessage, MethodFault};
pub use object::{DataType, Extends, Object};
pub use open_enum::{OpenEnum, UnknownValue, read_enum, write_enum};
pub use operation::{Method, Operation, Query, Repeat, Service};
pub use raw::RawJson;
pub use reference::ManagedObjectReference;
pub use secret::Secret;
pub use service_error::ServiceError;
pub use std_error::{StdError, StdErrorType, StdMessage};
pub use structure::{MemberReader, MemberWriter, Structure, read_structure, write_structure};
pub use time::{EpochMillis, ParseTimestampError, Timestamp};
pub use union::{Union, UnknownVariant, read_union, write_union};
