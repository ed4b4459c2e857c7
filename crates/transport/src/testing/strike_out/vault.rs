//! The values that have been struck out, so that they are known where they turn up again.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farside_wire::Secret;
use http::header::{COOKIE, HeaderName, SET_COOKIE};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::testing::json::Edit;

/// Shorter values are struck out in their own place only: elsewhere they would be found by chance.
const SHORTEST: usize = 6;

const OPEN: &str = "~struck-out.";
const CLOSE: char = '~';

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What stands in the place of a secret of this name. It needs no escapes, in JSON, headers, paths or queries.
pub(super) fn placeholder(name: &str) -> String {
    let plain = |c: char| if in_name(c) { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    format!("{OPEN}{name}{CLOSE}")
}

fn in_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

/// The length of the placeholder that `text` begins with.
fn placeholder_length(text: &str) -> Option<usize> {
    let rest = text.strip_prefix(OPEN)?;
    let name = rest.find(|c| !in_name(c))?;
    rest[name..]
        .starts_with(CLOSE)
        .then_some(OPEN.len() + name + CLOSE.len_utf8())
}

/// The values of secrets, longest first, each with its placeholder.
#[derive(Default)]
pub(crate) struct Vault(Vec<(Secret, String)>);

impl Vault {
    pub(super) fn of(values: &[Secret]) -> Self {
        let mut vault = Self::default();
        for value in values.iter().filter(|value| !value.expose().is_empty()) {
            vault.insert("value", value.expose());
        }
        vault
    }

    fn insert(&mut self, name: &str, value: &str) {
        let known = self.0.iter().any(|(known, _)| known.expose() == value);
        if known || placeholder_length(value) == Some(value.len()) {
            return;
        }
        let place = self
            .0
            .partition_point(|(known, _)| known.expose().len() >= value.len());
        self.0.insert(place, (Secret::new(value), placeholder(name)));
    }

    fn learn(&mut self, name: &str, value: &str) {
        if value.len() >= SHORTEST {
            self.insert(name, value);
        }
    }

    /// Learns a value, and gives its placeholder.
    pub(super) fn strike(&mut self, name: &str, value: &str) -> String {
        self.learn(name, value);
        placeholder(name)
    }

    /// Learns a header's value, and those parts of it that are secrets by themselves.
    pub(super) fn learn_header(&mut self, name: &HeaderName, value: &str) {
        let label = name.as_str();
        self.learn(label, value);
        let pairs = match *name {
            COOKIE => usize::MAX,
            // What follows the first pair is about the cookie, not part of it.
            SET_COOKIE => 1,
            _ => 0,
        };
        for pair in value.split(';').take(pairs) {
            if let Some((_, cookie)) = pair.split_once('=') {
                self.learn(label, cookie.trim());
            }
        }
        if let Some((scheme, credentials)) = value.split_once(' ').filter(|_| pairs == 0) {
            self.learn(label, credentials);
            if scheme.eq_ignore_ascii_case("basic") {
                self.learn_basic(label, credentials);
            }
        }
    }

    fn learn_basic(&mut self, label: &str, credentials: &str) {
        let Ok(bytes) = STANDARD.decode(credentials.trim()) else {
            return;
        };
        if let Some((_user, password)) = std::str::from_utf8(&bytes)
            .ok()
            .and_then(|text| text.split_once(':'))
        {
            self.learn(label, password);
        }
    }

    /// The text without the values that are known; `None` if there are none in it.
    fn scrubbed(&self, text: &str) -> Option<String> {
        if !self.0.iter().any(|(value, _)| text.contains(value.expose())) {
            return None;
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            // The name in a placeholder may be a value too, and hides nothing.
            let kept = placeholder_length(rest);
            let known = self.0.iter().find(|(value, _)| rest.starts_with(value.expose()));
            let taken = match (kept, known) {
                (Some(length), _) => length,
                (None, Some((value, instead))) => {
                    out.push_str(instead);
                    rest = &rest[value.expose().len()..];
                    continue;
                }
                (None, None) => first.len_utf8(),
            };
            out.push_str(&rest[..taken]);
            rest = &rest[taken..];
        }
        Some(out)
    }

    /// Strikes out the values that are known.
    pub(crate) fn scrub(&self, text: &mut String) {
        if let Some(scrubbed) = self.scrubbed(text) {
            *text = scrubbed;
        }
    }

    /// Strikes them out of a path with its query, percent-encoded or not.
    pub(crate) fn scrub_path(&self, path: &mut String) {
        self.scrub(path);
        let pieces = path.split_inclusive(['/', '?', '&', '=']).map(|piece| {
            let end = piece.trim_end_matches(['/', '?', '&', '=']).len();
            let (piece, delimiter) = piece.split_at(end);
            let plain = percent_decode_str(piece).decode_utf8_lossy();
            let encode = |text: String| utf8_percent_encode(&text, RESERVED).to_string();
            let piece = self.scrubbed(&plain).map_or_else(|| piece.to_owned(), encode);
            piece + delimiter
        });
        *path = pieces.collect();
    }
}

// By hand: it holds what must not be seen.
impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault({} values)", self.0.len())
    }
}

/// Strikes out by value.
pub(super) struct Scrub<'a> {
    vault: &'a Vault,
    is_name: &'a dyn Fn(&str) -> bool,
}

impl<'a> Scrub<'a> {
    /// A text for which `is_name` holds is the name of a secret, and stays.
    pub(super) fn new(vault: &'a Vault, is_name: &'a dyn Fn(&str) -> bool) -> Self {
        Self { vault, is_name }
    }
}

impl Edit for Scrub<'_> {
    fn is_secret(&self, _member: &str) -> bool {
        false
    }

    fn secret(&mut self, member: &str, _text: &str) -> String {
        placeholder(member)
    }

    fn name(&mut self, name: &str) -> Option<String> {
        if (self.is_name)(name) {
            None
        } else {
            self.text(name)
        }
    }

    fn text(&mut self, text: &str) -> Option<String> {
        self.vault.scrubbed(text)
    }
}
