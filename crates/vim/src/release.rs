//! The layer below the session: puts base path and release in front of each call, after having agreed on the release.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use farside_models_vcenter::operation::SYSTEM_HELLO;
use farside_models_vcenter::{SystemHelloResult, SystemHelloSpec};
use farside_transport::{Call, CallError, CallErrorKind, Clock, Deadline, Phase, Sent, Transport, within};
use farside_wire::Service;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Request, Response, Uri};
use tokio::sync::OnceCell;

/// Releases that this client can work with, newest first (VI JSON document 9.1.1.0, `servers`; DPU and replication calls
/// look the same in all of them).
pub const KNOWN_RELEASES: &[&str] = &[
    "9.1.1.0", "9.1.0.0", "9.0.0.0", "8.0.3.1", "8.0.3.0", "8.0.2.0", "8.0.1.0",
];

/// How the release in the path of each call is settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReleaseChoice {
    /// By `hello`: the first of these that the server knows too. Servers have it since 8.0.2.0.
    Negotiated(Vec<String>),
    /// This one, unasked.
    Fixed(String),
}

impl Default for ReleaseChoice {
    /// Negotiated among [`KNOWN_RELEASES`].
    fn default() -> Self {
        Self::Negotiated(KNOWN_RELEASES.iter().map(|&release| release.to_owned()).collect())
    }
}

/// Sends calls whose paths are relative to their service's base.
pub(crate) struct Based {
    inner: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    choice: ReleaseChoice,
    agreed: OnceCell<String>,
}

impl Based {
    pub(crate) fn new(inner: Arc<dyn Transport>, clock: Arc<dyn Clock>, choice: ReleaseChoice) -> Self {
        Self {
            inner,
            clock,
            choice,
            agreed: OnceCell::new(),
        }
    }

    /// Whether nobody has to be asked for the release.
    pub(crate) fn is_fixed(&self) -> bool {
        matches!(self.choice, ReleaseChoice::Fixed(_))
    }

    /// The release, agreed on once for all callers. A call that ends while it asks leaves the question to the next one.
    pub(crate) async fn release(&self, deadline: Deadline) -> Result<&str, CallError> {
        let offered = match &self.choice {
            ReleaseChoice::Fixed(release) => return Ok(release),
            ReleaseChoice::Negotiated(offered) => offered,
        };
        self.agreed
            .get_or_try_init(|| self.hello(offered, deadline))
            .await
            .map(String::as_str)
    }

    async fn hello(&self, offered: &[String], deadline: Deadline) -> Result<String, CallError> {
        let spec = SystemHelloSpec::new(offered.to_vec());
        let body = serde_json::to_vec(&spec).unwrap_or_default();
        let mut request = Request::new(Bytes::from(body));
        *request.method_mut() = http::Method::POST;
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let call = Call::new(&SYSTEM_HELLO, "release of the API", request);
        let context = call.context();
        let path = format!("/api{}", SYSTEM_HELLO.path_with(&[]));
        let call = located(call, &path)?.with_deadline(deadline.left(&*self.clock));
        let answer = self.inner.send(call).await?;
        let result: SystemHelloResult = context.read(&answer)?;
        // An empty answer is a success in HTTP's eyes (VI JSON wire rules 1.2).
        if result.api_release.is_empty() {
            return Err(context.error(CallErrorKind::Request(
                "the server and this client have no release of VI JSON in common; vCenter 8.0.1 or later is needed",
            )));
        }
        Ok(result.api_release)
    }

    async fn locate(&self, call: Call, deadline: Deadline) -> Result<Call, CallError> {
        let path = call
            .request
            .uri()
            .path_and_query()
            .map_or(String::new(), ToString::to_string);
        let base = match call.operation.service {
            Service::VcenterRest => "/api".to_owned(),
            Service::ViJson => {
                let left = deadline.left(&*self.clock);
                match within(&*self.clock, left, self.release(deadline)).await {
                    Ok(Ok(release)) => format!("/sdk/vim25/{release}"),
                    // The call itself has not gone out, whatever became of the question.
                    Ok(Err(error)) => {
                        return Err(call.context().error(CallErrorKind::Login(Arc::new(error))));
                    }
                    Err(_elapsed) => {
                        return Err(call.context().error(CallErrorKind::Timeout {
                            phase: Phase::Session,
                            limit: left,
                            sent: Sent::Nothing,
                        }));
                    }
                }
            }
            Service::Vcda => {
                let kind = CallErrorKind::Request("vCenter has no operations of VCDA");
                return Err(call.context().error(kind));
            }
        };
        located(call, &format!("{base}{path}"))
    }
}

fn located(mut call: Call, path: &str) -> Result<Call, CallError> {
    match path.parse::<Uri>() {
        Ok(uri) => {
            *call.request.uri_mut() = uri;
            Ok(call)
        }
        Err(_) => Err(call
            .context()
            .error(CallErrorKind::Request("the release makes no valid path"))),
    }
}

impl fmt::Debug for Based {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "release > {:?}", self.inner)
    }
}

#[async_trait]
impl Transport for Based {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let deadline = Deadline::after(&*self.clock, call.time_limit());
        let call = self.locate(call, deadline).await?;
        let left = deadline.left(&*self.clock);
        self.inner.send(call.with_deadline(left)).await
    }
}
