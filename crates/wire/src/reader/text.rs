//! Strings: their end found eight bytes at a time, their escapes checked or taken out.

use std::borrow::Cow;

use super::Reader;
use crate::error::{ReadError, Reason};

impl<'b> Reader<'b> {
    /// Takes the string whose opening quote is at hand.
    pub(super) fn string_token(&mut self) -> Result<Cow<'b, str>, ReadError> {
        let start = self.position + 1;
        let end = plain_end(self.text.as_bytes(), start);
        self.position = end;
        if self.text.as_bytes().get(end) == Some(&b'"') {
            self.position += 1;
            return Ok(Cow::Borrowed(&self.text[start..end]));
        }
        self.escaped_string(start).map(Cow::Owned)
    }

    /// Takes the rest of a string that begins at `start`, from the first byte on that is not plain.
    #[cold]
    fn escaped_string(&mut self, start: usize) -> Result<String, ReadError> {
        let mut string = String::new();
        let mut plain = start;
        loop {
            string.push_str(&self.text[plain..self.position]);
            match self.text.as_bytes().get(self.position) {
                Some(b'"') => {
                    self.position += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escape()?),
                other => return Err(self.broken_string(other.copied())),
            }
            plain = self.position;
            self.position = plain_end(self.text.as_bytes(), plain);
        }
    }

    /// Takes one escape, or two that make a surrogate pair.
    fn escape(&mut self) -> Result<char, ReadError> {
        let bytes = self.text.as_bytes();
        let plain = match bytes.get(self.position + 1) {
            Some(b'u') => return self.escaped_unit(),
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(*byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            _ => return Err(self.error(ESCAPE)),
        };
        self.position += 2;
        Ok(plain)
    }

    fn escaped_unit(&mut self) -> Result<char, ReadError> {
        let bytes = self.text.as_bytes();
        let first = unit(bytes, self.position).ok_or_else(|| self.error(ESCAPE))?;
        let mut length = UNIT;
        let code = match first {
            0xD800..=0xDBFF => match unit(bytes, self.position + UNIT) {
                Some(second @ 0xDC00..=0xDFFF) => {
                    length = 2 * UNIT;
                    0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00)
                }
                _ => return Err(self.error(SURROGATE)),
            },
            code => code,
        };
        let character = char::from_u32(code).ok_or_else(|| self.error(SURROGATE))?;
        self.position += length;
        Ok(character)
    }

    pub(super) fn broken_string(&self, byte: Option<u8>) -> ReadError {
        self.error(match byte {
            Some(b'\\') => ESCAPE,
            Some(_) => Reason::Syntax("a control character in a string"),
            None => Reason::Syntax("a string has no end"),
        })
    }
}

const ESCAPE: Reason = Reason::Syntax("an escape that JSON does not have");
const SURROGATE: Reason = Reason::Syntax("half of a surrogate pair");

/// Length of `\u0000`.
const UNIT: usize = 6;

/// The number in the escape `\u0000` at `at`.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let digits = bytes.get(at..at + UNIT)?.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| {
        Some(unit << 4 | char::from(*digit).to_digit(16)?)
    })
}

/// Passes over an escape. `Err` is the place of one that JSON does not have. Halves of surrogate pairs pass: they are
/// JSON, even if no text.
#[cold]
pub(super) fn skip_escape(bytes: &[u8], at: usize) -> Result<usize, usize> {
    match bytes.get(at + 1) {
        Some(b'u') => unit(bytes, at).map(|_| at + UNIT).ok_or(at),
        Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(at + 2),
        _ => Err(at),
    }
}

const ONES: u64 = u64::MAX / 0xFF;
const HIGHS: u64 = ONES << 7;

/// Where the plain part of a string ends that begins at `at`: at a quote, a backslash, a control character, or
/// the end of the text.
///
/// Eight bytes at a time are looked at as one number. Flipping the bit 2 makes the quote the successor of the control
/// characters, so that one subtraction finds both. The lowest set bit of the mask is exact, those above it may be
/// carried from it.
#[inline]
pub(super) fn plain_end(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = bytes.get(at..).and_then(|rest| rest.first_chunk()) {
        let word = u64::from_le_bytes(*word);
        let quote_or_control = (word ^ (ONES * 2)).wrapping_sub(ONES * 0x21);
        let backslash = (word ^ (ONES * b'\\' as u64)).wrapping_sub(ONES);
        let special = (quote_or_control | backslash) & !word & HIGHS;
        if special != 0 {
            return at + special.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    while let Some(byte) = bytes.get(at)
        && !matches!(byte, b'"' | b'\\' | 0..0x20)
    {
        at += 1;
    }
    at
}
