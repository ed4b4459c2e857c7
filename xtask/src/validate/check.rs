//! Whether a value is one of a schema.

use serde_json::{Map, Value};

use super::scalar::{kind, wrong};
use super::schema::{Dialect, Kinship, Members, Types};

/// What a wrapped value of a type without members is called.
const BOXES: [(&str, &str); 15] = [
    ("boolean", "boolean"),
    ("byte", "integer"),
    ("short", "integer"),
    ("int", "integer"),
    ("long", "integer"),
    ("float", "number"),
    ("double", "number"),
    ("string", "string"),
    ("dateTime", "string"),
    ("anyURI", "string"),
    ("base64Binary", "string"),
    ("TypeName", "string"),
    ("PropertyPath", "string"),
    ("MethodName", "string"),
    ("ManagedObjectReference", "object"),
];

/// A check under way.
#[derive(Debug)]
pub(super) struct Check<'t, 'd> {
    pub(super) types: &'t Types<'d>,
    /// The members on the way to the value that is looked at.
    path: Vec<String>,
    /// Place and what.
    pub(super) found: Vec<(String, String)>,
}

impl<'t, 'd> Check<'t, 'd> {
    /// `root` begins the names of all places.
    pub(super) fn new(types: &'t Types<'d>, root: &str) -> Self {
        Self {
            types,
            path: vec![root.to_owned()],
            found: Vec::new(),
        }
    }

    pub(super) fn find(&mut self, what: impl Into<String>) {
        let mut place = self.path[0].clone();
        for (index, part) in self.path[1..].iter().enumerate() {
            if index == 0 {
                place.push(' ');
            } else if part != "[]" {
                place.push('.');
            }
            place.push_str(part);
        }
        self.found.push((place, what.into()));
    }

    pub(super) fn within(&mut self, name: &str, check: impl FnOnce(&mut Self)) {
        self.path.push(name.to_owned());
        check(self);
        self.path.pop();
    }

    /// Checks a value against its schema.
    pub(super) fn value(&mut self, schema: &'d Value, value: &Value) {
        let nullable = schema["nullable"] == true;
        let (name, schema) = self.types.resolve(schema);
        if value.is_null() && (nullable || schema["nullable"] == true) {
            return;
        }
        if let Some(cases) = schema["oneOf"].as_array() {
            self.union(schema, cases, value);
        } else if let Some(items) = schema.get("items") {
            self.array(items, value);
        } else if let Some(values) = schema.get("additionalProperties") {
            match value.as_object() {
                Some(members) => {
                    for member in members.values() {
                        self.within("{}", |check| check.value(values, member));
                    }
                }
                None => self.find(format!("{} for object", kind(value))),
            }
        } else if schema["type"] == "object" {
            self.object(name, schema, value);
        } else if schema.get("type").is_some() {
            self.scalar(schema, value);
        }
    }

    fn array(&mut self, items: &'d Value, value: &Value) {
        match value.as_array() {
            Some(elements) => {
                for element in elements {
                    self.within("[]", |check| check.value(items, element));
                }
            }
            None => self.find(format!("{} for array", kind(value))),
        }
    }

    fn scalar(&mut self, schema: &'d Value, value: &Value) {
        if let Some(what) = wrong(schema, value) {
            return self.find(what);
        }
        let named = schema["x-farside-enum"].as_str();
        let list = named.and_then(|name| self.types.named(name)).unwrap_or(schema);
        let values = list.get("enum").or_else(|| list.get("x-extensible-enum"));
        let Some(values) = values.and_then(Value::as_array) else {
            return;
        };
        if !values.contains(value) {
            self.find(format!("{value} is no value of its enumeration"));
        }
    }

    fn union(&mut self, schema: &'d Value, cases: &'d [Value], value: &Value) {
        let Some(tag) = schema["discriminator"]["propertyName"].as_str() else {
            return self.either(cases, value);
        };
        let Some(own) = value[tag].as_str() else {
            return self.find(format!("no {tag}, which says what it is"));
        };
        let target = &schema["discriminator"]["mapping"][own];
        match cases.iter().find(|case| &case["$ref"] == target) {
            Some(case) => self.value(case, value),
            None => self.find(format!("{tag} {own:?} is none of its cases")),
        }
    }

