//! Reading and writing a structure member by member, in one pass.
//!
//! A generated type implements [`Structure`] and two one-line `serde` traits on top of it;
//! `tests/handwritten.rs` shows the shape. The alternatives were weighed: `#[serde(flatten)]` buffers every
//! object in a tree, and a derive cannot write `_typeName` first, nor keep the unknown members in order.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, DeserializeSeed, Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserializer, Serialize, Serializer};

use crate::extra::Extra;
use crate::raw::{RawJson, TYPE_NAME};

/// A JSON object with members known at build time, and an [`Extra`] for those that are not.
pub trait Structure: Sized {
    /// Name of the type in its schema. Error texts call it this, and `_typeName` is written with it.
    const NAME: &'static str;

    /// Whether the type derives from `Any`, so that `_typeName` is its first member on the wire. Request types of VI
    /// JSON, and all types of the other two services, do not (VI JSON wire rules 3.5 and 5.1).
    const TAGGED: bool;

    /// Reads all members.
    ///
    /// # Errors
    /// A member is not of its type, or a required one is missing.
    fn read<'de, A: MapAccess<'de>>(members: &mut MemberReader<'de, A>) -> Result<Self, A::Error>;

    /// Writes the known members in wire order; neither `_typeName` nor the unknown ones.
    ///
    /// # Errors
    /// Those of the serializer.
    fn write<M: SerializeMap>(&self, members: &mut MemberWriter<M>) -> Result<(), M::Error>;

    /// The unknown members.
    fn extra(&self) -> &Extra;
}

/// `Deserialize::deserialize` of a [`Structure`].
///
/// # Errors
/// The input is not an object, a member is not of its type, or a required member is missing. The text names the
/// type and the member.
pub fn read_structure<'de, T: Structure, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    struct StructureVisitor<T>(PhantomData<T>);

    impl<'de, T: Structure> Visitor<'de> for StructureVisitor<T> {
        type Value = T;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(formatter, "an object of type {}", T::NAME)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::read(&mut MemberReader::new::<T>(map))
        }
    }

    deserializer.deserialize_map(StructureVisitor(PhantomData))
}

/// `Serialize::serialize` of a [`Structure`]: `_typeName` if the type is tagged, the known members, the unknown ones.
///
/// # Errors
/// Those of the serializer.
pub fn write_structure<T: Structure, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    let mut members = MemberWriter {
        map: serializer.serialize_map(None)?,
    };
    if T::TAGGED {
        members.required(TYPE_NAME, value.extra().type_name().unwrap_or(T::NAME))?;
    }
    members.structure(value)?;
    members.map.end()
}

/// The members of one JSON object, one after the other.
///
/// After each name from [`next_name`](Self::next_name), exactly one of [`value`](Self::value) and
/// [`keep`](Self::keep) is called.
pub struct MemberReader<'de, A> {
    type_name: &'static str,
    tagged: bool,
    map: A,
    /// Members that were passed over while a union looked for its tag.
    passed: VecDeque<(Cow<'de, str>, RawJson)>,
    /// Value of the member named last, if that was one of `passed`.
    current: Option<RawJson>,
    extra: Extra,
}

