//! A file of pins: which host shows which certificate.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU16;
use std::path::{Path, PathBuf};

use farside_transport::{ParsePinError, Pin};
use rustls::pki_types::ServerName;

/// Hosts and the thumbprints of their certificates, as a person has confirmed them.
///
/// Each line of the file is a host, with a port if only that port is meant, and a SHA-256 thumbprint in any form that
/// [`Pin`] reads. An IPv6 address stands in brackets. `#` starts a comment. Several lines for one host mean that it
/// may show any of these certificates, so that the next one can be listed before it is installed.
///
/// Lines that name the port take precedence over lines of the same host without one. A host that is listed with
/// other ports only is not listed.
///
/// ```
/// use farside_transport_http::KnownHosts;
///
/// let file = format!("# East\nvc-east.example  SHA-256:{}\n[2001:db8::7]:8443 {}\n", "AB".repeat(32), "cd".repeat(32));
/// let hosts = KnownHosts::parse(&file, "known-hosts")?;
/// assert_eq!(hosts.pins("VC-East.example", 443).len(), 1);
/// assert!(hosts.pins("2001:db8::7", 443).is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownHosts {
    path: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    host: String,
    port: Option<u16>,
    pin: Pin,
}

/// What happens to a host that the known hosts do not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnlistedHost {
    /// Its certificate is verified by [roots](crate::HttpTransportBuilder::roots).
    VerifiedByRoots,
    /// No transport is built for it.
    Refused,
}

/// A file of known hosts that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KnownHostsError {
    /// It cannot be read.
    #[error("the known hosts {} cannot be read", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A line of it is not understood.
    #[error("{}:{line}: not a known host", .path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, counted from 1.
        line: usize,
        /// What is wrong with it.
        source: KnownHostError,
    },
}

/// What is wrong with a line of known hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KnownHostError {
    /// It is not two words.
    #[error("a line is a host and a thumbprint, with a space between them")]
    Words,
    /// Its host is not one.
    #[error("its host is neither a DNS name nor an address (an IPv6 address needs brackets)")]
    Host,
    /// Its port is not one.
    #[error("its port is not a number from 1 to 65535")]
    Port,
    /// Its thumbprint is not one.
    #[error(transparent)]
    Pin(#[from] ParsePinError),
}

impl KnownHosts {
    /// Reads a file.
    ///
    /// # Errors
    /// [`KnownHostsError`]
    pub fn read(path: impl Into<PathBuf>) -> Result<Self, KnownHostsError> {
        let path = path.into();
        match fs::read_to_string(&path) {
            Ok(text) => Self::parse(&text, path),
            Err(source) => Err(KnownHostsError::Read { path, source }),
        }
    }

    /// Reads the text of a file. Errors call the file `path`, which is not opened.
    ///
    /// # Errors
    /// [`KnownHostsError::Line`]
    pub fn parse(text: &str, path: impl Into<PathBuf>) -> Result<Self, KnownHostsError> {
        let path = path.into();
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let content = line.split('#').next().unwrap_or_default().trim();
            if content.is_empty() {
                continue;
            }
            match Entry::parse(content) {
                Ok(entry) => entries.push(entry),
                Err(source) => {
                    let line = index + 1;
                    return Err(KnownHostsError::Line { path, line, source });
                }
            }
        }
        Ok(Self { path, entries })
    }

    /// The pins of a host at a port: empty if it is not listed. An IPv6 address may come with or without brackets.
    #[must_use]
    pub fn pins(&self, host: &str, port: u16) -> Vec<Pin> {
        let Some(host) = canonical(host) else {
            return Vec::new();
        };
        let listed = |port: Option<u16>| -> Vec<Pin> {
            let fits = |entry: &&Entry| entry.host == host && entry.port == port;
            self.entries.iter().filter(fits).map(|entry| entry.pin).collect()
        };
        match listed(Some(port)) {
            pins if pins.is_empty() => listed(None),
            pins => pins,
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Entry {
    fn parse(content: &str) -> Result<Self, KnownHostError> {
        let mut words = content.split_whitespace();
        let (Some(host), Some(pin), None) = (words.next(), words.next(), words.next()) else {
            return Err(KnownHostError::Words);
        };
        let (host, port) = host_and_port(host)?;
        Ok(Self {
            host,
            port,
            pin: pin.parse()?,
        })
    }
}

fn host_and_port(text: &str) -> Result<(String, Option<u16>), KnownHostError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (address, rest) = bracketed.split_once(']').ok_or(KnownHostError::Host)?;
            let address: Ipv6Addr = address.parse().map_err(|_invalid| KnownHostError::Host)?;
            let port = match rest.strip_prefix(':') {
                Some(port) => Some(port),
                None if rest.is_empty() => None,
                None => return Err(KnownHostError::Host),
            };
            (address.to_string(), port)
        }
        None => match text.split_once(':') {
            Some((_, rest)) if rest.contains(':') => return Err(KnownHostError::Host),
            Some((host, port)) => (canonical(host).ok_or(KnownHostError::Host)?, Some(port)),
            None => (canonical(text).ok_or(KnownHostError::Host)?, None),
        },
    };
    let port = port
        .map(|port| {
            port.parse::<NonZeroU16>()
                .map_err(|_invalid| KnownHostError::Port)
        })
        .transpose()?;
    Ok((host, port.map(NonZeroU16::get)))
}

