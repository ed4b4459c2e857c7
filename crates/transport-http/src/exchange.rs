//! One request, one answer.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use farside_transport::{
    Call, CallContext, CallError, CallErrorKind, Clock, Deadline, Phase, Sent, Transport, within,
};
use http::header::{CONTENT_LENGTH, HOST, HeaderValue, USER_AGENT};
use http::{Method, Request, Response, StatusCode, Version};
use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};

use crate::builder::HttpTransportBuilder;
use crate::connect::Connector;
use crate::http1::judge;
use crate::pool::{Connection, Pool};
use crate::protocol::{Failed, Protocol, Remains};

/// What this client calls itself.
const AGENT: HeaderValue = HeaderValue::from_static(concat!("farside/", env!("CARGO_PKG_VERSION")));

/// Time and size limits of a transport.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) first_byte: Option<Duration>,
    pub(crate) call: Duration,
    pub(crate) answer_bytes: u64,
}

/// Sends calls to one endpoint over HTTPS, each once, and keeps connections for further calls.
///
/// The request's URI holds path and query; host, `Host` and `User-Agent` are this transport's.
pub struct HttpTransport {
    connector: Connector,
    pool: Pool,
    clock: Arc<dyn Clock>,
    limits: Limits,
}

impl HttpTransport {
    /// Starts the settings for an endpoint, given as `https://host` or `https://host:port`.
    pub fn builder(base_url: &str) -> HttpTransportBuilder {
        HttpTransportBuilder::new(base_url)
    }

    pub(crate) fn new(connector: Connector, clock: Arc<dyn Clock>, limits: Limits) -> Self {
        Self {
            connector,
            pool: Pool::default(),
            clock,
            limits,
        }
    }

    /// Lets go of all connections: the next call resolves the name and connects afresh. Calls in flight keep
    /// theirs to their end.
    ///
    /// Needed after a switch of a vCenter HA cluster, whose other node answers at the same name.
    pub fn reset_connections(&self) {
        self.pool.reset();
    }

    /// The request as it goes out.
    fn prepare(&self, request: Request<Bytes>) -> Result<Request<Bytes>, CallErrorKind> {
        let uri = request.uri();
        if uri.scheme().is_some() || uri.authority().is_some() || !uri.path().starts_with('/') {
            return Err(CallErrorKind::Request(
                "its URI must be a path, with or without a query",
            ));
        }
        let mut request = request;
        *request.version_mut() = Version::HTTP_11;
        // RFC 9110, section 8.6; some servers and proxies answer 411 otherwise.
        if request.body().is_empty()
            && matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH)
        {
            request
                .headers_mut()
                .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let headers = request.headers_mut();
        headers.insert(HOST, self.connector.endpoint.host_header.clone());
        headers.entry(USER_AGENT).or_insert(AGENT);
        Ok(request)
    }

    /// Sends on a connection that is there, or on a fresh one.
    async fn deliver(
        &self,
        request: &Request<Bytes>,
        limit: Duration,
    ) -> Result<Response<Bytes>, CallErrorKind> {
        let clock = &*self.clock;
        let deadline = Deadline::after(clock, limit);
        loop {
            let (mut connection, reused) = match self.pool.take(clock.elapsed()) {
                Some(connection) => (connection, true),
                // Rare, and by far the largest future of all: in a box, so that those of all other calls are small.
                None => (Box::pin(self.connect(deadline.left(clock))).await?, false),
            };
            let exchange = Exchange {
                transport: self,
                limit,
                deadline,
            };
            match exchange.run(&mut connection, request).await {
                Ok((answer, reusable)) => {
                    if reusable {
                        self.pool.park(connection, clock.elapsed());
                    }
                    return Ok(answer);
                }
                Err(failed) => {
                    if failed.connection.is_spent() {
                        self.pool.forget(&connection);
                    }
                    // A stale connection had been closed while it lay idle, and took nothing of this request.
                    if !(reused && failed.connection == Remains::Stale) {
                        return Err(failed.kind);
                    }
                }
            }
        }
    }

