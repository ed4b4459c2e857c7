//! JSON that keeps the order of its members.
//!
//! The order of members in an API document is the order in which they travel, so it must survive reading and
//! writing. `serde_json::Value` sorts them unless a feature is on that would change the whole workspace.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{Serialize, SerializeMap, Serializer};

/// A JSON value that knows its line; objects keep the order of their members.
#[derive(Clone, Debug)]
pub(crate) struct Json {
    /// The value itself.
    pub(crate) value: Value,
    /// The line it begins in, or that of its name if it is a member; zero if it comes from no file.
    pub(crate) line: usize,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Any number.
    Number(serde_json::Number),
    /// A string.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object, in its own order.
    Object(Object),
}

/// The members of an object, in order.
pub(crate) type Object = Vec<(String, Json)>;

impl Json {
    /// The member `name` of an object; `None` for anything else.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        self.members()
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The members of an object; empty for anything else.
    pub(crate) fn members(&self) -> &[(String, Json)] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// The elements of an array; empty for anything else.
    pub(crate) fn elements(&self) -> &[Json] {
        match &self.value {
            Value::Array(elements) => elements,
            _ => &[],
        }
    }

    /// The text of a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is `null`.
    pub(crate) fn is_null(&self) -> bool {
        matches!(self.value, Value::Null)
    }

    /// The text of the string member `name`.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Self::as_str)
    }

    /// Whether member `name` is `true`.
    pub(crate) fn flag(&self, name: &str) -> bool {
        matches!(self.get(name), Some(value) if value.value == Value::Bool(true))
    }

    /// The strings in the array member `name`.
    pub(crate) fn strings(&self, name: &str) -> Vec<String> {
        let elements = self.get(name).map(Self::elements).unwrap_or_default();
        elements
            .iter()
            .filter_map(Self::as_str)
            .map(str::to_owned)
            .collect()
    }

    /// The text of a string, or that of a number, which a version without quotes is taken for.
    pub(crate) fn as_text(&self) -> Option<String> {
        match &self.value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Why this value is not taken.
    pub(crate) fn refuse(&self, text: impl fmt::Display) -> anyhow::Error {
        anyhow::Error::new(Refusal {
            line: self.line,
            text: text.to_string(),
        })
    }

    /// Another value in the same line.
    pub(crate) fn with(&self, value: Value) -> Self {
        Self {
            value,
            line: self.line,
        }
    }

    /// Compact text.
    pub(crate) fn compact(&self) -> String {
        serde_json::to_string(self).expect("our JSON has string keys only, so it can be written")
    }
}

/// Something in a document that is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// Counted from 1; zero if it is not known.
    pub(crate) line: usize,
    /// What is wrong, without the line.
    pub(crate) text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl std::error::Error for Refusal {}

/// The line is where a value stands, not what it is.
impl PartialEq for Json {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl From<Value> for Json {
    fn from(value: Value) -> Self {
        Self { value, line: 0 }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Value::String(text.to_owned()).into()
    }
}

impl Serialize for Json {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.value {
            Value::Null => serializer.serialize_unit(),
            Value::Bool(value) => serializer.serialize_bool(*value),
            Value::Number(value) => value.serialize(serializer),
            Value::String(value) => serializer.serialize_str(value),
            Value::Array(elements) => elements.serialize(serializer),
            Value::Object(members) => {
                let mut map = serializer.serialize_map(Some(members.len()))?;
                for (key, value) in members {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}

/// Reads a value; every line is the one that the counter shows.
#[derive(Clone, Copy)]
pub(crate) struct Seed<'a> {
    pub(crate) line: &'a Cell<usize>,
}

impl Seed<'_> {
    fn at<E>(self, value: Value) -> Result<Json, E> {
        Ok(Json {
            value,
            line: self.line.get(),
        })
    }
}

/// Without lines.
impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Seed { line: &Cell::new(0) }.deserialize(deserializer)
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        self.at(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        self.at(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        self.at(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        self.at(Value::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Json, E> {
        let number = serde_json::Number::from_f64(value);
        self.at(Value::Number(
            number.ok_or_else(|| E::custom("a number that is not finite"))?,
        ))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        self.at(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        self.at(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let line = self.line.get();
        let mut elements = Vec::new();
        while let Some(element) = access.next_element_seed(self)? {
            elements.push(element);
        }
        Ok(Json {
            value: Value::Array(elements),
            line,
        })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let line = self.line.get();
        let mut members: Object = Vec::new();
        let mut seen = BTreeSet::new();
        while let Some(key) = access.next_key::<String>()? {
            let line = self.line.get();
            if !seen.insert(key.clone()) {
                return Err(serde::de::Error::custom(format_args!(
                    "member `{key}` stands twice in one object"
                )));
            }
            let mut value = access.next_value_seed(self)?;
            value.line = line;
            members.push((key, value));
        }
        Ok(Json {
            value: Value::Object(members),
            line,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn order_of_members_survives() {
        let text = r#"{"b":1,"a":[true,null,-128,"x"],"c":{"z":{},"y":0.5}}"#;
        let json: Json = serde_json::from_str(text).unwrap();
        assert_eq!(json.compact(), text);
    }

    #[test]
    fn a_member_that_stands_twice_is_refused() {
        let error = serde_json::from_str::<Json>(r#"{"a":1,"a":2}"#).unwrap_err();
        assert!(error.to_string().contains("`a` stands twice"), "{error}");
    }
}
