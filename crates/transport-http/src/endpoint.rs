//! The base URL of an endpoint, taken apart.

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use http::header::HeaderValue;
use http::uri::{Authority, Scheme, Uri};
use rustls::pki_types::ServerName;

use crate::error::BuildError;

/// Port of `https://` without a port.
const HTTPS_PORT: u16 = 443;

/// Where to connect to, and what to call it.
#[derive(Clone)]
pub(crate) struct Endpoint {
    /// Name or address, IPv6 without brackets.
    pub(crate) host: Arc<str>,
    pub(crate) port: u16,
    /// `host:port`, for errors.
    pub(crate) label: Arc<str>,
    /// What the certificate must be for.
    pub(crate) server_name: ServerName<'static>,
    /// Value of the `Host` header.
    pub(crate) host_header: HeaderValue,
}

impl Endpoint {
    /// Reads `https://host` or `https://host:port`.
    pub(crate) fn parse(url: &str) -> Result<Self, BuildError> {
        let refuse = |reason| BuildError::Url {
            url: url.to_owned(),
            reason,
        };
        let uri: Uri = url.parse().map_err(|_invalid| refuse("it is not a URL"))?;
        match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => {}
            Some(scheme) if *scheme == Scheme::HTTP => {
                return Err(refuse(
                    "plain http would show passwords to the network; give an https:// URL",
                ));
            }
            Some(_) | None => return Err(refuse("it does not start with https://")),
        }
        let authority = uri.authority().ok_or_else(|| refuse("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(BuildError::Credentials);
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(refuse("it must end after host and port"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let server_name = ServerName::try_from(host.to_owned())
            .map_err(|_invalid| refuse("its host is neither a DNS name nor an address"))?;
        let port = port(authority, HTTPS_PORT).ok_or_else(|| refuse(BAD_PORT))?;
        Ok(Self {
            host: host.into(),
            port,
            label: format!("{}:{port}", authority.host()).into(),
            server_name,
            host_header: HeaderValue::from_str(authority.as_str())
                .map_err(|_invalid| refuse("its host is not a header value"))?,
        })
    }
}

/// What is wrong with a URL for which [`port`] finds none.
pub(crate) const BAD_PORT: &str = "its port is not a number from 1 to 65535";

/// The port of an authority, or `default`. The URL library takes a number that is too large for no port at all.
pub(crate) fn port(authority: &Authority, default: u16) -> Option<u16> {
    let host_and_port = authority.as_str().rsplit('@').next()?;
    match host_and_port.strip_prefix(authority.host())? {
        "" => Some(default),
        port => port.strip_prefix(':')?.parse().ok().map(NonZeroU16::get),
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.host_header.to_str().unwrap_or(&self.label))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(url: &str) -> String {
        Endpoint::parse(url)
            .map(|endpoint| endpoint.to_string())
            .expect_err("refused")
            .to_string()
    }

    #[test]
    fn host_and_port_are_taken_apart() {
        let plain = Endpoint::parse("https://vc.example").expect("a URL");
        assert_eq!(
            (&*plain.host, plain.port, &*plain.label),
            ("vc.example", 443, "vc.example:443")
        );
        let six = Endpoint::parse("https://[::1]:8443/").expect("a URL");
        assert_eq!((&*six.host, six.port, &*six.label), ("::1", 8443, "[::1]:8443"));
        assert_eq!(six.to_string(), "https://[::1]:8443");
    }

    #[test]
    fn plain_http_is_refused_with_the_reason() {
        assert!(reason("http://vc.example").contains("plain http would show passwords"));
    }

    #[test]
    fn whatever_is_not_just_a_host_is_refused() {
        assert!(reason("vc.example").contains("does not start with https://"));
        assert!(reason("https://vc.example/sdk").contains("must end after host and port"));
        assert!(reason("https://vc.example?x=1").contains("must end after host and port"));
        for port in ["0", "65536", "99999999999", ""] {
            let url = format!("https://vc.example:{port}");
            assert!(reason(&url).contains("not a number from 1 to 65535"), "{url}");
        }
        assert!(reason("not a url").contains("not a URL"));
        assert!(reason("https://under score").contains("not a URL"));
    }

    #[test]
    fn credentials_in_the_url_are_refused_and_not_repeated() {
        let reason = reason("https://admin:hunter2@vc.example");
        assert!(
            reason.contains("name or a password") && !reason.contains("hunter2"),
            "{reason}"
        );
    }
}
