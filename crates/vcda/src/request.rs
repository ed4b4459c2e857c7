//! The requests, made without I/O.

use bytes::Bytes;
use farside_wire::{Operation, Query};
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderValue, Request, Uri};
use serde::Serialize;

use crate::version::ApiVersion;

/// The spelling is the service's (VCDA wire rules 4).
const OPERATION_ID: &str = "operationID";
/// Stands where the path of a request should.
const NO_PATH: &str = "*";

/// Whether the path and query of a request were too long for a URI.
pub(crate) fn is_too_long(request: &Request<Bytes>) -> bool {
    request.uri().path() == NO_PATH
}

/// What all requests of a client have in common.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    /// The version that answers are asked for in.
    pub(crate) version: ApiVersion,
    /// Short name of the site that is asked; none: the local one.
    pub(crate) site: Option<String>,
    /// Names the action in the services' logs.
    pub(crate) tag: Option<HeaderValue>,
    /// Short name of another site that the one asked needs for the work.
    pub(crate) needs: Option<NeededSite>,
}

/// Marks a request: the site that is asked needs this other one for it. It does not go over the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NeededSite(pub(crate) String);

impl Frame {
    /// The query parameter that picks the site.
    pub(crate) fn site_query(&self) -> Query {
        Query::new().with_some("site", self.site.as_ref())
    }

    /// A request without a body.
    pub(crate) fn bare(
        &self,
        operation: &Operation,
        params: &[(&str, &str)],
        query: &Query,
    ) -> Request<Bytes> {
        self.request(operation, params, query, Bytes::new())
    }

    /// A request with a JSON body.
    pub(crate) fn with_body(
        &self,
        operation: &Operation,
        params: &[(&str, &str)],
        query: &Query,
        body: &impl Serialize,
    ) -> Request<Bytes> {
        // The bodies are texts, numbers and maps with text keys: there is nothing that JSON cannot hold.
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut request = self.request(operation, params, query, body.into());
        request
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request
    }

    fn request(
        &self,
        operation: &Operation,
        params: &[(&str, &str)],
        query: &Query,
        body: Bytes,
    ) -> Request<Bytes> {
        let mut request = Request::new(body);
        let method = http::Method::from_bytes(operation.method.as_str().as_bytes());
        // The method is a constant of the schema, and the path is made of one and of percent-encoded values: both parse.
        // What is too long for a URI does not, and gets one without a path, which is refused before it is sent.
        *request.method_mut() = method.unwrap_or_default();
        let uri = operation.path_and_query(params, query).parse();
        *request.uri_mut() = uri.unwrap_or_else(|_too_long| Uri::from_static(NO_PATH));
        let headers = request.headers_mut();
        headers.insert(ACCEPT, self.version.media_type());
        if let Some(tag) = &self.tag {
            headers.insert(OPERATION_ID, tag.clone());
        }
        if let Some(site) = &self.needs {
            request.extensions_mut().insert(site.clone());
        }
        request
    }
}