    /// Checks a value of which nothing says which case it is: what the nearest one lacks is found.
    fn either(&mut self, cases: &'d [Value], value: &Value) {
        let before = self.found.len();
        let mut nearest: Option<Vec<(String, String)>> = None;
        for case in cases {
            self.value(case, value);
            let found = self.found.split_off(before);
            if nearest.as_ref().is_none_or(|nearest| found.len() < nearest.len()) {
                nearest = Some(found);
            }
        }
        self.found.append(&mut nearest.unwrap_or_default());
    }

    fn object(&mut self, name: Option<&'d str>, schema: &'d Value, value: &Value) {
        let Some(members) = value.as_object() else {
            return self.find(format!("{} for object", kind(value)));
        };
        match name {
            Some("Any") => self.any(value),
            Some(name) if self.types.is_typed(name) => self.typed(name, members),
            Some(name) => {
                let known = self.types.members(self.types.told(name, schema, members));
                let whole = schema["x-farside-unread"] != true;
                self.members(known.unwrap_or(&Members::default()), members, whole);
                self.cases(schema, members);
            }
            // An object of which nothing is known.
            None if schema.get("properties").is_none() => {}
            None => self.members(&self.types.inline(schema), members, true),
        }
    }

    /// Checks a value of a named type.
    pub(super) fn named(&mut self, name: &'d str, value: &Value) {
        match (self.types.named(name), value.as_object()) {
            (Some(_), Some(members)) if self.types.is_typed(name) => self.typed(name, members),
            (Some(schema), _) => self.object(Some(name), schema, value),
            (None, _) => {}
        }
    }

    /// Checks an object that says its type, where `declared` or a subtype is expected.
    pub(super) fn typed(&mut self, declared: &'d str, members: &Map<String, Value>) {
        let own = match members.get("_typeName") {
            Some(Value::String(own)) => own.as_str(),
            Some(_) => return self.find("_typeName is no string"),
            None => {
                self.find(format!("no _typeName in a {declared}"));
                declared
            }
        };
        match self.types.kinship(own, declared) {
            Kinship::Known => {
                if let Some(known) = self.types.members(own) {
                    self.members(known, members, true);
                }
            }
            Kinship::Beyond(base) => {
                if let Some(known) = self.types.members(base) {
                    self.members(known, members, false);
                }
            }
            Kinship::Stranger => self.find(format!("{own} is no {declared}")),
        }
    }

    fn members(&mut self, known: &Members<'d>, members: &Map<String, Value>, whole: bool) {
        let typed = known.line.contains("Any");
        for name in &known.required {
            let there = members.get(*name).is_some_and(|value| !value.is_null());
            let nullable = known
                .of
                .get(name)
                .is_some_and(|schema| schema["nullable"] == true);
            if !there && *name != "_typeName" && !nullable {
                self.find(format!("no {name}, which is required"));
            }
        }
        for (name, value) in members {
            match known.of.get(name.as_str()) {
                // VI JSON leaves out what is not set; elsewhere null says the same.
                Some(_) if value.is_null() && !typed => {}
                Some(schema) => self.within(name, |check| check.member(schema, value)),
                // The root of a request may say its type, too.
                None if name == "_typeName" && self.types.dialect == Dialect::ViJson => {}
                None if whole => self.within(name, |check| check.find("unknown member")),
                None => {}
            }
        }
        self.tagged(known, members);
    }

    fn member(&mut self, schema: &'d Value, value: &Value) {
        if value.is_null() && schema["nullable"] != true {
            return self.find("null for what is left out if it is not set");
        }
        self.value(schema, value);
        let Some(declared) = schema["x-farside-ref"].as_str() else {
            return;
        };
        let one = std::slice::from_ref(value);
        for reference in value.as_array().map_or(one, Vec::as_slice) {
            let own = reference["type"].as_str().unwrap_or_default();
            if self.types.refers(own, declared) == Some(false) {
                self.find(format!("a reference to a {own} for one to a {declared}"));
            }
        }
    }

