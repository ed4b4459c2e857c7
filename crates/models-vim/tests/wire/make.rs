//! Makes values from the schemas, with what no schema knows strewn in: members, enum values, subtypes.

use std::fmt::Write as _;

use crate::document::{Document, Node};

/// Deepest nesting at which optional members are still made.
const DEEP: usize = 5;

/// A small generator of pseudo-random numbers (SplitMix64), so that a seed is a value.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).expect("a small bound"))
            .expect("a small bound")
    }

    pub(crate) fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    pub(crate) fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        *from
            .get(self.below(from.len()))
            .expect("a list that is not empty")
    }
}

/// Writes values of schemas as text, in the order and form in which the models print them.
pub(crate) struct Maker<'d> {
    document: &'d Document,
    pub(crate) random: Random,
    depth: usize,
}

impl<'d> Maker<'d> {
    pub(crate) fn new(document: &'d Document, seed: u64) -> Self {
        Self {
            document,
            random: Random::new(seed),
            depth: 0,
        }
    }

    /// A value of the type called `name`.
    pub(crate) fn value_of(&mut self, name: &str) -> String {
        let mut text = String::new();
        let schema = self.document.schema(name);
        if schema.reference().is_some() || schema.text("type") != Some("object") {
            self.named_or(name, schema, &mut text);
        } else {
            self.object(name, schema, &[], &mut text);
        }
        text
    }

    fn named_or(&mut self, name: &str, schema: &'d Node, out: &mut String) {
        if self.document.has_schema(name) {
            self.named(name, out);
        } else {
            self.value(schema, out);
        }
    }

    /// A value in a place declared as `node`.
    pub(crate) fn value(&mut self, node: &'d Node, out: &mut String) {
        if let Some(name) = node.reference() {
            return self.named(name, out);
        }
        if let [only] = node.texts("enum")[..] {
            return string(only, out);
        }
        match node.text("type") {
            None => self.anything(out),
            Some("boolean") => out.push_str(if self.random.one_in(2) { "true" } else { "false" }),
            Some("integer") => self.integer(node, out),
            Some("number") => {
                _ = write!(
                    out,
                    "{:?}",
                    f64::from(i32::try_from(self.random.below(4000)).expect("small")) / 4.0
                )
            }
            Some("string") => self.string(node, out),
            Some("array") => {
                let items = node.get("items").expect("an array has items");
                self.list(items, 1, out);
            }
            Some("object") => match node.get("additionalProperties") {
                Some(inner) => self.map(inner, out),
                None if node.get("properties").is_some() => self.object("", node, &[], out),
                None => self.anything(out),
            },
            Some(other) => panic!("a schema of type {other}"),
        }
    }

    fn named(&mut self, name: &str, out: &mut String) {
        let schema = self.document.schema(name);
        if name == "Any" {
            return self.any(out);
        }
        if name == "MethodFault" {
            return self.fault(out);
        }
        let values = [schema.texts("enum"), schema.texts("x-extensible-enum")].concat();
        if !values.is_empty() {
            let unknown = self.random.one_in(4);
            return string(
                if unknown {
                    "INVENTED_VALUE"
                } else {
                    self.random.pick(&values)
                },
                out,
            );
        }
        if let Some(discriminator) = schema
            .get("discriminator")
            .filter(|_| !schema.list("oneOf").is_empty())
        {
            return self.union(discriminator, out);
        }
        if schema.flag("x-farside-open") {
            let subtypes = schema.texts("x-farside-subtypes");
            if !subtypes.is_empty() && self.random.one_in(3) {
                let subtype = self.random.pick(&subtypes);
                return self.typed(subtype, schema, out);
            }
            if self.random.one_in(4) {
                return self.typed("InventedSubtype", schema, out);
            }
        }
        if schema.text("type") == Some("object") && schema.get("additionalProperties").is_none() {
            self.object(name, schema, &[], out);
        } else {
            self.value(schema, out);
        }
    }

    /// An object of a subtype: what the base has, and something more.
    fn typed(&mut self, type_name: &str, base: &'d Node, out: &mut String) {
        self.object_as(Some(type_name), base, &[], out);
    }

    fn object(&mut self, name: &str, schema: &'d Node, first: &[(&str, &str)], out: &mut String) {
        let tagged = self.document.is_tagged(name);
        self.object_as(tagged.then_some(name), schema, first, out);
    }

    fn object_as(
        &mut self,
        type_name: Option<&str>,
        schema: &'d Node,
        first: &[(&str, &str)],
        out: &mut String,
    ) {
        self.depth += 1;
        out.push('{');
        let mut separator = "";
        let tag = type_name.map(|name| ("_typeName", name));
        for (name, value) in tag.iter().chain(first) {
            out.push_str(separator);
            member_name(name, out);
            string(value, out);
            separator = ",";
        }
        for (name, node, required) in self.document.members(schema) {
            let named_already = name == "_typeName" || first.iter().any(|(known, _)| *known == name);
            // The tag of a variant is the union's to write.
            let tag = !node.texts("enum").is_empty();
            if named_already || tag || (!required && (self.depth > DEEP || self.random.one_in(2))) {
                continue;
            }
            out.push_str(separator);
            member_name(name, out);
            self.value(node, out);
            separator = ",";
        }
        for index in 0..self.random.below(3) {
            out.push_str(separator);
            member_name(&format!("x-invented-{}", 9 - index), out);
            self.anything(out);
            separator = ",";
        }
        out.push('}');
        self.depth -= 1;
    }

