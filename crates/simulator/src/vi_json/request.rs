//! Requests in the form of VI JSON: paths and bodies.

use http::Method;
use serde_json::{Value, json};

use super::fault::Fault;
use crate::exchange::Request;
use crate::shape::{Member, Shape, optional};

/// A path below `/sdk/vim25`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Path {
    /// The release, such as `8.0.3.0`.
    pub(crate) release: String,
    /// The managed type.
    pub(crate) type_name: String,
    /// The bare id of the object.
    pub(crate) mo_id: String,
    /// The method or property.
    pub(crate) member: String,
}

impl Path {
    /// The path of a vim request.
    pub(crate) fn vim(request: &Request) -> Option<Self> {
        let [sdk, vim25, release, type_name, mo_id, member]: [String; 6] =
            request.segments().try_into().ok()?;
        (sdk == "sdk" && vim25 == "vim25").then_some(Self {
            release,
            type_name,
            mo_id,
            member,
        })
    }

    /// The path of a request to SMS.
    pub(crate) fn sms(request: &Request) -> Option<Self> {
        let [sdk, vim25, release, sms, type_name, mo_id, member]: [String; 7] =
            request.segments().try_into().ok()?;
        (sdk == "sdk" && vim25 == "vim25" && sms == "sms").then_some(Self {
            release,
            type_name,
            mo_id,
            member,
        })
    }
}

/// Whether a request has the method of an operation: a property is read with GET, a method called with POST.
pub(crate) fn fits_method(request: &Request, property: bool) -> bool {
    request.method == if property { Method::GET } else { Method::POST }
}

/// The body of a method call, checked; no body at all stands for no parameters.
pub(crate) fn body(request: &Request, shape: &Shape) -> Result<Value, Fault> {
    let body = if request.body.is_empty() {
        json!({})
    } else {
        let media_type = request.header_text("content-type").unwrap_or_default();
        let essence = media_type.split(';').next().unwrap_or_default().trim();
        if !essence.eq_ignore_ascii_case("application/json") {
            return Err(Fault::invalid_request("The body has to be application/json."));
        }
        serde_json::from_slice(&request.body).map_err(|_| Fault::invalid_request("The body is not JSON."))?
    };
    shape.check(&body)?;
    Ok(body)
}

/// The shape of a call without parameters.
pub(crate) static NO_PARAMETERS: Shape = Shape::Object(&[ROOT_TYPE]);

/// The type name that some clients write at the root of a body; servers tolerate it.
pub(crate) const ROOT_TYPE: Member = optional("_typeName", Shape::Text);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_decoded_and_prefixes_told_apart() {
        let sms = Request::new(
            Method::POST,
            "/sdk/vim25/8.0.3.0/sms/VasaProvider/a%2Fb%20c/QueryProviderInfo",
        );
        assert_eq!(Path::sms(&sms).map(|path| path.mo_id), Some("a/b c".to_owned()));
        assert_eq!(Path::vim(&sms), None);
        let vim = Request::new(Method::GET, "/sdk/vim25/8.0.3.0/HostSystem/host-11/config");
        assert_eq!(Path::vim(&vim).map(|path| path.member), Some("config".to_owned()));
        assert_eq!(Path::sms(&vim), None);
    }
}
