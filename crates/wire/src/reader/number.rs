//! Numbers.

use std::str::FromStr;

use super::Reader;
use crate::error::{ReadError, Reason};

impl Reader<'_> {
    /// The value as a number that `N` can hold; the error calls it `what`.
    pub(crate) fn number<N: FromStr>(&mut self, what: &'static str) -> Result<N, ReadError> {
        let Some(b'-' | b'0'..=b'9') = self.peek() else {
            return Err(self.expected(what));
        };
        let start = self.position;
        match skip_number(self.text.as_bytes(), start) {
            Ok(end) => self.position = end,
            Err(place) => {
                self.position = place;
                return Err(self.error(Reason::Syntax("a number that JSON does not have")));
            }
        }
        match self.text[start..self.position].parse() {
            Ok(number) => Ok(number),
            Err(_) => {
                self.position = start;
                Err(self.expected(what))
            }
        }
    }
}

/// The end of the number at `at`. `Err` is the place of what is wrong with it.
#[inline]
pub(super) fn skip_number(bytes: &[u8], mut at: usize) -> Result<usize, usize> {
    if bytes.get(at) == Some(&b'-') {
        at += 1;
    }
    let whole = at;
    at = skip_digits(bytes, at)?;
    if bytes.get(whole) == Some(&b'0') && at > whole + 1 {
        return Err(whole);
    }
    if bytes.get(at) == Some(&b'.') {
        at = skip_digits(bytes, at + 1)?;
    }
    if let Some(b'e' | b'E') = bytes.get(at) {
        at += 1;
        if let Some(b'+' | b'-') = bytes.get(at) {
            at += 1;
        }
        at = skip_digits(bytes, at)?;
    }
    Ok(at)
}

/// The end of the digits at `at`, of which there must be one.
#[inline]
fn skip_digits(bytes: &[u8], mut at: usize) -> Result<usize, usize> {
    let start = at;
    while let Some(b'0'..=b'9') = bytes.get(at) {
        at += 1;
    }
    if at == start { Err(at) } else { Ok(at) }
}
