//! The form of what can be read: all types that a type consists of, with the names of their members and variants, whatever their
//! values. A reader that is asked for something notes what it is asked for, and gives the simplest value of that kind.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display};

use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// How deep types are looked into; one that holds itself goes on for ever.
const DEEPEST: usize = 48;

/// The mark of what is deeper.
const DEEPER: &str = "...";

/// A text that is also an address, where one is read from it.
const TEXT: &str = "127.0.0.1";

/// How often in a row nothing new may be found before all is taken to be known.
const QUIET: usize = 300;

/// One line for each form of a type, sorted: `Name { member: kind }`, `Name | Variant`.
pub(super) fn of<T: for<'de> Deserialize<'de>>() -> String {
    let notes = RefCell::new(Notes::default());
    let mut quiet = 0;
    while quiet < QUIET {
        let known = notes.borrow().lines.len();
        let tracer = Tracer {
            notes: &notes,
            depth: 0,
        };
        if let Err(error) = T::deserialize(tracer) {
            panic!("the simplest value cannot be read: {error}");
        }
        quiet = if notes.borrow().lines.len() == known {
            quiet + 1
        } else {
            0
        };
    }
    let notes = notes.into_inner();
    for ((name, variants), seen) in &notes.turns {
        assert!(*seen >= variants.len(), "not all variants of {name} were seen");
    }
    notes.lines.iter().map(|line| format!("{line}\n")).collect()
}

#[derive(Default)]
struct Notes {
    lines: BTreeSet<String>,
    /// How often a variant of an enumeration was asked for; they take turns.
    turns: BTreeMap<(&'static str, &'static [&'static str]), usize>,
    /// The kind of what was read last.
    kind: String,
}

#[derive(Debug)]
struct Trouble(String);

impl Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Trouble {}

impl serde::de::Error for Trouble {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

#[derive(Clone, Copy)]
struct Tracer<'a> {
    notes: &'a RefCell<Notes>,
    depth: usize,
}

impl Tracer<'_> {
    fn below(self) -> Self {
        Self {
            depth: self.depth + 1,
            ..self
        }
    }

    fn is_deep(self) -> bool {
        self.depth > DEEPEST
    }

    fn is(self, kind: impl Into<String>) {
        self.notes.borrow_mut().kind = kind.into();
    }

    fn kind(self) -> String {
        self.notes.borrow().kind.clone()
    }

    /// Notes the form of a type, unless it goes deeper than was looked.
    fn note(self, line: String) {
        if !line.contains(DEEPER) {
            self.notes.borrow_mut().lines.insert(line);
        }
    }
}

macro_rules! plain {
    ($($method:ident $visit:ident $value:expr, $kind:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
            let value = visitor.$visit($value)?;
            self.is($kind);
            Ok(value)
        })*
    };
}

impl<'de> Deserializer<'de> for Tracer<'_> {
    type Error = Trouble;

    plain! {
        deserialize_bool visit_bool false, "bool";
        deserialize_i8 visit_i8 1, "i8";
        deserialize_i16 visit_i16 1, "i16";
        deserialize_i32 visit_i32 1, "i32";
        deserialize_i64 visit_i64 1, "i64";
        deserialize_u8 visit_u8 1, "u8";
        deserialize_u16 visit_u16 1, "u16";
        deserialize_u32 visit_u32 1, "u32";
        deserialize_u64 visit_u64 1, "u64";
        deserialize_f32 visit_f32 1.0, "f32";
        deserialize_f64 visit_f64 1.0, "f64";
        deserialize_char visit_char 'a', "char";
        deserialize_str visit_str TEXT, "text";
        deserialize_string visit_str TEXT, "text";
        deserialize_identifier visit_str TEXT, "text";
        deserialize_bytes visit_bytes b"", "bytes";
        deserialize_byte_buf visit_bytes b"", "bytes";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        let value = visitor.visit_unit()?;
        self.is("any");
        Ok(value)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        self.deserialize_any(visitor)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        let value = visitor.visit_unit()?;
        self.is("()");
        Ok(value)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        let value = visitor.visit_unit()?;
        self.is(name);
        Ok(value)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        if self.is_deep() {
            let value = visitor.visit_none()?;
            self.is(DEEPER);
            return Ok(value);
        }
        let value = visitor.visit_some(self.below())?;
        self.is(format!("{}?", self.kind()));
        Ok(value)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        let value = visitor.visit_newtype_struct(self.below())?;
        self.note(format!("{name}({})", self.kind()));
        self.is(name);
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        let mut kinds = Vec::new();
        let value = visitor.visit_seq(Elements {
            tracer: self.below(),
            left: usize::from(!self.is_deep()),
            kinds: &mut kinds,
        })?;
        self.is(format!("[{}]", kinds.first().map_or(DEEPER, String::as_str)));
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Trouble> {
        let mut kinds = Vec::new();
        let value = visitor.visit_seq(Elements {
            tracer: self.below(),
            left: length,
            kinds: &mut kinds,
        })?;
        self.is(format!("({})", kinds.join(", ")));
        Ok(value)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        length: usize,
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        let value = self.deserialize_tuple(length, visitor)?;
        self.note(format!("{name}{}", self.kind()));
        self.is(name);
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Trouble> {
        let mut entry = Entry {
            tracer: self.below(),
            left: !self.is_deep(),
            kinds: [DEEPER.to_owned(), DEEPER.to_owned()],
        };
        let value = visitor.visit_map(&mut entry)?;
        let [key, held] = entry.kinds;
        self.is(format!("{{{key}: {held}}}"));
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        let (value, members) = self.members(fields, visitor)?;
        self.note(format!("{name} {members}"));
        self.is(name);
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        let turn = {
            let mut notes = self.notes.borrow_mut();
            let turn = notes.turns.entry((name, variants)).or_default();
            *turn += 1;
            *turn - 1
        };
        let variant = variants[turn % variants.len()];
        let value = visitor.visit_enum(Chosen {
            tracer: self.below(),
            name,
            variant,
        })?;
        self.is(name);
        Ok(value)
    }
}

impl Tracer<'_> {
    /// What a visitor makes of these members, and how they are noted.
    fn members<'de, V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<(V::Value, String), Trouble> {
        let mut kinds = Vec::new();
        let value = visitor.visit_map(Members {
            tracer: self.below(),
            fields,
            kinds: &mut kinds,
        })?;
        let members = fields.iter().zip(kinds);
        let members: Vec<String> = members.map(|(name, kind)| format!("{name}: {kind}")).collect();
        Ok((value, format!("{{ {} }}", members.join(", "))))
    }
}

