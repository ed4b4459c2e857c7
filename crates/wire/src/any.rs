//! Values of type `Any`: objects, boxed primitives, boxed arrays.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{DecodeError, EncodeError, ReadError};
use crate::object::{DataType, Object};
use crate::raw::RawJson;
use crate::read::{Read, decode_error};
use crate::reader::{Kind, Reader};

/// A value whose type only the wire tells (VI JSON wire rules 7).
///
/// It is an object with its `_typeName`, or a box: a primitive or an array under `_value`, beside a `_typeName`.
/// Reading goes by `_value` and by the elements' own names, not by the name of the box, which servers choose
/// differently. A bare value without a box is taken as well.
///
/// Cloning is cheap, writing gives the text back letter for letter, `Debug` prints name and size alone.
#[derive(Clone, PartialEq)]
pub struct Any(RawJson);

impl Any {
    /// An object, with its `_typeName` and without a box.
    ///
    /// # Panics
    /// If `value` cannot be written as JSON. Generated types can.
    pub fn object<T: DataType>(value: &T) -> Self {
        Self(Object::<T>::new(value).raw_json().clone())
    }

    /// A box: `{"_typeName": type_name, "_value": value}`.
    ///
    /// # Errors
    /// `value` cannot be written as JSON.
    pub fn boxed<T: Serialize + ?Sized>(type_name: &str, value: &T) -> Result<Self, EncodeError> {
        #[derive(Serialize)]
        struct Boxed<'a, T: ?Sized> {
            #[serde(rename = "_typeName")]
            type_name: &'a str,
            #[serde(rename = "_value")]
            value: &'a T,
        }
        RawJson::of(&Boxed { type_name, value }).map(Self)
    }

    /// Name of the object's type or of the box; `None` for a bare value.
    pub fn type_name(&self) -> Option<Cow<'_, str>> {
        self.0.type_name()
    }

    /// The JSON text as it came, box included.
    pub fn raw(&self) -> &str {
        self.0.get()
    }

    /// The text, if the value is a string or anything written as one: a name, a URI, an enum value, a time.
    pub fn as_str(&self) -> Option<Cow<'_, str>> {
        self.payload().string().ok()
    }

    /// The truth value, if the value is one.
    pub fn as_bool(&self) -> Option<bool> {
        self.payload().boolean().ok()
    }

    /// The number, if the value is an integer of at most 64 bits.
    pub fn as_i64(&self) -> Option<i64> {
        i64::read(&mut self.payload()).ok()
    }

    /// The number, if the value is a number.
    pub fn as_f64(&self) -> Option<f64> {
        f64::read(&mut self.payload()).ok()
    }

    /// Whether the value is `null`, bare or in a box.
    pub fn is_null(&self) -> bool {
        self.payload().null().unwrap_or(false)
    }

    /// Reads the value as `T`: what is in the box, or the object itself.
    ///
    /// # Errors
    /// The value is not a `T`.
    pub fn decode_value<T: Read>(&self) -> Result<T, DecodeError> {
        T::read(&mut self.payload()).map_err(decode_error::<T>)
    }

    /// The elements of an array, boxed or bare. A single object counts as an array of one, `null` as an empty one
    /// (VI JSON wire rules 11.3).
    ///
    /// `None` if the value is a string, a number or a truth value.
    pub fn elements(&self) -> Option<Vec<Any>> {
        let mut payload = self.payload();
        match payload.kind() {
            Kind::Array => Vec::read(&mut payload).ok(),
            Kind::Object => Any::read(&mut payload).ok().map(|object| vec![object]),
            Kind::Scalar => self.is_null().then(Vec::new),
        }
    }

    /// The value as an object that should be a `Base`, or a type that derives from it; `None` if it is not an object.
    /// Whether it [is one](Object::is_a) is for the caller to ask.
    pub fn as_object<Base: DataType>(&self) -> Option<Object<Base>> {
        Object::from_raw(self.payload().raw().ok()?)
    }

    /// The same value in memory of its own, so that the document it came with can be freed.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(self.0.detached())
    }

    /// Stands before what is in the box, or before the value itself if there is no box.
    fn payload(&self) -> Reader<'_> {
        let mut reader = self.0.reader();
        if reader.open_box() {
            return reader;
        }
        self.0.member_reader("_value").unwrap_or(reader)
    }
}

impl Read for Any {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        reader.raw().map(Self)
    }
}

impl From<RawJson> for Any {
    fn from(raw: RawJson) -> Self {
        Self(raw)
    }
}

impl fmt::Debug for Any {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.type_name();
        let name = name.as_deref().unwrap_or("bare value");
        write!(formatter, "Any({name}, {} bytes)", self.raw().len())
    }
}

impl Serialize for Any {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Any {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        RawJson::deserialize(deserializer).map(Self)
    }
}

macro_rules! boxes {
    ($($type:ty => $name:literal),* $(,)?) => {
        $(
            impl From<$type> for Any {
                #[doc = concat!("A box named `", $name, "`.")]
                fn from(value: $type) -> Self {
                    Self::boxed($name, &value).expect("a primitive can be written")
                }
            }
        )*
    };
}

boxes! {
    bool => "boolean",
    i8 => "byte",
    i16 => "short",
    i32 => "int",
    i64 => "long",
    f64 => "double",
    &str => "string",
    Vec<String> => "ArrayOfString",
}
