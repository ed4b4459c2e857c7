//! Passing over a value: its whole grammar is checked, nothing is kept, and no call nests.

use super::number::skip_number;
use super::text::{plain_end, skip_escape};
use super::{MAX_DEPTH, Reader};
use crate::error::{ReadError, Reason};

impl Reader<'_> {
    /// Passes over the value at hand.
    pub(crate) fn skip(&mut self) -> Result<(), ReadError> {
        match skip_value(self.text.as_bytes(), self.position, MAX_DEPTH - self.depth) {
            Ok(end) => {
                self.position = end;
                Ok(())
            }
            Err((place, Broken::Text(text))) => {
                self.position = place;
                Err(self.error(Reason::Syntax(text)))
            }
            Err((place, Broken::String)) => {
                self.position = place;
                Err(self.broken_string(self.text.as_bytes().get(place).copied()))
            }
            Err((place, Broken::TooDeep)) => {
                self.position = place;
                Err(self.error(Reason::TooDeep))
            }
        }
    }
}

/// What is wrong with a text.
enum Broken {
    Text(&'static str),
    String,
    TooDeep,
}

type Place = (usize, Broken);

/// The end of the value at `at`, which may open `room` arrays and objects in one another.
fn skip_value(bytes: &[u8], mut at: usize, room: usize) -> Result<usize, Place> {
    let mut open = Open::default();
    loop {
        let mut done;
        (at, done) = skip_names_and_strings(bytes, at, &mut open)?;
        if !done {
            (at, done) = match bytes.get(at) {
                Some(&bracket @ (b'{' | b'[')) if open.depth < room => open.enter(bytes, at, bracket),
                Some(b'{' | b'[') => return Err((at, Broken::TooDeep)),
                _ => (skip_scalar(bytes, at)?, true),
            };
        }
        if done {
            at = open.leave(bytes, at)?;
            if open.closing == 0 {
                return Ok(at);
            }
        }
    }
}

/// Passes over the name at `at`, where there must be one, and over strings that follow. Answers the place of the next
/// value, or, and that is the second, the place behind a value.
#[inline(always)]
fn skip_names_and_strings(bytes: &[u8], at: usize, open: &mut Open) -> Result<(usize, bool), Place> {
    let mut at = skip_spaces(bytes, at);
    let mut name = open.closing == b'}' && !std::mem::take(&mut open.named);
    while bytes.get(at) == Some(&b'"') {
        (at, name) = skip_strings(bytes, at + 1, name, open.closing).map_err(in_string)?;
        if !name {
            return Ok((at, true));
        }
        at = skip_colon(bytes, at)?;
        name = false;
    }
    match name {
        true => Err((at, Broken::Text("expected a member"))),
        false => Ok((at, false)),
    }
}

/// How an object with its type name begins.
pub(super) const TYPED: &[u8] = b"{\"_typeName\":\"";

/// What follows the name of a box: most values of a property are in one, so that it is worth a look.
pub(super) const BOXED: &[u8] = b"\",\"_value\":";

/// Passes over a string from behind its opening quote, and over all that follow it without anything but a colon or a
/// comma between them. `name` is whether the first is the name of a member, `closing` the bracket that ends them, zero if
/// there is to be one string only.
///
/// Answers the place behind the last string, and whether that is a name.
fn skip_strings(bytes: &[u8], mut at: usize, mut name: bool, closing: u8) -> Result<(usize, bool), usize> {
    loop {
        at = plain_end(bytes, at);
        match bytes.get(at) {
            Some(b'"') => {}
            Some(b'\\') => {
                at = skip_escape(bytes, at)?;
                continue;
            }
            _ => return Err(at),
        }
        let rest = &bytes[at..];
        if name {
            if !rest.starts_with(b"\":\"") {
                return Ok((at + 1, true));
            }
            name = false;
            at += 3;
        } else if closing == b'}' && rest.starts_with(BOXED) {
            at += BOXED.len();
            if bytes.get(at) != Some(&b'"') {
                return Ok((at - 1, true));
            }
            at += 1;
        } else if closing != 0 && rest.starts_with(b"\",\"") {
            name = closing == b'}';
            at += 3;
        } else {
            return Ok((at + 1, false));
        }
    }
}

/// The end of a number or a literal.
fn skip_scalar(bytes: &[u8], at: usize) -> Result<usize, Place> {
    match bytes.get(at) {
        Some(b'-' | b'0'..=b'9') => skip_number(bytes, at).map_err(in_number),
        Some(b't') => skip_literal(bytes, at, b"true"),
        Some(b'f') => skip_literal(bytes, at, b"false"),
        Some(b'n') => skip_literal(bytes, at, b"null"),
        _ => Err((at, Broken::Text("expected a value"))),
    }
}

/// The arrays and objects that are open.
#[derive(Default)]
struct Open {
    /// The bracket that closes the innermost, zero if none is open.
    closing: u8,
    /// Whether the name of the next member of the innermost has been passed over.
    named: bool,
    depth: usize,
    /// One bit for each of the others, the innermost lowest: set for an object. `MAX_DEPTH` fits.
    outer: u128,
}

impl Open {
    /// Steps behind the bracket at `at`. Answers that place, and whether the bracket was closed right there.
    #[inline(always)]
    fn enter(&mut self, bytes: &[u8], at: usize, bracket: u8) -> (usize, bool) {
        // In ASCII, the closing bracket is the second after the opening one.
        let closing = bracket + 2;
        let named = bytes[at..].starts_with(TYPED);
        let inside = if named {
            at + TYPED.len() - 1
        } else {
            skip_spaces(bytes, at + 1)
        };
        if bytes.get(inside) == Some(&closing) {
            return (inside + 1, true);
        }
        self.outer = self.outer << 1 | u128::from(self.closing == b'}');
        self.depth += 1;
        self.closing = closing;
        self.named = named;
        (inside, false)
    }

