//! An HTTP proxy on the way: which one, for which hosts, and the tunnel through it.

use std::env;
use std::io;
use std::net::IpAddr;
use std::str::FromStr as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farside_transport::{CallErrorKind, ProxyError, ProxyProblem};
use farside_wire::Secret;
use http::StatusCode;
use http::uri::{Authority, Uri};
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use zeroize::Zeroizing;

use crate::connect::{reach, resolve};
use crate::endpoint::{BAD_PORT, Endpoint, port};
use crate::error::BuildError;

/// Port of a proxy's URL without a port.
const PROXY_PORT: u16 = 80;

/// Largest head of an answer to CONNECT, in bytes.
const MAX_HEAD: usize = 16 * 1024;

/// Variables that name a proxy; the first that is set and not empty counts.
const PROXY_VARIABLES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Variables that list hosts to be reached without a proxy; the first that is set and not empty counts.
const BYPASS_VARIABLES: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A proxy, and what it wants to know of its users.
#[derive(Debug)]
pub(crate) struct Proxy {
    host: Box<str>,
    port: u16,
    label: Arc<str>,
    /// Value of `Proxy-Authorization`.
    authorization: Option<Secret>,
}

impl Proxy {
    /// Reads `http://[user:password@]host[:port]`, with or without the scheme.
    ///
    /// # Errors
    /// The reason, which does not repeat the URL.
    pub(crate) fn parse(url: &str) -> Result<Self, &'static str> {
        let address = match url.split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err("only proxies with http:// are supported"),
            None => url,
        };
        let uri: Uri = address
            .strip_suffix('/')
            .unwrap_or(address)
            .parse()
            .map_err(|_invalid| "it is not a URL")?;
        let authority = uri
            .authority()
            .filter(|authority| !authority.host().is_empty() && uri.path_and_query().is_none())
            .ok_or("it is not a host with or without a port")?;
        let port = port(authority, PROXY_PORT).ok_or(BAD_PORT)?;
        Ok(Self {
            host: authority.host().trim_matches(['[', ']']).into(),
            port,
            label: format!("{}:{port}", authority.host()).into(),
            authorization: authorization(authority),
        })
    }

    /// The proxy that the environment wants for `endpoint`.
    pub(crate) fn from_environment(endpoint: &Endpoint) -> Result<Option<Self>, BuildError> {
        Self::from_variables(|name| env::var(name).ok(), endpoint)
    }

    fn from_variables(
        value: impl Fn(&'static str) -> Option<String>,
        endpoint: &Endpoint,
    ) -> Result<Option<Self>, BuildError> {
        if is_this_machine(&endpoint.host) {
            return Ok(None);
        }
        let set = |name| {
            let text = value(name)?.trim().to_owned();
            (!text.is_empty()).then(|| (name, Zeroizing::new(text)))
        };
        let bypass = BYPASS_VARIABLES.into_iter().find_map(set);
        if bypass.is_some_and(|(_, list)| bypasses(&list, &endpoint.host, endpoint.port)) {
            return Ok(None);
        }
        PROXY_VARIABLES
            .into_iter()
            .find_map(set)
            .map(|(origin, url)| Self::parse(&url).map_err(|reason| BuildError::Proxy { origin, reason }))
            .transpose()
    }

    /// A connection to `target` through the proxy, which resolves the target's name.
    pub(crate) async fn tunnel(&self, target: &Endpoint) -> Result<TcpStream, CallErrorKind> {
        self.connect(target).await.map_err(|problem| {
            let (endpoint, proxy) = (Arc::clone(&target.label), Arc::clone(&self.label));
            CallErrorKind::Proxy(Box::new(ProxyError::new(endpoint, proxy, problem)))
        })
    }

    async fn connect(&self, target: &Endpoint) -> Result<TcpStream, ProxyProblem> {
        let addresses = resolve(&self.host, self.port).await.map_err(ProxyProblem::Dns)?;
        let mut tcp = reach(&addresses).await.map_err(ProxyProblem::Connect)?;
        tcp.write_all(self.request(target).as_bytes())
            .await
            .map_err(ProxyProblem::Broken)?;
        match read_status(&mut tcp).await.map_err(ProxyProblem::Broken)? {
            status if status.is_success() => Ok(tcp),
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => Err(ProxyProblem::Credentials),
            status => Err(ProxyProblem::Refused(status)),
        }
    }

    fn request(&self, target: &Endpoint) -> Zeroizing<String> {
        let authorization = match &self.authorization {
            Some(value) => Zeroizing::new(format!("Proxy-Authorization: {}\r\n", value.expose())),
            None => Zeroizing::default(),
        };
        Zeroizing::new(format!(
            "CONNECT {label} HTTP/1.1\r\nHost: {label}\r\n{}\r\n",
            *authorization,
            label = target.label
        ))
    }
}

