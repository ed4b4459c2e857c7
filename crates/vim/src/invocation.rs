//! One call of a method or property of VI JSON, and the reading of its answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use farside_transport::Call;
use farside_wire::{Operation, Secret};
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Uri};
use serde::Serialize;

/// What is called, on which object, with which parameters.
///
/// ```
/// use farside_models_vim::{StartDpuFailoverRequest, operation};
/// use farside_vim::Invocation;
///
/// let call = Invocation::new(&operation::HOST_NETWORK_SYSTEM_START_DPU_FAILOVER, "networkSystem-21")
///     .body(&StartDpuFailoverRequest::new("dvs-east"))
///     .target("switch dvs-east of host-21")
///     .into_call();
/// assert_eq!(call.request.uri().path(), "/HostNetworkSystem/networkSystem-21/startDpuFailover");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Invocation {
    call: Call,
}

impl Invocation {
    /// A call without parameters of the object with this id. The operation's path has `moId` as its one parameter.
    ///
    /// # Panics
    /// If the operation is not one of a managed object.
    pub fn new(operation: &'static Operation, mo_id: &str) -> Self {
        let mut request = Request::new(Bytes::new());
        *request.method_mut() = Method::from_bytes(operation.method.as_str().as_bytes())
            .expect("an operation's method is one of HTTP");
        *request.uri_mut() = operation
            .path_with(&[("moId", mo_id)])
            .parse::<Uri>()
            .expect("an encoded path is a URI");
        Self {
            call: Call::new(operation, mo_id, request),
        }
    }

    /// With these parameters: a request type of the models.
    ///
    /// # Panics
    /// If `parameters` cannot be written as JSON. Request types can.
    pub fn body<T: Serialize + ?Sized>(mut self, parameters: &T) -> Self {
        let body = serde_json::to_vec(parameters).expect("a request type is written as JSON");
        *self.call.request.body_mut() = body.into();
        let json = HeaderValue::from_static("application/json");
        self.call.request.headers_mut().insert(CONTENT_TYPE, json);
        self
    }

    /// Names the object in words, for errors and traces; without it, that is its id.
    pub fn target(mut self, target: impl Into<Arc<str>>) -> Self {
        self.call.target = target.into();
        self
    }

    /// Limits the whole call, waits for login and repeats included.
    pub fn deadline(mut self, limit: Duration) -> Self {
        self.call.deadline = Some(limit);
        self
    }

    /// Sends a secret in the header `Authorization`. One that HTTP does not allow in a header is left out, and the server will
    /// say that it lacks it.
    pub fn authorization(mut self, value: &Secret) -> Self {
        if let Ok(mut value) = HeaderValue::from_str(value.expose()) {
            value.set_sensitive(true);
            self.call.request.headers_mut().insert(AUTHORIZATION, value);
        }
        self
    }

    /// Sends it within the session although the operation can be called without one.
    pub fn with_session(mut self) -> Self {
        self.call = self.call.with_session();
        self
    }

    /// Sends it once, and not again in another session after one that has ended: see [`Call::once`].
    pub fn once(mut self) -> Self {
        self.call = self.call.once();
        self
    }

    /// The call, whose path is relative to the base of the service.
    #[must_use]
    pub fn into_call(self) -> Call {
        self.call
    }
}