    /// Members that belong to one value of a tag.
    fn tagged(&mut self, known: &Members<'d>, members: &Map<String, Value>) {
        for (name, schema) in &known.of {
            let case = &schema["x-farside-union-case"];
            let Some(tag) = case["tag"].as_str() else {
                continue;
            };
            let own = members.get(tag).unwrap_or(&Value::Null);
            let of_case = case["values"]
                .as_array()
                .is_some_and(|values| values.contains(own));
            let there = members.get(*name).is_some_and(|value| !value.is_null());
            if there && !of_case {
                self.find(format!("{name}, which does not belong to {tag} {own}"));
            } else if !there && of_case && case["required"] == true {
                self.find(format!("no {name}, which belongs to {tag} {own}"));
            }
        }
    }

    /// Members that belong to one case of a type which lists its cases.
    fn cases(&mut self, schema: &'d Value, members: &Map<String, Value>) {
        let union = &schema["x-farside-union"];
        let own = union["tag"].as_str().and_then(|tag| members.get(tag)?.as_str());
        for (case, names) in union["cases"].as_object().into_iter().flatten() {
            for name in names.as_array().into_iter().flatten().filter_map(Value::as_str) {
                let there = members.get(name).is_some_and(|value| !value.is_null());
                if there && own != Some(case) {
                    self.find(format!("{name}, which belongs to {case}, in {own:?}"));
                }
            }
        }
    }

    /// Checks a value that may be of any type, and says which.
    pub(super) fn any(&mut self, value: &Value) {
        let Some(members) = value.as_object() else {
            return self.find(format!("{} where a type has to be said", kind(value)));
        };
        let Some(own) = members.get("_typeName").and_then(Value::as_str) else {
            return self.find("no _typeName where anything may stand");
        };
        match members.get("_value") {
            Some(inner) => {
                if members.len() > 2 {
                    self.find("a box with more than a value");
                }
                self.within("_value", |check| check.boxed(own, inner));
            }
            None => self.typed("Any", members),
        }
    }

    /// Checks the objects in a value of which nothing is known.
    pub(super) fn loose(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.loose(item)),
            Value::Object(members) => self.typed("Any", members),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    fn boxed(&mut self, own: &str, inner: &Value) {
        if let Some(element) = own.strip_prefix("ArrayOf") {
            let Some(elements) = inner.as_array() else {
                return self.find(format!("{} in an array's box", kind(inner)));
            };
            for value in elements {
                self.within("[]", |check| check.element(element, value));
            }
        } else {
            self.primitive(own, inner);
        }
    }

    /// Checks an element of an array in a box.
    fn element(&mut self, name: &str, value: &Value) {
        if name == "AnyType" {
            return self.any(value);
        }
        let mut lower = name.to_owned();
        if let Some(first) = lower.get_mut(..1) {
            first.make_ascii_lowercase();
        }
        let primitive = [lower.as_str(), name]
            .into_iter()
            .find(|name| BOXES.iter().any(|(own, _)| own == name));
        match (primitive, value.as_object()) {
            (Some(primitive), None) => self.primitive(primitive, value),
            (_, Some(members)) => match self.types.named(name) {
                Some(_) => {
                    let declared = self
                        .types
                        .members(name)
                        .and_then(|known| known.line.get(name).copied());
                    self.typed(declared.unwrap_or("Any"), members);
                }
                None => self.typed("Any", members),
            },
            (None, None) => self.primitive(name, value),
        }
    }

    fn primitive(&mut self, name: &str, value: &Value) {
        if let Some(list) = self.types.named(&format!("{name}_enum")) {
            return self.scalar(list, value);
        }
        let Some((_, wanted)) = BOXES.iter().find(|(own, _)| *own == name) else {
            return self.find(format!("a box called {name}"));
        };
        let given = kind(value);
        let fits = given == *wanted || (*wanted == "number" && given == "integer");
        let form = match name {
            "dateTime" => serde_json::json!({"type": "string", "format": "date-time"}),
            "base64Binary" => serde_json::json!({"type": "string", "format": "byte"}),
            "int" => serde_json::json!({"type": "integer", "format": "int32"}),
            _ => Value::Null,
        };
        if !fits {
            self.find(format!("{given} in a box called {name}"));
        } else if let Some(what) = wrong(&form, value) {
            self.find(what);
        }
    }
}