    async fn connect(&self, left: Duration) -> Result<Connection, CallErrorKind> {
        let generation = self.pool.generation();
        let protocol = self.connector.open(&*self.clock, left).await?;
        Ok(self.pool.adopt(protocol, generation, self.clock.elapsed()))
    }
}

impl fmt::Debug for HttpTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpTransport({})", self.connector.endpoint)
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, CallError> {
        let context: CallContext = call.context();
        let limit = call.deadline.unwrap_or(self.limits.call);
        let outcome = match self.prepare(call.request) {
            Ok(request) => self.deliver(&request, limit).await,
            Err(kind) => Err(kind),
        };
        outcome
            .map_err(|kind| context.error(kind))
            .and_then(|answer| context.accept(answer))
    }
}

/// One request on one connection, within the limits of its call.
struct Exchange<'a> {
    transport: &'a HttpTransport,
    limit: Duration,
    deadline: Deadline,
}

impl Exchange<'_> {
    fn left(&self) -> Duration {
        self.deadline.left(&*self.transport.clock)
    }

    /// The complete answer, and whether the connection can carry another request.
    async fn run(
        &self,
        connection: &mut Connection,
        request: &Request<Bytes>,
    ) -> Result<(Response<Bytes>, bool), Failed> {
        let head = self.head(&mut connection.protocol, request).await?;
        let reusable = connection.protocol.is_reusable();
        let (parts, body) = head.into_parts();
        match self.body(body).await {
            Ok(body) => Ok((Response::from_parts(parts, body), reusable)),
            // The status says what was done; without its body only the details are lost.
            Err(_) if is_refusal(parts.status) => {
                self.transport.pool.forget(connection);
                Ok((Response::from_parts(parts, Bytes::new()), false))
            }
            Err(kind) => Err(Failed {
                kind,
                connection: Remains::Broken,
            }),
        }
    }

    async fn head(
        &self,
        protocol: &mut Protocol,
        request: &Request<Bytes>,
    ) -> Result<Response<Incoming>, Failed> {
        let (left, first_byte) = (self.left(), self.transport.limits.first_byte);
        let (phase, limit, wait) = match first_byte {
            Some(first_byte) if first_byte < left => (Phase::FirstByte, first_byte, first_byte),
            Some(_) | None => (Phase::Call, self.limit, left),
        };
        match within(&*self.transport.clock, wait, protocol.send(request)).await {
            Ok(outcome) => outcome,
            Err(_elapsed) => {
                let sent = protocol.give_up();
                Err(Failed {
                    kind: CallErrorKind::Timeout { phase, limit, sent },
                    connection: Remains::Broken,
                })
            }
        }
    }

    async fn body(&self, body: Incoming) -> Result<Bytes, CallErrorKind> {
        let read = read_within(body, self.transport.limits.answer_bytes);
        within(&*self.transport.clock, self.left(), read)
            .await
            .unwrap_or_else(|_elapsed| {
                Err(CallErrorKind::Timeout {
                    phase: Phase::Call,
                    limit: self.limit,
                    sent: Sent::Whole,
                })
            })
    }
}

/// Client and server errors, whose status is worth having without a body.
fn is_refusal(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error()
}

/// Reads a body to its end, or to the limit.
async fn read_within(mut body: Incoming, limit: u64) -> Result<Bytes, CallErrorKind> {
    let too_large = || CallErrorKind::TooLarge { part: "body", limit };
    if body.size_hint().lower() > limit {
        return Err(too_large());
    }
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| judge(error, Sent::Whole))?;
        let Ok(data) = frame.into_data() else { continue };
        if (first.len() + rest.len() + data.len()) as u64 > limit {
            return Err(too_large());
        }
        // Most answers are one piece, which needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.extend_from_slice(&std::mem::take(&mut first));
            }
            rest.extend_from_slice(&data);
        }
    }
    Ok(if rest.is_empty() { first } else { rest.freeze() })
}

