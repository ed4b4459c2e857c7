//! YAML 1.2 as far as it says the same as JSON: text keys, the core schema, anchors.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use crate::json::{Json, Object, Refusal, Value};

/// Deepest nesting.
const MAX_DEPTH: usize = 128;
/// How many values aliases may stand for in a whole document; more is an attack or a mistake.
const MAX_COPIED: usize = 1_000_000;
/// The key whose mapping fills in what the mapping around it does not have.
const MERGE: &str = "<<";

/// Reads the one document in `text`.
pub(super) fn parse(text: &str) -> Result<Json, Refusal> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| refusal(error.marker().line(), error.info()))?;
        builder.event(event, &span)?;
    }
    builder.root.ok_or_else(|| refusal(1, "an empty document"))
}

fn refusal(line: usize, text: impl Into<String>) -> Refusal {
    Refusal {
        line,
        text: text.into(),
    }
}

/// A value that is not closed yet.
struct Open {
    anchor: usize,
    line: usize,
    what: Collection,
}

enum Collection {
    Array(Vec<Json>),
    Object {
        members: Object,
        /// Line of each key.
        keys: BTreeMap<String, usize>,
        /// The key whose value comes next.
        key: Option<Key>,
        /// What `<<` brings.
        merged: Vec<Json>,
    },
}

enum Key {
    /// A name, and its line.
    Name(String, usize),
    Merge,
}

/// Makes a value of events.
#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    anchors: BTreeMap<usize, Json>,
    copied: usize,
    root: Option<Json>,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, span: &Span) -> Result<(), Refusal> {
        let line = span.start.line();
        match event {
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd => Ok(()),
            Event::Alias(anchor) => {
                let json = self.alias(anchor, line)?;
                self.put(json)
            }
            Event::Scalar(text, style, anchor, tag) => {
                if self.takes_key(&text, style, line)? {
                    return Ok(());
                }
                let json = Json {
                    value: scalar(&text, style, tag.as_deref()).map_err(|text| refusal(line, text))?,
                    line,
                };
                self.anchor(anchor, &json);
                self.put(json)
            }
            Event::SequenceStart(anchor, _) => self.begin(anchor, line, Collection::Array(Vec::new())),
            Event::MappingStart(anchor, _) => self.begin(
                anchor,
                line,
                Collection::Object {
                    members: Vec::new(),
                    keys: BTreeMap::new(),
                    key: None,
                    merged: Vec::new(),
                },
            ),
            Event::SequenceEnd | Event::MappingEnd => self.end(),
        }
    }

    /// Whether the scalar is a key; it waits for its value then.
    fn takes_key(&mut self, text: &str, style: ScalarStyle, line: usize) -> Result<bool, Refusal> {
        let Some(Open {
            what: Collection::Object { keys, key, .. },
            ..
        }) = self.open.last_mut()
        else {
            return Ok(false);
        };
        if key.is_some() {
            return Ok(false);
        }
        if text == MERGE && style == ScalarStyle::Plain {
            *key = Some(Key::Merge);
            return Ok(true);
        }
        if let Some(first) = keys.insert(text.to_owned(), line) {
            return Err(refusal(
                line,
                format!("member `{text}` stands twice in one object; it is in line {first} already"),
            ));
        }
        *key = Some(Key::Name(text.to_owned(), line));
        Ok(true)
    }

    fn begin(&mut self, anchor: usize, line: usize, what: Collection) -> Result<(), Refusal> {
        if self.awaits_key() {
            return Err(refusal(line, "a key that is no text"));
        }
        if self.open.len() >= MAX_DEPTH {
            return Err(refusal(line, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(Open { anchor, line, what });
        Ok(())
    }

    fn end(&mut self) -> Result<(), Refusal> {
        let Some(Open { anchor, line, what }) = self.open.pop() else {
            return Ok(());
        };
        let value = match what {
            Collection::Array(elements) => Value::Array(elements),
            Collection::Object {
                mut members,
                mut keys,
                merged,
                ..
            } => {
                for (name, value) in merged.iter().flat_map(Json::members) {
                    if keys.insert(name.clone(), value.line).is_none() {
                        members.push((name.clone(), value.clone()));
                    }
                }
                Value::Object(members)
            }
        };
        let json = Json { value, line };
        self.anchor(anchor, &json);
        self.put(json)
    }

    fn awaits_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                what: Collection::Object { key: None, .. },
                ..
            })
        )
    }

    /// Puts a finished value where it belongs.
    fn put(&mut self, mut json: Json) -> Result<(), Refusal> {
        match self.open.last_mut().map(|open| &mut open.what) {
            None if self.root.is_some() => return Err(refusal(json.line, "a second document in one file")),
            None => self.root = Some(json),
            Some(Collection::Array(elements)) => elements.push(json),
            Some(Collection::Object {
                members, key, merged, ..
            }) => match key.take() {
                None => return Err(refusal(json.line, "a key that is no text")),
                Some(Key::Merge) => match json.value {
                    Value::Array(elements) => merged.extend(elements),
                    _ => merged.push(json),
                },
                Some(Key::Name(name, line)) => {
                    json.line = line;
                    members.push((name, json));
                }
            },
        }
        Ok(())
    }

    fn anchor(&mut self, anchor: usize, json: &Json) {
        if anchor > 0 {
            self.anchors.insert(anchor, json.clone());
        }
    }

    fn alias(&mut self, anchor: usize, line: usize) -> Result<Json, Refusal> {
        let json = self
            .anchors
            .get(&anchor)
            .ok_or_else(|| refusal(line, "an alias inside of what it stands for"))?;
        self.copied += size(json);
        if self.copied > MAX_COPIED {
            return Err(refusal(
                line,
                format!("aliases stand for more than {MAX_COPIED} values"),
            ));
        }
        Ok(json.clone())
    }
}

/// How many values there are in a value, itself included.
fn size(json: &Json) -> usize {
    let members = json.members().iter().map(|(_, value)| value);
    1 + members.chain(json.elements()).map(size).sum::<usize>()
}

/// What a scalar says by the core schema, or why it says nothing.
fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let string = || Value::String(text.to_owned());
    match tag {
        Some(tag) if tag.is_yaml_core_schema() => match tag.suffix.as_str() {
            "str" => return Ok(string()),
            "null" | "bool" | "int" | "float" => return Ok(plain(text).unwrap_or_else(string)),
            _ => {}
        },
        None if style == ScalarStyle::Plain => return Ok(plain(text).unwrap_or_else(string)),
        None => return Ok(string()),
        Some(_) => {}
    }
    Err(format!("the tag of `{text}` is not known"))
}

/// The value of a scalar without quotes, unless it is a text.
fn plain(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "true" | "True" | "TRUE" => return Some(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Some(Value::Bool(false)),
        _ => {}
    }
    let radix = |prefix: &str, radix| i64::from_str_radix(text.strip_prefix(prefix)?, radix).ok();
    if let Some(number) = radix("0x", 16).or_else(|| radix("0o", 8)) {
        return Some(Value::Number(number.into()));
    }
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty()
        || !digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
    {
        return None;
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Value::Number(number.into()));
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(Value::Number(number.into()));
    }
    text.parse()
        .ok()
        .and_then(serde_json::Number::from_f64)
        .map(Value::Number)
}
