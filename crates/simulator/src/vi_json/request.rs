//! Requests in the form of VI JSON: paths and bodies.

use http::Method;
use serde_json::{Value, json};

use super::fault::Fault;
use crate::exchange::Request;
use crate::shape::{Member, Shape, optional, required};

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
        Self::below("sms", request)
    }

    /// The path of a request to PBM.
    pub(crate) fn pbm(request: &Request) -> Option<Self> {
        Self::below("pbm", request)
    }

    fn below(service: &str, request: &Request) -> Option<Self> {
        let [sdk, vim25, release, prefix, type_name, mo_id, member]: [String; 7] =
            request.segments().try_into().ok()?;
        (sdk == "sdk" && vim25 == "vim25" && prefix == service).then_some(Self {
            release,
            type_name,
            mo_id,
            member,
        })
    }

    /// The operation among `ids` that a request of this path calls.
    pub(crate) fn named(&self, request: &Request, ids: &[&'static str]) -> Option<&'static str> {
        ids.iter().find(|id| self.calls(request, id)).copied()
    }

    /// Whether a request of this path calls the operation `id`. A method has its own name in the id, a property that of its
    /// reader: `Task_CancelTask`, `Task_getInfo`.
    pub(crate) fn calls(&self, request: &Request, id: &str) -> bool {
        id.split_once('_').is_some_and(|(type_name, name)| {
            let member = if request.method == Method::GET {
                name.strip_prefix("get").map(decapitalized)
            } else {
                Some(name.to_owned())
            };
            type_name == self.type_name && member.is_some_and(|member| member == self.member)
        })
    }
}

fn decapitalized(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// A release as numbers.
pub(crate) fn release(text: &str) -> [u32; 4] {
    let mut parts = text.split('.').map(|part| part.parse().unwrap_or(0));
    std::array::from_fn(|_| parts.next().unwrap_or(0))
}

/// Refuses a method that the release of a request does not have.
pub(crate) fn since(path: &Path, release_of_method: [u32; 4]) -> Result<(), Fault> {
    if release(&path.release) >= release_of_method {
        return Ok(());
    }
    Err(unknown_method(path))
}

/// The fault of a method that a release does not have.
pub(crate) fn unknown_method(path: &Path) -> Fault {
    Fault::no_such_method(&path.type_name, &path.mo_id, &path.member)
}

/// Whether a request has the method of an operation: a property is read with GET, a method called with POST.
pub(crate) fn fits_method(request: &Request, property: bool) -> bool {
    request.method == if property { Method::GET } else { Method::POST }
}

/// The body of a method call, checked; no body at all stands for no parameters.
pub(crate) fn body(request: &Request, shape: &Shape) -> Result<Value, Fault> {
    let body = json(request)?;
    shape.check(&body)?;
    Ok(body)
}

/// The body of a method call as JSON; no body at all stands for no parameters.
pub(crate) fn json(request: &Request) -> Result<Value, Fault> {
    if request.body.is_empty() {
        return Ok(json!({}));
    }
    let media_type = request.header_text("content-type").unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") {
        return Err(Fault::invalid_request("The body has to be application/json."));
    }
    serde_json::from_slice(&request.body).map_err(|_| Fault::invalid_request("The body is not JSON."))
}

/// The shape of a call without parameters.
pub(crate) static NO_PARAMETERS: Shape = Shape::Object(&[ROOT_TYPE]);

/// The type name that some clients write at the root of a body; servers tolerate it.
pub(crate) const ROOT_TYPE: Member = optional("_typeName", Shape::Text);

/// A reference to a managed object.
pub(crate) const REFERENCE: Shape = Shape::Object(&[
    required("_typeName", Shape::OneOf(&["ManagedObjectReference"])),
    required("type", Shape::Text),
    required("value", Shape::Text),
]);

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

    #[test]
    fn an_operation_is_found_by_its_id_and_the_method_of_the_request() {
        let ids = [
            "Task_getInfo",
            "Task_CancelTask",
            "FailoverClusterManager_getClusterMode",
        ];
        let named = |method: Method, rest: &str| {
            let request = Request::new(method, &format!("/sdk/vim25/8.0.3.0/{rest}"));
            Path::vim(&request)?.named(&request, &ids)
        };
        assert_eq!(named(Method::GET, "Task/task-1/info"), Some("Task_getInfo"));
        assert_eq!(named(Method::POST, "Task/task-1/info"), None);
        assert_eq!(named(Method::GET, "Task/task-1/getInfo"), None);
        assert_eq!(
            named(Method::POST, "Task/task-1/CancelTask"),
            Some("Task_CancelTask")
        );
        assert_eq!(named(Method::GET, "Task/task-1/CancelTask"), None);
        let reader = "FailoverClusterManager/failoverClusterManager/getClusterMode";
        assert_eq!(named(Method::POST, reader), Some(ids[2]));
    }
}
