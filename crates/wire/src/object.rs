//! Objects whose type is told by `_typeName`, in an open world of types.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use bytestring::ByteString;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{DecodeError, ReadError, Reason};
use crate::raw::RawJson;
use crate::read::{Read, read_with_serde};
use crate::reader::Reader;
use crate::structure::Structure;

/// A data type of VI JSON: a structure that derives from `Any` and takes part in inheritance.
pub trait DataType:
    Structure + Read + Serialize + DeserializeOwned + Clone + fmt::Debug + PartialEq + 'static
{
    /// The `_typeName` on the wire.
    const TYPE_NAME: &'static str = <Self as Structure>::NAME;

    /// Names of the types it derives from, nearest first; the last one is `Any`.
    fn bases() -> &'static [&'static str];

    /// Names of all types that derive from it, near and far, in any order. May hold names of types that are not
    /// generated.
    fn descendants() -> &'static [&'static str] {
        &[]
    }
}

/// Marks a type that derives from `Base`, near or far. Each type counts as deriving from itself.
pub trait Extends<Base> {}

impl<T: DataType> Extends<T> for T {}

/// An object that is a `Base` or any type that derives from it, known to these models or not.
///
/// It holds the type name and the JSON text as it came. Typed views read that text on demand; writing gives it back
/// letter for letter. An object without `_typeName` is of the declared type, `Base` (VI JSON wire rules 5.1).
///
/// Cloning is cheap. Equality looks at type name and parsed content: order of members and spaces do not count.
/// `Debug` prints type name and size, since the text may hold a secret.
pub struct Object<Base> {
    content: Arc<Content>,
    base: PhantomData<fn() -> Base>,
}

struct Content {
    type_name: Option<ByteString>,
    raw: RawJson,
}

impl<Base: DataType> Object<Base> {
    /// An object that holds `value`.
    ///
    /// # Panics
    /// If `value` cannot be written as a JSON object. Generated types can.
    pub fn new<T: DataType + Extends<Base>>(value: &T) -> Self {
        let object = RawJson::of(value).ok().and_then(Self::from_raw);
        object.expect("a data type is written as a JSON object")
    }

    /// The object with this text; `None` if the text is not an object.
    pub fn from_raw(raw: RawJson) -> Option<Self> {
        if !raw.is_object() {
            return None;
        }
        let type_name = raw.kept_type_name();
        Some(Self {
            content: Arc::new(Content { type_name, raw }),
            base: PhantomData,
        })
    }

    /// The `_typeName`, or the name of the declared type if it was not sent.
    pub fn type_name(&self) -> &str {
        self.content.type_name.as_deref().unwrap_or(Base::TYPE_NAME)
    }

    /// Whether the object is a `T` or a type that is known to derive from it.
    pub fn is_a<T: DataType>(&self) -> bool {
        let name = self.type_name();
        let by_declaration = T::TYPE_NAME == Base::TYPE_NAME || Base::bases().contains(&T::TYPE_NAME);
        by_declaration || name == T::TYPE_NAME || T::descendants().contains(&name)
    }

    /// Reads the object as a `T`, if it [is one](Self::is_a). What a subtype has beyond `T` is in the view's
    /// [`Extra`].
    ///
    /// [`Extra`]: crate::Extra
    pub fn downcast<T: DataType + Extends<Base>>(&self) -> Option<Result<T, DecodeError>> {
        self.is_a::<T>().then(|| self.decode())
    }

    /// Reads the object as the declared type.
    ///
    /// # Errors
    /// A member is not of its type, or a required one is missing.
    pub fn base(&self) -> Result<Base, DecodeError> {
        self.decode()
    }

    /// The JSON text as it came.
    pub fn raw(&self) -> &str {
        self.content.raw.get()
    }

    /// The JSON value as it came.
    pub fn raw_json(&self) -> &RawJson {
        &self.content.raw
    }

    /// The same object in memory of its own, so that the document it came with can be freed.
    #[must_use]
    pub fn detached(&self) -> Self {
        let raw = self.content.raw.detached();
        Self {
            content: Arc::new(Content {
                type_name: raw.kept_type_name(),
                raw,
            }),
            base: PhantomData,
        }
    }

    fn decode<T: DataType>(&self) -> Result<T, DecodeError> {
        self.content.raw.decode()
    }
}

impl<Base> Clone for Object<Base> {
    fn clone(&self) -> Self {
        Self {
            content: Arc::clone(&self.content),
            base: PhantomData,
        }
    }
}

impl<Base> PartialEq for Object<Base> {
    fn eq(&self, other: &Self) -> bool {
        self.content.type_name == other.content.type_name && self.content.raw == other.content.raw
    }
}

impl<Base: DataType> fmt::Debug for Object<Base> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "Object<{}>({}, {} bytes)",
            Base::TYPE_NAME,
            self.type_name(),
            self.raw().len()
        )
    }
}

impl<Base> Serialize for Object<Base> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.content.raw.serialize(serializer)
    }
}

impl<Base: DataType> Read for Object<Base> {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        match Self::from_raw(reader.raw()?) {
            Some(object) => Ok(object),
            None => Err(reader.error(Reason::Object(Base::TYPE_NAME))),
        }
    }
}

impl<'de, Base: DataType> Deserialize<'de> for Object<Base> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_with_serde(deserializer)
    }
}
