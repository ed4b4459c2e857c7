//! Reading the members of one object.

use std::collections::BTreeMap;

use crate::error::{ReadError, Reason};
use crate::extra::Extra;
use crate::raw::TYPE_NAME;
use crate::read::Read;
use crate::reader::Reader;
use crate::structure::Structure;

/// The members of one JSON object, one after the other.
///
/// Each index from [`next_member`](Self::next_member) is followed by one call of [`optional`](Self::optional),
/// [`array`](Self::array) or [`map`](Self::map); after the last one comes [`end`](Self::end), which tells what went wrong
/// on the way. That errors are told there alone makes the code of each structure a third smaller.
pub struct MemberReader<'r, 'b> {
    reader: &'r mut Reader<'b>,
    known: &'static Known,
    /// Name of the member that told the variant of a union, which is no part of the variant.
    tag: Option<&'static str>,
    /// Whether no member has been read.
    first: bool,
    /// Index of the member that is expected next: servers write members in the order of the schema.
    expected: usize,
    extra: Extra,
    failed: Option<ReadError>,
}

/// What a type knows of its object.
pub(crate) struct Known {
    pub(crate) type_name: &'static str,
    pub(crate) tagged: bool,
    pub(crate) names: &'static [&'static str],
}

impl Known {
    pub(crate) const fn of<T: Structure>() -> &'static Self {
        const {
            &Self {
                type_name: T::NAME,
                tagged: T::TAGGED,
                names: T::MEMBERS,
            }
        }
    }
}

impl<'r, 'b> MemberReader<'r, 'b> {
    /// Steps into the object.
    pub(crate) fn open(reader: &'r mut Reader<'b>, known: &'static Known) -> Self {
        let opened = match known.tagged {
            true => reader.open_typed_object(known.type_name),
            false => reader.open_object(known.type_name).map(|()| false),
        };
        let mut members = Self::inside(reader, known, None);
        match opened {
            Ok(typed) => members.first = !typed,
            Err(error) => members.failed = Some(error),
        }
        members
    }

    /// `reader` has stepped into the object. A member called `tag` is passed over.
    pub(crate) fn inside(
        reader: &'r mut Reader<'b>,
        known: &'static Known,
        tag: Option<&'static str>,
    ) -> Self {
        Self {
            reader,
            known,
            tag,
            first: true,
            expected: 0,
            extra: Extra::new(),
            failed: None,
        }
    }

    /// Goes to the next known member: its index in [`Structure::MEMBERS`]. `None` at the end of the object, and where it
    /// cannot be read on. Unknown members are kept for [`end`](Self::end).
    pub fn next_member(&mut self) -> Option<usize> {
        if self.failed.is_some() {
            return None;
        }
        let index = self.expected;
        if let Some(name) = self.known.names.get(index)
            && self.reader.take_member(self.first, name)
        {
            self.first = false;
            self.expected = index + 1;
            return Some(index);
        }
        if self.reader.take_end() {
            return None;
        }
        match self.other_member() {
            Ok(index) => index,
            Err(error) => {
                self.failed = Some(error);
                None
            }
        }
    }

    /// Goes to the next known member, whatever it is and however it is written.
    #[inline(never)]
    fn other_member(&mut self) -> Result<Option<usize>, ReadError> {
        while self.reader.next_member(self.first)? {
            self.first = false;
            let name = self.reader.name()?;
            // Members left out are the most usual reason to be here, so the search goes on from the expected place.
            let (before, behind) = self.known.names.split_at(self.expected);
            let index = match behind.iter().position(|known| *known == name) {
                Some(index) => Some(self.expected + index),
                None => before.iter().position(|known| *known == name),
            };
            if let Some(index) = index {
                self.expected = index + 1;
                return Ok(Some(index));
            }
            self.unknown_member(&name)?;
        }
        Ok(None)
    }

    /// Reads the value of the member named last; `null` counts as absent (VI JSON wire rules 5.4, vCenter REST wire
    /// rules 6).
    pub fn optional<T: Read>(&mut self, value: &mut Option<T>) {
        if self.null() {
            *value = None;
            return;
        }
        match T::read(self.reader) {
            Ok(read) => *value = Some(read),
            Err(error) => self.fail(error),
        }
    }

    /// As [`optional`](Self::optional), of an array: an absent one is empty.
    pub fn array<T: Read>(&mut self, values: &mut Vec<T>) {
        if self.null() {
            values.clear();
            return;
        }
        match Read::read(self.reader) {
            Ok(read) => *values = read,
            Err(error) => self.fail(error),
        }
    }

    /// As [`optional`](Self::optional), of a map: an absent one is empty.
    pub fn map<T: Read>(&mut self, values: &mut BTreeMap<String, T>) {
        if self.null() {
            values.clear();
            return;
        }
        match Read::read(self.reader) {
            Ok(read) => *values = read,
            Err(error) => self.fail(error),
        }
    }

    /// The unknown members, if all could be read.
    ///
    /// # Errors
    /// The text is not an object, or a member not of its type. The text of the error begins with type and member.
    pub fn end(&mut self) -> Result<Extra, ReadError> {
        match self.failed.take() {
            Some(error) => Err(error),
            None => Ok(std::mem::take(&mut self.extra)),
        }
    }

    /// The error that a required member was absent or null: `Type.member is missing`. `index` is that of the member in
    /// [`Structure::MEMBERS`].
    #[cold]
    pub fn missing(&self, index: usize) -> ReadError {
        let member = self.known.names.get(index).copied().unwrap_or_default();
        self.reader
            .error(Reason::Missing)
            .within(self.known.type_name, member)
    }

    fn unknown_member(&mut self, name: &str) -> Result<(), ReadError> {
        if self.known.tagged && name == TYPE_NAME {
            return self.type_name_member();
        }
        if self.tag.is_some_and(|tag| tag == name) {
            return self.reader.skip();
        }
        let raw = self.reader.raw()?;
        self.extra.push(name, raw);
        Ok(())
    }

    /// The `_typeName` is kept if it is that of a subtype.
    fn type_name_member(&mut self) -> Result<(), ReadError> {
        let sent: Option<String> = match Option::read(self.reader) {
            Ok(sent) => sent,
            Err(error) => return Err(error.within(self.known.type_name, TYPE_NAME)),
        };
        if let Some(sent) = sent.filter(|sent| sent != self.known.type_name) {
            self.extra.set_type_name(&sent);
        }
        Ok(())
    }

    /// Passes over the value of the member named last if it is null.
    fn null(&mut self) -> bool {
        match self.reader.null() {
            Ok(null) => null,
            Err(error) => {
                self.fail(error);
                true
            }
        }
    }

    #[cold]
    fn fail(&mut self, error: ReadError) {
        let current = self.expected.wrapping_sub(1);
        let member = self.known.names.get(current).copied().unwrap_or_default();
        self.failed = Some(error.within(self.known.type_name, member));
    }
}
