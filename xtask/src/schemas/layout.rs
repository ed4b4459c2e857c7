//! The text of a cut document: one path, schema or ancestry entry a line, so that a difference is readable.

use crate::json::{Json, Value};

/// How many levels of each root member are broken into lines.
fn depth(member: &str) -> usize {
    match member {
        "components" => 2,
        "paths" | "tags" | "x-farside-fault-ancestry" | "x-farside-operations-without-path" => 1,
        _ => 0,
    }
}

/// The whole document as text, ending in a line feed.
pub(super) fn text(document: &Json) -> String {
    let mut out = String::from("{\n");
    let members = document.members();
    for (index, (name, value)) in members.iter().enumerate() {
        out.push(' ');
        out.push_str(&Json::from(name.as_str()).compact());
        out.push(':');
        broken(value, depth(name), 1, &mut out);
        out.push_str(if index + 1 < members.len() { ",\n" } else { "\n" });
    }
    out.push_str("}\n");
    out
}

fn broken(value: &Json, depth: usize, indent: usize, out: &mut String) {
    let pad = " ".repeat(indent);
    match &value.value {
        Value::Object(members) if depth > 0 && !members.is_empty() => {
            out.push_str("{\n");
            for (index, (name, inner)) in members.iter().enumerate() {
                out.push_str(&format!("{pad} {}:", Json::from(name.as_str()).compact()));
                broken(inner, depth - 1, indent + 1, out);
                out.push_str(if index + 1 < members.len() { ",\n" } else { "\n" });
            }
            out.push_str(&format!("{pad}}}"));
        }
        Value::Array(elements) if depth > 0 && !elements.is_empty() => {
            out.push_str("[\n");
            for (index, inner) in elements.iter().enumerate() {
                out.push_str(&format!("{pad} {}", inner.compact()));
                out.push_str(if index + 1 < elements.len() { ",\n" } else { "\n" });
            }
            out.push_str(&format!("{pad}]"));
        }
        _ => out.push_str(&value.compact()),
    }
}
