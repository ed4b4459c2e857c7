//! Which requests the endpoint for administration looks at. It has no log-in, and a browser may be told by any page to send
//! it something.

use std::net::IpAddr;

use http::{HeaderMap, Method};

/// Why a request is not looked at: a status and a text.
pub(super) type Refusal = (u16, &'static str);

/// Refuses requests that a page of somebody else may have sent.
///
/// A page that has its own name lead to this address is given away by the name in `Host`; one that sends here from where it is,
/// by its `Origin`.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<(), Refusal> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text("host") else {
        return Err((400, "the request names no Host"));
    };
    if !is_local(host) {
        return Err((
            421,
            "Host has to be an address or localhost; names may lead here from anywhere",
        ));
    }
    let own = format!("http://{host}");
    let reads = [Method::GET, Method::HEAD].contains(method);
    if !reads && text("origin").is_some_and(|origin| origin != own) {
        return Err((403, "a page of another origin may change nothing here"));
    }
    Ok(())
}

fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|digit| digit.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost") || bare.unwrap_or(name).parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn checked(method: &Method, given: &[(&'static str, &'static str)]) -> Result<(), u16> {
        let headers = given.iter().map(|(name, value)| {
            (
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        });
        check(method, &headers.collect()).map_err(|(status, _)| status)
    }

    #[test]
    fn a_name_that_is_not_localhost_is_refused() {
        let fine = [
            "localhost",
            "localhost:80",
            "127.0.0.1:4000",
            "[::1]:4000",
            "[::1]",
            "192.0.2.7",
        ];
        for host in fine {
            assert_eq!(checked(&Method::GET, &[("host", host)]), Ok(()), "{host}");
        }
        let names = [
            "rebound.example",
            "rebound.example:4000",
            "127.0.0.1.example",
            "localhost.example",
            "",
        ];
        for host in names {
            assert_eq!(checked(&Method::GET, &[("host", host)]), Err(421), "{host}");
        }
        assert_eq!(checked(&Method::GET, &[]), Err(400));
    }

    #[test]
    fn a_page_of_another_origin_changes_nothing() {
        let from = |origin| checked(&Method::POST, &[("host", "127.0.0.1:80"), ("origin", origin)]);
        assert_eq!(from("http://127.0.0.1:80"), Ok(()));
        assert_eq!(from("http://127.0.0.1:81"), Err(403));
        assert_eq!(from("https://elsewhere.example"), Err(403));
        assert_eq!(from("null"), Err(403));
        let reads = |method| checked(&method, &[("host", "127.0.0.1:80"), ("origin", "null")]);
        assert_eq!((reads(Method::GET), reads(Method::HEAD)), (Ok(()), Ok(())));
        assert_eq!(checked(&Method::DELETE, &[("host", "127.0.0.1:80")]), Ok(()));
    }
}