/// One spelling for each host: small letters, no dot at the end, addresses in their shortest form.
fn canonical(host: &str) -> Option<String> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let bare = bare.strip_suffix('.').unwrap_or(bare).to_ascii_lowercase();
    if let Ok(address) = bare.parse::<IpAddr>() {
        return Some(address.to_string());
    }
    ServerName::try_from(bare.as_str()).ok()?;
    Some(bare)
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;

    use super::*;

    fn pin(byte: u8) -> Pin {
        Pin::new([byte; 32])
    }

    fn hosts(text: &str) -> KnownHosts {
        KnownHosts::parse(text, "hosts").expect("known hosts")
    }

    #[test]
    fn a_host_is_found_however_it_is_spelt() {
        let file = format!(
            "# a comment\n\n  VC.Example\t{}  # east\n[2001:DB8:0::7]  {:?}\n10.0.0.7 {}\n",
            pin(1),
            pin(2),
            "03".repeat(32)
        );
        let hosts = hosts(&file);
        for (host, port, expected) in [
            ("vc.example", 443, 1),
            ("VC.EXAMPLE.", 8443, 1),
            ("2001:db8::7", 443, 2),
            ("[2001:db8::7]", 443, 2),
            ("10.0.0.7", 443, 3),
        ] {
            assert_eq!(hosts.pins(host, port), [pin(expected)], "{host}");
        }
        for unlisted in ["example", "other.vc.example", "10.0.0.70", "", "#"] {
            assert!(hosts.pins(unlisted, 443).is_empty(), "{unlisted}");
        }
    }

    #[test]
    fn a_line_with_the_port_takes_precedence_and_several_lines_all_count() {
        let hosts = hosts(&format!(
            "vc {}\nvc:8443 {}\nvc:8443 {}\n[::1]:1 {}\n",
            pin(1),
            pin(2),
            pin(3),
            pin(4)
        ));
        assert_eq!(hosts.pins("vc", 443), [pin(1)]);
        assert_eq!(hosts.pins("vc", 8443), [pin(2), pin(3)]);
        assert_eq!(hosts.pins("::1", 1), [pin(4)]);
        assert!(hosts.pins("::1", 2).is_empty());
    }

    #[test]
    fn what_is_wrong_is_told_with_file_and_line() {
        let good = pin(1).to_string();
        let table = [
            ("vc".to_owned(), KnownHostError::Words),
            (format!("vc {good} more"), KnownHostError::Words),
            (format!("v_c! {good}"), KnownHostError::Host),
            (format!("::1 {good}"), KnownHostError::Host),
            (format!("[::1 {good}"), KnownHostError::Host),
            (format!("[::1]1 {good}"), KnownHostError::Host),
            (format!("[vc] {good}"), KnownHostError::Host),
            (format!("vc: {good}"), KnownHostError::Port),
            (format!("vc:0 {good}"), KnownHostError::Port),
            (format!("vc:65536 {good}"), KnownHostError::Port),
            (
                format!("vc {}", "ab".repeat(20)),
                KnownHostError::Pin(ParsePinError::Sha1),
            ),
        ];
        for (line, expected) in table {
            let text = format!("# first\nok {good}\n{line}\n");
            let error = KnownHosts::parse(&text, "/etc/hosts.pins").expect_err(&line);
            assert_eq!(error.to_string(), "/etc/hosts.pins:3: not a known host", "{line}");
            let source = error.source().expect("a source");
            assert_eq!(source.to_string(), expected.to_string(), "{line}");
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let error = KnownHosts::read("/no/such/file").expect_err("no file");
        assert!(error.to_string().contains("/no/such/file"), "{error}");
    }
}