    /// Steps from behind a value to the next one, out of all that ends there.
    #[inline(always)]
    fn leave(&mut self, bytes: &[u8], mut at: usize) -> Result<usize, Place> {
        while self.closing != 0 {
            at = skip_spaces(bytes, at);
            match bytes.get(at) {
                Some(b',') => return Ok(at + 1),
                Some(&byte) if byte == self.closing => self.close(),
                _ => return Err((at, Broken::Text("expected a comma or the closing bracket"))),
            }
            at += 1;
        }
        Ok(at)
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.closing = match self.depth {
            0 => 0,
            _ if self.outer & 1 == 1 => b'}',
            _ => b']',
        };
        self.outer >>= 1;
    }
}

/// The begin of the value behind the colon at `at`.
#[inline]
fn skip_colon(bytes: &[u8], at: usize) -> Result<usize, Place> {
    let at = skip_spaces(bytes, at);
    if bytes.get(at) != Some(&b':') {
        return Err((at, Broken::Text("expected `:`")));
    }
    Ok(skip_spaces(bytes, at + 1))
}

/// The first byte from `at` on that is not a space.
#[inline]
pub(super) fn skip_spaces(bytes: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = bytes.get(at)
        && byte <= b' '
        && matches!(byte, b' ' | b'\n' | b'\r' | b'\t')
    {
        at += 1;
    }
    at
}

fn skip_literal(bytes: &[u8], at: usize, literal: &'static [u8]) -> Result<usize, Place> {
    if bytes[at..].starts_with(literal) {
        Ok(at + literal.len())
    } else {
        Err((at, Broken::Text("expected a value")))
    }
}

#[cold]
fn in_string(place: usize) -> Place {
    (place, Broken::String)
}

#[cold]
fn in_number(place: usize) -> Place {
    (place, Broken::Text("a number that JSON does not have"))
}