    fn union(&mut self, discriminator: &'d Node, out: &mut String) {
        let tag = discriminator
            .text("propertyName")
            .expect("a discriminator has a name");
        let variants = discriminator.members("mapping");
        let (value, target) = self.random.pick(&variants);
        let target = target
            .as_text()
            .and_then(|target| target.rsplit('/').next())
            .expect("a mapping's target");
        let schema = self.document.schema(target);
        if schema.flag("x-farside-unread") || self.random.one_in(4) {
            _ = write!(out, r#"{{"{tag}":"inventedKind","x-invented":[1,{{"a":null}}]}}"#);
        } else {
            self.object_as(None, schema, &[(tag, value)], out);
        }
    }

    fn list(&mut self, items: &'d Node, least: usize, out: &mut String) {
        let length = least + self.random.below(if self.depth > DEEP { 1 } else { 3 });
        out.push('[');
        for index in 0..length {
            if index > 0 {
                out.push(',');
            }
            self.value(items, out);
        }
        out.push(']');
    }

    fn map(&mut self, inner: &'d Node, out: &mut String) {
        out.push('{');
        for (index, key) in ["alpha", "beta", "gamma"]
            .iter()
            .take(1 + self.random.below(3))
            .enumerate()
        {
            if index > 0 {
                out.push(',');
            }
            member_name(key, out);
            self.value(inner, out);
        }
        out.push('}');
    }

    fn integer(&mut self, node: &Node, out: &mut String) {
        let maximum = match (node.get("maximum"), node.text("format")) {
            (Some(Node::Number(number)), _) => number.as_i64().unwrap_or(i64::MAX),
            (_, Some("int32")) => i64::from(i32::MAX),
            _ => i64::MAX,
        };
        let edges = [0, 1, -1, maximum, -maximum - 1, maximum / 3];
        _ = write!(out, "{}", self.random.pick(&edges));
    }

    fn string(&mut self, node: &Node, out: &mut String) {
        match node.text("format") {
            Some("date-time") => {
                let times = [
                    "2025-03-01T09:15:00Z",
                    "2024-02-29T23:59:59.120000Z",
                    "2025-06-30T01:02:03+05:30",
                ];
                string(self.random.pick(&times[..]), out);
            }
            Some("byte") => string(self.random.pick(&["", "AAEC/w==", "Zm9vYg=="]), out),
            _ => string(
                self.random.pick(&[
                    "",
                    "vm-42",
                    "quoted \" and \\ and \u{1}",
                    "Zürich \u{1f5a5}",
                    "line\nbreak\ttab",
                ]),
                out,
            ),
        }
    }

    fn any(&mut self, out: &mut String) {
        let boxes = [
            r#"{"_typeName":"string","_value":"on"}"#,
            r#"{"_typeName":"int","_value":-7}"#,
            r#"{"_typeName":"long","_value":9223372036854775807}"#,
            r#"{"_typeName":"boolean","_value":false}"#,
            r#"{"_typeName":"dateTime","_value":"2025-03-01T09:15:00.120000Z"}"#,
            r#"{"_typeName":"ArrayOfString","_value":["a","b"]}"#,
            r#"{"_typeName":"ManagedObjectReference","type":"HostSystem","value":"host-12"}"#,
            r#"{"_typeName":"InventedType","member":{"deep":[1,2,{"x":null}]}}"#,
        ];
        out.push_str(self.random.pick(&boxes));
    }

    fn fault(&mut self, out: &mut String) {
        let faults = [
            r#"{"_typeName":"NotFound"}"#,
            r#"{"_typeName":"TooMany","maxBatchSize":8,"faultstring":"batch too large"}"#,
            r#"{"_typeName":"InventedFault","faultMessage":[{"_typeName":"LocalizableMessage","key":"k"}],"x":[1]}"#,
        ];
        out.push_str(self.random.pick(&faults));
    }

    fn anything(&mut self, out: &mut String) {
        let texts = [
            "1",
            "-0.5",
            "true",
            "\"text\"",
            "[]",
            "{}",
            r#"{"a":[null,{"b":"c"}]}"#,
            "[1,[2,[3]]]",
        ];
        out.push_str(self.random.pick(&texts));
    }
}

fn member_name(name: &str, out: &mut String) {
    string(name, out);
    out.push(':');
}

fn string(text: &str, out: &mut String) {
    out.push_str(&serde_json::to_string(text).expect("a string can be written"));
}
