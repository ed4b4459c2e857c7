//! The JSON reader: one shared text, read in one pass, without recursion beyond its bound.

mod number;
mod skip;
mod text;

use std::borrow::Cow;
use std::fmt;

use bytestring::ByteString;

use crate::error::{ReadError, Reason};
use crate::raw::RawJson;
use skip::{BOXED, TYPED};

/// Deepest nesting of arrays and objects in a document. A kept text is a part of its document, so a view of it is
/// bound by the same number. It is also the bound of `serde_json`, so that either reads what the other writes.
pub(crate) const MAX_DEPTH: usize = 127;

/// Reads one JSON text from front to back.
///
/// A type reads itself with [`Read`](crate::Read): the reader stands before its value, and afterwards behind it.
/// What is to be kept as JSON is a slice of the text, not a copy.
///
/// Each method leaves the reader at an unspecified place when it fails; the document is refused as a whole. `Debug` prints
/// the place and no text.
pub struct Reader<'b> {
    buffer: &'b ByteString,
    text: &'b str,
    position: usize,
    /// Arrays and objects that are open.
    depth: usize,
}

impl fmt::Debug for Reader<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Reader(at {} of {} bytes)",
            self.position,
            self.text.len()
        )
    }
}

/// A place in the text.
#[derive(Clone, Copy)]
pub(crate) struct Mark {
    position: usize,
    depth: usize,
}

/// What a value is made of.
pub(crate) enum Kind {
    Array,
    Object,
    Scalar,
}

impl<'b> Reader<'b> {
    pub(crate) fn new(buffer: &'b ByteString) -> Self {
        Self {
            buffer,
            text: buffer,
            position: 0,
            depth: 0,
        }
    }