impl<'de, A: MapAccess<'de>> MemberReader<'de, A> {
    pub(crate) fn new<T: Structure>(map: A) -> Self {
        Self::with(T::NAME, T::TAGGED, map)
    }

    pub(crate) fn with(type_name: &'static str, tagged: bool, map: A) -> Self {
        Self {
            type_name,
            tagged,
            map,
            passed: VecDeque::new(),
            current: None,
            extra: Extra::new(),
        }
    }

    /// The name of the next member. A `_typeName` of a tagged type is taken care of here.
    ///
    /// # Errors
    /// The input is not JSON from here on.
    pub fn next_name(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        while let Some(name) = self.advance()? {
            if !(self.tagged && name == TYPE_NAME) {
                return Ok(Some(name));
            }
            match self.value::<String>(TYPE_NAME)? {
                Some(sent) if sent != self.type_name => self.extra.set_type_name(sent),
                Some(_) | None => {}
            }
        }
        Ok(None)
    }

    /// The value of the member named last; `null` counts as absent (VI JSON wire rules 5.4, vCenter REST wire
    /// rules 6).
    ///
    /// # Errors
    /// The value is not a `T`. The text begins with type and member.
    pub fn value<T: DeserializeOwned>(&mut self, member: &str) -> Result<Option<T>, A::Error> {
        let value = match self.current.take() {
            Some(raw) => serde_json::from_str(raw.get()).map_err(A::Error::custom),
            None => self.map.next_value(),
        };
        value.map_err(|error| A::Error::custom(format_args!("{}.{member}: {error}", self.type_name)))
    }

    /// Keeps the member named last, which the type does not know.
    ///
    /// # Errors
    /// The value is not JSON, or nested too deep.
    pub fn keep(&mut self, name: Cow<'de, str>) -> Result<(), A::Error> {
        let raw = self.raw_value(&name)?;
        self.extra.push(name.into(), raw);
        Ok(())
    }

    /// The value of a required member.
    ///
    /// # Errors
    /// It was absent or null. The text is `Type.member is missing`.
    pub fn required<T>(&self, member: &str, value: Option<T>) -> Result<T, A::Error> {
        value.ok_or_else(|| A::Error::custom(format_args!("{}.{member} is missing", self.type_name)))
    }

    /// The unknown members kept so far. Leaves none behind.
    pub fn extra(&mut self) -> Extra {
        std::mem::take(&mut self.extra)
    }

    /// Reads on as the members of `T`.
    pub(crate) fn rename<T: Structure>(&mut self) {
        self.type_name = T::NAME;
        self.tagged = T::TAGGED;
    }

    /// Puts the member named last aside, to be read again later.
    pub(crate) fn pass_over(&mut self, name: Cow<'de, str>) -> Result<(), A::Error> {
        let raw = self.raw_value(&name)?;
        self.passed.push_back((name, raw));
        Ok(())
    }

    /// The name of the next member that was not passed over before, without any special treatment.
    pub(crate) fn next_fresh(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        self.map.next_key_seed(NameSeed)
    }

    fn advance(&mut self) -> Result<Option<Cow<'de, str>>, A::Error> {
        match self.passed.pop_front() {
            Some((name, raw)) => {
                self.current = Some(raw);
                Ok(Some(name))
            }
            None => self.next_fresh(),
        }
    }

    fn raw_value(&mut self, member: &str) -> Result<RawJson, A::Error> {
        match self.current.take() {
            Some(raw) => Ok(raw),
            None => self
                .map
                .next_value()
                .map_err(|error| A::Error::custom(format_args!("{}.{member}: {error}", self.type_name))),
        }
    }
}

/// Writes the members of one JSON object.
pub struct MemberWriter<M> {
    pub(crate) map: M,
}

impl<M: SerializeMap> MemberWriter<M> {
    /// Writes a member.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn required<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), M::Error> {
        self.map.serialize_entry(name, value)
    }

    /// Writes a member that may be unset: an unset one is left out, never null.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn optional<T: Serialize>(&mut self, name: &str, value: &Option<T>) -> Result<(), M::Error> {
        match value {
            Some(value) => self.required(name, value),
            None => Ok(()),
        }
    }

    /// Writes an optional array: an empty one is left out.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn array<T: Serialize>(&mut self, name: &str, values: &[T]) -> Result<(), M::Error> {
        if values.is_empty() {
            Ok(())
        } else {
            self.required(name, values)
        }
    }

    /// Writes an optional map: an empty one is left out.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn map<T: Serialize>(&mut self, name: &str, values: &BTreeMap<String, T>) -> Result<(), M::Error> {
        if values.is_empty() {
            Ok(())
        } else {
            self.required(name, values)
        }
    }

    /// Writes all members of a structure into this object: the known ones, then the unknown ones. No `_typeName`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn structure<T: Structure>(&mut self, value: &T) -> Result<(), M::Error> {
        value.write(self)?;
        value.extra().write(&mut self.map)
    }
}

/// Reads a member's name without copying it, where the input allows that.
pub(crate) struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a member name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

/// `Serialize` and `Deserialize` of the structures of this crate. Generated code spells them out.
macro_rules! serde_of_structures {
    ($($type:ty),* $(,)?) => {
        $(
            impl<'de> serde::Deserialize<'de> for $type {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    $crate::structure::read_structure(deserializer)
                }
            }

            impl serde::Serialize for $type {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    $crate::structure::write_structure(self, serializer)
                }
            }
        )*
    };
}
pub(crate) use serde_of_structures;