/// HTTP Basic, from the user and the password of a URL, if it has any.
fn authorization(authority: &Authority) -> Option<Secret> {
    let (user, _host) = authority.as_str().rsplit_once('@')?;
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let mut plain = Zeroizing::new(Vec::with_capacity(user.len() + 1));
    plain.extend(percent_decode_str(name));
    plain.push(b':');
    plain.extend(percent_decode_str(password));
    let encoded = Zeroizing::new(STANDARD.encode(&plain));
    Some(Secret::new(format!("Basic {}", *encoded)))
}

/// Reads the head of an answer, and not one byte more: what follows belongs to the endpoint.
async fn read_status(tcp: &mut TcpStream) -> io::Result<StatusCode> {
    let mut head = Vec::with_capacity(256);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() >= MAX_HEAD {
            return Err(not_http("its head is too large"));
        }
        let mut byte = [0];
        tcp.read_exact(&mut byte).await?;
        head.extend_from_slice(&byte);
    }
    let line = head
        .split(|byte| *byte == b'\r')
        .next()
        .and_then(|line| std::str::from_utf8(line).ok());
    line.filter(|line| line.starts_with("HTTP/1."))
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|code| StatusCode::from_str(code).ok())
        .ok_or_else(|| not_http("it is not HTTP"))
}

fn not_http(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

/// Whether a host is the machine that asks, where the proxy would look for it on its own.
fn is_this_machine(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_name) => host.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
    }
}

/// Whether `list` (comma-separated names, addresses, networks, each but networks with or without a port, or `*`) has
/// `host`. A name stands for itself and for all names below it; a dot or `*.` before it makes no difference.
fn bypasses(list: &str, host: &str, port: u16) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let address: Option<IpAddr> = host.parse().ok();
    list.split(',')
        .map(|entry| entry.trim().to_ascii_lowercase())
        .any(|entry| match (entry.as_str(), address) {
            ("", _) => false,
            ("*", _) => true,
            (entry, Some(address)) => has_address(entry, address, port),
            (entry, None) => has_name(entry, &host, port),
        })
}

fn has_address(entry: &str, address: IpAddr, port: u16) -> bool {
    if let Ok(network) = entry.parse::<IpNet>() {
        return network.contains(&address);
    }
    let bare = |text: &str| text.trim_matches(['[', ']']).parse() == Ok(address);
    bare(entry) || at_port(entry, port).is_some_and(bare)
}

fn has_name(entry: &str, host: &str, port: u16) -> bool {
    let name = if entry.contains(':') {
        at_port(entry, port)
    } else {
        Some(entry)
    };
    name.map(|name| name.strip_prefix('*').unwrap_or(name))
        .map(|name| name.strip_prefix('.').unwrap_or(name))
        .filter(|name| !name.is_empty())
        .and_then(|name| host.strip_suffix(name))
        .is_some_and(|above| above.is_empty() || above.ends_with('.'))
}

/// What stands before `:port`.
fn at_port(entry: &str, port: u16) -> Option<&str> {
    let (name, digits) = entry.rsplit_once(':')?;
    (digits.parse() == Ok(port)).then_some(name)
}

#[cfg(test)]
mod tests;
