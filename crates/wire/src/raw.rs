//! JSON text kept as it came, and the bound on its nesting.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::de::{DeserializeOwned, Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::DecodeError;
use crate::structure::NameSeed;

/// Deepest nesting of a kept text. One less than the bound at which `serde_json` stops reading a document, so
/// that each typed view of a kept text can read it to the bottom.
///
/// `serde_json` skips a raw value without recursion and without a bound. Each view of a raw text begins to count
/// afresh, so without this bound a text within a text within a text would have no limit at all.
pub(crate) const MAX_DEPTH: usize = 127;

/// One JSON value, kept as the text the server sent.
///
/// Cloning is cheap. Two values are equal when their parsed contents are, whatever the order of members and the
/// spaces between them. `Debug` prints the length alone, since the text may hold a secret.
///
/// Reads and writes with `serde_json` only.
#[derive(Clone)]
pub struct RawJson(Arc<RawValue>);

impl RawJson {
    /// The JSON text of `value`.
    ///
    /// # Errors
    /// `value` refuses to be written, for instance a map whose keys are not strings.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, DecodeError> {
        serde_json::value::to_raw_value(value)
            .map(|raw| Self(raw.into()))
            .map_err(|source| DecodeError::new(std::any::type_name::<T>(), source))
    }

    /// The text `text`, if it is one JSON value nested at most 127 deep.
    ///
    /// # Errors
    /// The text is not JSON, or is nested deeper.
    pub fn parse(text: &str) -> Result<Self, DecodeError> {
        serde_json::from_str(text).map_err(|source| DecodeError::new("JSON", source))
    }

    /// The text, without the spaces around it.
    pub fn get(&self) -> &str {
        self.0.get()
    }

    /// Reads the text as `T`.
    ///
    /// # Errors
    /// The text is not a `T`.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, DecodeError> {
        serde_json::from_str(self.get())
            .map_err(|source| DecodeError::new(std::any::type_name::<T>(), source))
    }

    /// The first member called `name`, if the text is an object that has one.
    pub fn member(&self, name: &str) -> Option<RawJson> {
        member_of(self.get(), name)
    }

    pub(crate) fn is_object(&self) -> bool {
        self.get().starts_with('{')
    }

    pub(crate) fn is_null(&self) -> bool {
        self.get() == "null"
    }

    /// The elements, if the text is an array.
    pub(crate) fn elements(&self) -> Option<Vec<RawJson>> {
        elements_of(self.get())
    }

    /// The text as a string, if it is one.
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
        text_of(self.get())
    }

    /// The `_typeName` of an object; `None` when it is absent, null, or not a string.
    pub(crate) fn type_name(&self) -> Option<Cow<'_, str>> {
        match leading_type_name(self.get()) {
            Some(name) => Some(Cow::Borrowed(name)),
            None => text_of(member_of::<&RawValue>(self.get(), TYPE_NAME)?.get()),
        }
    }
}

/// The string that `text` is, if it is one.
pub(crate) fn text_of(text: &str) -> Option<Cow<'_, str>> {
    let borrowed = serde_json::from_str(text).map(Cow::Borrowed);
    borrowed
        .or_else(|_| serde_json::from_str(text).map(Cow::Owned))
        .ok()
}

/// The elements of the array that `text` is, if it is one.
pub(crate) fn elements_of(text: &str) -> Option<Vec<RawJson>> {
    text.starts_with('[')
        .then(|| serde_json::from_str(text).ok())
        .flatten()
}

/// The discriminator of VI JSON (VI JSON wire rules 5.1).
pub(crate) const TYPE_NAME: &str = "_typeName";

/// The type name, when it is the first member and is written without escapes: what servers send.
fn leading_type_name(text: &str) -> Option<&str> {
    let rest = text
        .strip_prefix('{')?
        .trim_ascii_start()
        .strip_prefix("\"_typeName\"")?;
    let rest = rest
        .trim_ascii_start()
        .strip_prefix(':')?
        .trim_ascii_start()
        .strip_prefix('"')?;
    let (name, _) = rest.split_once('"')?;
    (!name.contains('\\')).then_some(name)
}

/// Reads the first member called `name` out of an object, skipping all others.
pub(crate) fn member_of<'a, T: Deserialize<'a>>(text: &'a str, name: &str) -> Option<T> {
    struct Find<'n, T>(&'n str, PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Find<'_, T> {
        type Value = Option<T>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut found = None;
            while let Some(key) = map.next_key_seed(NameSeed)? {
                if found.is_none() && key == self.0 {
                    found = Some(map.next_value()?);
                } else {
                    map.next_value::<IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer
        .deserialize_map(Find(name, PhantomData))
        .ok()
        .flatten()
}

/// Whether brackets outside strings nest deeper than [`MAX_DEPTH`]. `text` is valid JSON.
fn too_deep(text: &str) -> bool {
    if text.len() <= MAX_DEPTH {
        return false;
    }
    let mut depth = 0_usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    false
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => _ = bytes.next(),
            _ => {}
        }
    }
}

impl PartialEq for RawJson {
    fn eq(&self, other: &Self) -> bool {
        if self.get() == other.get() {
            return true;
        }
        let parse = |raw: &Self| serde_json::from_str::<serde_json::Value>(raw.get()).ok();
        matches!((parse(self), parse(other)), (Some(left), Some(right)) if left == right)
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RawJson({} bytes)", self.get().len())
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        if too_deep(raw.get()) {
            return Err(D::Error::custom(format_args!(
                "nested deeper than {MAX_DEPTH} levels"
            )));
        }
        Ok(Self(raw.into()))
    }
}