struct Elements<'a, 'b> {
    tracer: Tracer<'a>,
    left: usize,
    kinds: &'b mut Vec<String>,
}

impl<'de> SeqAccess<'de> for Elements<'_, '_> {
    type Error = Trouble;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Trouble> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let value = seed.deserialize(self.tracer)?;
        self.kinds.push(self.tracer.kind());
        Ok(Some(value))
    }
}

struct Entry<'a> {
    tracer: Tracer<'a>,
    left: bool,
    kinds: [String; 2],
}

impl<'de> MapAccess<'de> for &mut Entry<'_> {
    type Error = Trouble;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Trouble> {
        if !std::mem::take(&mut self.left) {
            return Ok(None);
        }
        let key = seed.deserialize(self.tracer)?;
        self.kinds[0] = self.tracer.kind();
        Ok(Some(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Trouble> {
        let value = seed.deserialize(self.tracer)?;
        self.kinds[1] = self.tracer.kind();
        Ok(value)
    }
}

struct Members<'a, 'b> {
    tracer: Tracer<'a>,
    fields: &'static [&'static str],
    kinds: &'b mut Vec<String>,
}

impl<'de> MapAccess<'de> for Members<'_, '_> {
    type Error = Trouble;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Trouble> {
        let Some(name) = self.fields.get(self.kinds.len()) else {
            return Ok(None);
        };
        let name: StrDeserializer<'_, Trouble> = (*name).into_deserializer();
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Trouble> {
        let value = seed.deserialize(self.tracer)?;
        self.kinds.push(self.tracer.kind());
        Ok(value)
    }
}

/// A variant whose turn it is.
struct Chosen<'a> {
    tracer: Tracer<'a>,
    name: &'static str,
    variant: &'static str,
}

impl Chosen<'_> {
    fn note(&self, payload: &str) {
        let Self { name, variant, .. } = self;
        self.tracer.note(format!("{name} | {variant}{payload}"));
    }
}

impl<'de> EnumAccess<'de> for Chosen<'_> {
    type Error = Trouble;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Trouble> {
        let name: StrDeserializer<'_, Trouble> = self.variant.into_deserializer();
        Ok((seed.deserialize(name)?, self))
    }
}

impl<'de> VariantAccess<'de> for Chosen<'_> {
    type Error = Trouble;

    fn unit_variant(self) -> Result<(), Trouble> {
        self.note("");
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Trouble> {
        let value = seed.deserialize(self.tracer)?;
        self.note(&format!("({})", self.tracer.kind()));
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Trouble> {
        let value = self.tracer.deserialize_tuple(length, visitor)?;
        self.note(&self.tracer.kind());
        Ok(value)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Trouble> {
        let (value, members) = self.tracer.members(fields, visitor)?;
        self.note(&format!(" {members}"));
        Ok(value)
    }
}