#[cfg(test)]
mod tests {
    use farside_wire::{Method, Operation, Repeat, Service};
    use tokio::io::{AsyncReadExt as _, DuplexStream};

    use super::*;
    use crate::http1::Http1;
    use crate::progress::{Counted, Progress};

    const READ: Operation = Operation {
        id: "readThing",
        service: Service::Vcda,
        method: Method::Get,
        path: "/things/1",
        query: "",
        repeat: Repeat::Harmless,
        since: None,
        privileges: &[],
        faults: &[],
        refused_before_acting: &[],
        anonymous: false,
        secrets: &[],
    };

    /// A transport to a port where nobody listens, with one idle connection; and that connection's other end.
    async fn transport_with_idle_connection() -> (HttpTransport, Arc<Progress>, DuplexStream) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("https://{}", listener.local_addr().expect("an address"));
        let http = HttpTransport::builder(&url)
            .danger_accept_any_certificate()
            .build()
            .expect("a transport");
        let (near, far) = tokio::io::duplex(1024);
        let progress = Arc::new(Progress::default());
        let http1 = Http1::start(Counted::new(near, Arc::clone(&progress)), Arc::clone(&progress))
            .await
            .expect("no bytes yet");
        let at = http.clock.elapsed();
        let idle = http
            .pool
            .adopt(Protocol::Http1(http1), http.pool.generation(), at);
        http.pool.park(idle, at);
        (http, progress, far)
    }

    async fn deliver(http: &HttpTransport) -> CallErrorKind {
        let request = http.prepare(Request::new(Bytes::new())).expect("a path");
        http.deliver(&request, Duration::from_secs(10))
            .await
            .expect_err("nobody listens")
    }

    /// The allocator has small pieces of memory at hand; large ones cost more than all else that the layers do.
    #[tokio::test]
    async fn the_future_of_a_call_is_small_though_that_of_a_connection_is_not() {
        let (http, _progress, _far) = transport_with_idle_connection().await;
        let call = Call::new(&READ, "it", Request::new(Bytes::new()));
        let connection = size_of_val(&http.connect(Duration::ZERO));
        let call = size_of_val(&*http.send(call));
        assert!(call * 3 < connection, "{call} and {connection} bytes");
    }

    #[tokio::test]
    async fn an_idle_connection_that_takes_no_byte_is_replaced() {
        let (http, progress, _far) = transport_with_idle_connection().await;
        progress.stop();
        assert!(matches!(deliver(&http).await, CallErrorKind::Connect { .. }));
    }

    #[tokio::test]
    async fn an_idle_connection_that_takes_the_request_and_then_ends_is_not_replaced() {
        let (http, _progress, mut far) = transport_with_idle_connection().await;
        let reading = tokio::spawn(async move { far.read(&mut [0; 512]).await });
        let kind = deliver(&http).await;
        assert!(
            matches!(
                kind,
                CallErrorKind::Cut {
                    sent: Sent::Whole,
                    ..
                }
            ),
            "{kind:?}"
        );
        assert!(reading.await.expect("read").is_ok_and(|bytes| bytes > 0));
    }

    #[tokio::test]
    async fn a_reset_lets_go_of_idle_connections_and_of_those_in_use() {
        let (http, _progress, _far) = transport_with_idle_connection().await;
        let in_use = http.pool.take(Duration::ZERO).expect("one is idle");
        http.reset_connections();
        http.pool.park(in_use, Duration::ZERO);
        assert!(http.pool.take(Duration::ZERO).is_none());
    }

    #[tokio::test]
    async fn a_connection_that_lay_idle_for_long_is_not_used() {
        let (http, _progress, _far) = transport_with_idle_connection().await;
        assert!(
            http.pool
                .take(http.clock.elapsed() + Duration::from_secs(30))
                .is_none()
        );
    }
}
