//! The error body of an answer, in any of the three dialects.

use std::fmt;

use crate::api_error::ApiError;
use crate::fault::Fault;
use crate::open_enum::OpenEnum as _;
use crate::operation::Service;
use crate::raw::RawJson;
use crate::std_error::{StdError, StdErrorType};

/// What a server says about why it did not do what it was asked.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ServiceError {
    /// A fault of VI JSON.
    Fault(Fault),
    /// An error of vCenter REST.
    Std(StdError),
    /// An error of VCDA.
    Api(ApiError),
}

impl ServiceError {
    /// Reads the body of an answer with an error status.
    ///
    /// `None` for a status below 400, for a content type that is not JSON (a page of a proxy), and for a body that is
    /// not an error of any form that `service` is known to send. vCenter's two services answer behind one address, so
    /// each may send the other's form.
    pub fn decode(service: Service, status: u16, content_type: Option<&str>, body: &[u8]) -> Option<Self> {
        if status < 400 || !content_type.is_none_or(is_json) {
            return None;
        }
        let raw = RawJson::parse(std::str::from_utf8(body).ok()?)
            .ok()
            .filter(RawJson::is_object)?;
        match service {
            Service::ViJson => decode_fault(&raw).or_else(|| decode_std(&raw, status)),
            Service::VcenterRest => decode_std(&raw, status).or_else(|| decode_fault(&raw)),
            Service::Vcda => decode_api(&raw),
        }
    }

    /// What a program tells errors by: type name of a fault, `error_type` of a std error, `code` of a VCDA
    /// error. Empty if the server left it out.
    pub fn code(&self) -> &str {
        match self {
            Self::Fault(fault) => fault.type_name(),
            Self::Std(error) => error.error_type.as_ref().map_or("", |kind| kind.as_wire()),
            Self::Api(error) => error.code.as_deref().unwrap_or_default(),
        }
    }

    /// The words of the server.
    pub fn message(&self) -> Option<&str> {
        match self {
            Self::Fault(fault) => fault.message(),
            Self::Std(error) => error.message(),
            Self::Api(error) => error.msg.as_deref(),
        }
    }

    /// The fault, if it is one.
    pub fn as_fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::Std(_) | Self::Api(_) => None,
        }
    }
}

/// Whether a content type says JSON: by its suffix, never by equality, since VCDA puts a version into it (VCDA
/// wire rules 2).
fn is_json(content_type: &str) -> bool {
    let essence = content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    essence.ends_with("/json") || essence.ends_with("+json")
}

/// Other JSON than faults can come with VI JSON, from a proxy for instance, so one of the marks of a fault must
/// be there.
fn decode_fault(raw: &RawJson) -> Option<ServiceError> {
    let marked = raw.type_name().is_some()
        || ["faultMessage", "faultstring", "faultCause"]
            .iter()
            .any(|name| raw.member(name).is_some());
    marked
        .then(|| Fault::from_raw(raw.clone()))
        .flatten()
        .map(ServiceError::Fault)
}

/// `error_type` may be missing on old servers, and is then what the status stands for (vCenter REST wire rules 7).
fn decode_std(raw: &RawJson, status: u16) -> Option<ServiceError> {
    let marked = raw.member("error_type").is_some() || raw.member("messages").is_some();
    let mut error = if marked {
        StdError::from_api(raw)
    } else {
        StdError::from_rest(raw)?
    };
    error
        .error_type
        .get_or_insert_with(|| StdErrorType::implied_by(status));
    Some(ServiceError::Std(error))
}

fn decode_api(raw: &RawJson) -> Option<ServiceError> {
    let error = ApiError::from_raw(raw);
    (error.code.is_some() || error.msg.is_some()).then_some(ServiceError::Api(error))
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(formatter),
            Self::Std(error) => error.fmt(formatter),
            Self::Api(error) => error.fmt(formatter),
        }
    }
}

impl std::error::Error for ServiceError {}
