//! Writes JSON as YAML in many styles, so that the reader meets all of them.

use crate::json::{Json, Value};

/// The document in block style; texts and keys change their style from one to the next.
pub(crate) fn yaml(json: &Json) -> String {
    let mut writer = Writer::default();
    writer.value(json, 0);
    writer.text
}

#[derive(Default)]
struct Writer {
    text: String,
    count: usize,
}

impl Writer {
    fn value(&mut self, json: &Json, indent: usize) {
        match &json.value {
            Value::Object(members) if !members.is_empty() => {
                for (name, value) in members {
                    self.pad(indent);
                    let name = self.scalar(name);
                    self.text.push_str(&name);
                    self.text.push(':');
                    self.below(value, indent);
                }
            }
            Value::Array(elements) if !elements.is_empty() => {
                for element in elements {
                    self.pad(indent);
                    self.text.push('-');
                    self.below(element, indent);
                }
            }
            _ => {
                self.pad(indent);
                self.below(json, indent);
            }
        }
    }

    fn below(&mut self, json: &Json, indent: usize) {
        let inner = match &json.value {
            Value::Object(members) if !members.is_empty() => {
                self.text.push('\n');
                return self.value(json, indent + 2);
            }
            Value::Array(elements) if !elements.is_empty() => {
                self.count += 1;
                if !self.count.is_multiple_of(3) {
                    self.text.push('\n');
                    return self.value(json, indent + 2);
                }
                json.compact()
            }
            Value::String(text) if block(text) && self.count.is_multiple_of(2) => {
                self.count += 1;
                let pad = " ".repeat(indent + 2);
                format!("|-\n{pad}{text}")
            }
            Value::String(text) => self.scalar(text),
            _ => json.compact(),
        };
        self.text.push(' ');
        self.text.push_str(&inner);
        self.text.push('\n');
    }

    fn pad(&mut self, indent: usize) {
        self.text.push_str(&" ".repeat(indent));
    }

    /// A text in one of the styles that can hold it.
    fn scalar(&mut self, text: &str) -> String {
        self.count += 1;
        let word = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.{}$".contains(&byte);
        let is_plain = text.len() > 5
            && text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '/')
            && text.bytes().all(word);
        let is_printable = text
            .chars()
            .all(|letter| letter.is_ascii_graphic() || letter == ' ');
        match self.count % 3 {
            0 if is_plain => text.to_owned(),
            1 if is_printable => format!("'{}'", text.replace('\'', "''")),
            _ => Json::from(text).compact(),
        }
    }
}

/// Whether a block can hold the text as it is.
fn block(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_graphic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_graphic() || letter == ' ')
        && !text.ends_with(' ')
}