    /// The value as a string; borrowed from the text if it is written without escapes.
    ///
    /// # Errors
    /// The value is not a string, or holds half of a surrogate pair.
    pub fn string(&mut self) -> Result<Cow<'b, str>, ReadError> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("a string"));
        }
        self.string_token()
    }

    /// The value as a truth value.
    ///
    /// # Errors
    /// The value is neither `true` nor `false`.
    pub fn boolean(&mut self) -> Result<bool, ReadError> {
        let value = match self.peek() {
            Some(b't') => true,
            Some(b'f') => false,
            _ => return Err(self.expected("a boolean")),
        };
        self.literal(if value { "true" } else { "false" })?;
        Ok(value)
    }

    /// The value as JSON text, a slice of the text that is read.
    ///
    /// # Errors
    /// The value is not JSON, or nested too deep.
    pub fn raw(&mut self) -> Result<RawJson, ReadError> {
        let text = self.raw_text()?;
        Ok(RawJson::slice(self.buffer, text))
    }

    /// Passes over the value if it is `null`.
    ///
    /// # Errors
    /// The value begins with `n` and is something else.
    #[inline]
    pub fn null(&mut self) -> Result<bool, ReadError> {
        if self.peek() != Some(b'n') {
            return Ok(false);
        }
        self.literal("null").map(|()| true)
    }

    /// The error that the value at hand is not `what` ("a string", "a colour").
    pub fn expected(&mut self, what: &'static str) -> ReadError {
        let found = match self.peek() {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(_) => "no JSON",
            None => "the end of the text",
        };
        self.error(Reason::Expected { what, found })
    }

    /// The error that the value just read is of the right kind and is still none of its type, and why.
    pub fn refused(&self, why: impl Into<Cow<'static, str>>) -> ReadError {
        self.error(Reason::Refused(why.into()))
    }

    /// Where the reader stands.
    pub(crate) fn mark(&self) -> Mark {
        Mark {
            position: self.position,
            depth: self.depth,
        }
    }

    /// Goes back to a place where it stood before.
    pub(crate) fn rewind(&mut self, mark: Mark) {
        self.position = mark.position;
        self.depth = mark.depth;
    }

    pub(crate) fn error(&self, reason: Reason) -> ReadError {
        ReadError::new(reason, self.position)
    }

    /// The value as text, fully checked.
    pub(crate) fn raw_text(&mut self) -> Result<&'b str, ReadError> {
        self.peek();
        let start = self.position;
        self.skip()?;
        Ok(&self.text[start..self.position])
    }

    /// Refuses whatever is left but spaces.
    pub(crate) fn finish(&mut self) -> Result<(), ReadError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error(Reason::Syntax("expected nothing more"))),
        }
    }

    /// Steps into an object; the error calls it `type_name`.
    pub(crate) fn open_object(&mut self, type_name: &'static str) -> Result<(), ReadError> {
        if self.peek() != Some(b'{') {
            return Err(self.error(Reason::Object(type_name)));
        }
        self.open()
    }

    /// Steps into an array.
    pub(crate) fn open_array(&mut self) -> Result<(), ReadError> {
        if self.peek() != Some(b'[') {
            return Err(self.expected("an array"));
        }
        self.open()
    }

    /// Goes to the next element of the array, or out of it. `first` is whether none has been read.
    pub(crate) fn next_element(&mut self, first: bool) -> Result<bool, ReadError> {
        match self.peek() {
            Some(b']') => {
                self.close();
                Ok(false)
            }
            Some(b',') if !first => {
                self.position += 1;
                Ok(true)
            }
            Some(_) if first => Ok(true),
            _ => Err(self.error(Reason::Syntax("expected `,` or `]`"))),
        }
    }

    /// Goes to the name of the next member of the object, or out of it. `first` is whether none has been read.
    pub(crate) fn next_member(&mut self, first: bool) -> Result<bool, ReadError> {
        match self.peek() {
            Some(b'"') if first => return Ok(true),
            Some(b',') if !first => self.position += 1,
            Some(b'}') => {
                self.close();
                return Ok(false);
            }
            _ if first => return Err(self.error(Reason::Syntax("expected a member or `}`"))),
            _ => return Err(self.error(Reason::Syntax("expected `,` or `}`"))),
        }
        match self.peek() {
            Some(b'"') => Ok(true),
            _ => Err(self.error(Reason::Syntax("expected a member"))),
        }
    }

    /// Takes the name and colon of the next member if the name is `name`, which has no character that JSON escapes, and
    /// there are no spaces around it. `first` is whether no member has been read.
    #[inline]
    pub(crate) fn take_member(&mut self, first: bool, name: &str) -> bool {
        let rest = &self.text.as_bytes()[self.position..];
        let quoted = if first {
            Some(rest)
        } else {
            rest.strip_prefix(b",")
        };
        let behind = quoted
            .and_then(|rest| rest.strip_prefix(b"\""))
            .and_then(|rest| rest.strip_prefix(name.as_bytes()))
            .and_then(|rest| rest.strip_prefix(b"\":"));
        match behind {
            Some(behind) => {
                self.position = self.text.len() - behind.len();
                true
            }
            None => false,
        }
    }

    /// Steps out of the object if it ends here.
    #[inline]
    pub(crate) fn take_end(&mut self) -> bool {
        let ends = self.text.as_bytes().get(self.position) == Some(&b'}');
        if ends {
            self.close();
        }
        ends
    }

    /// Steps into an object; the error calls it `type_name`. With it, takes the first member if that is the type name,
    /// `type_name`, and there are no spaces around it, and answers whether it did.
    pub(crate) fn open_typed_object(&mut self, type_name: &'static str) -> Result<bool, ReadError> {
        let behind = self.text.as_bytes()[self.position..]
            .strip_prefix(TYPED)
            .and_then(|rest| rest.strip_prefix(type_name.as_bytes()))
            .and_then(|rest| rest.strip_prefix(b"\""));
        self.open_object(type_name)?;
        if let Some(behind) = behind {
            self.position = self.text.len() - behind.len();
        }
        Ok(behind.is_some())
    }

    /// Goes to the value in the box at hand, if it is one without spaces around its members.
    pub(crate) fn open_box(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        if !bytes[self.position..].starts_with(TYPED) {
            return false;
        }
        let end = text::plain_end(bytes, self.position + TYPED.len());
        let boxed = bytes.get(end..).is_some_and(|rest| rest.starts_with(BOXED));
        if boxed {
            self.position = end + BOXED.len();
            self.depth += 1;
        }
        boxed
    }

    /// Takes the member's name and colon.
    pub(crate) fn name(&mut self) -> Result<Cow<'b, str>, ReadError> {
        let name = self.string_token()?;
        self.colon()?;
        Ok(name)
    }

    /// Steps into an object, and goes to the value of its first member called `name`.
    pub(crate) fn seek_member(&mut self, name: &str) -> bool {
        self.try_seek_member(name).unwrap_or(false)
    }

    fn try_seek_member(&mut self, name: &str) -> Result<bool, ReadError> {
        self.open_object("")?;
        let mut first = true;
        while !self.take_member(first, name) {
            if !self.next_member(first)? {
                return Ok(false);
            }
            first = false;
            if self.name()? == name {
                break;
            }
            self.skip()?;
        }
        Ok(true)
    }

    /// Whether the value is an array, an object, or anything else.
    pub(crate) fn kind(&mut self) -> Kind {
        match self.peek() {
            Some(b'[') => Kind::Array,
            Some(b'{') => Kind::Object,
            _ => Kind::Scalar,
        }
    }

    fn colon(&mut self) -> Result<(), ReadError> {
        if self.peek() != Some(b':') {
            return Err(self.error(Reason::Syntax("expected `:`")));
        }
        self.position += 1;
        Ok(())
    }

    fn open(&mut self) -> Result<(), ReadError> {
        if self.depth == MAX_DEPTH {
            return Err(self.error(Reason::TooDeep));
        }
        self.depth += 1;
        self.position += 1;
        Ok(())
    }

    fn close(&mut self) {
        self.depth -= 1;
        self.position += 1;
    }

    fn literal(&mut self, literal: &'static str) -> Result<(), ReadError> {
        if !self.text.as_bytes()[self.position..].starts_with(literal.as_bytes()) {
            return Err(self.error(Reason::Syntax("expected a value")));
        }
        self.position += literal.len();
        Ok(())
    }

    /// The next byte that is not a space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.text.as_bytes().get(self.position)?;
            if byte > b' ' || !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.position += 1;
        }
    }
}
