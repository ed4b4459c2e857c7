//! The prose of a document as texts for rustdoc, where nothing is said in our own words.

use std::collections::BTreeMap;

use crate::json::Json;
use crate::schemas::overlay::{Docs, Said};

/// Takes the descriptions of `full` for every operation and schema that is in `cut`.
pub(crate) fn fill(docs: &mut Docs, full: &Json, cut: &Json) {
    for (path, item) in paths(cut) {
        for (method, operation) in item.members() {
            let source = full.get("paths").and_then(|paths| paths.get(path)?.get(method));
            if let (Some(id), Some(source)) = (operation.text("operationId"), source) {
                fill_operation(docs, id, source, full);
            }
        }
    }
    for (name, _) in super::cut::schemas(cut).map(Json::members).unwrap_or_default() {
        if let Some(source) = super::cut::schemas(full).and_then(|schemas| schemas.get(name)) {
            fill_type(docs, name, source);
        }
    }
}

fn paths(document: &Json) -> &[(String, Json)] {
    document.get("paths").map(Json::members).unwrap_or_default()
}

fn fill_operation(docs: &mut Docs, id: &str, source: &Json, full: &Json) {
    let doc = docs.operations.entry(id.to_owned()).or_default();
    if doc.doc.is_empty() {
        let parts = ["summary", "description"].map(|name| said(source, name).unwrap_or_default());
        doc.doc = match parts {
            // A summary is often the beginning of the description.
            [summary, description] if description.starts_with(&summary) => description,
            parts => parts.join("\n\n").trim().to_owned(),
        };
    }
    let body = source.get("requestBody").and_then(|body| body.get("content"));
    let schemas = body.map(Json::members).unwrap_or_default();
    let members = schemas
        .iter()
        .filter_map(|(_, media)| media.get("schema")?.get("properties"));
    for (name, member) in members.flat_map(Json::members) {
        fill_said(&mut doc.parameters, name, member);
    }
    for parameter in source.get("parameters").map(Json::elements).unwrap_or_default() {
        let target = parameter
            .text("$ref")
            .and_then(|target| target.strip_prefix("#/components/parameters/"));
        let target = target.and_then(|name| full.get("components")?.get("parameters")?.get(name));
        let parameter = target.unwrap_or(parameter);
        if let Some(name) = parameter.text("name") {
            fill_said(&mut doc.parameters, name, parameter);
        }
    }
}

fn fill_type(docs: &mut Docs, name: &str, source: &Json) {
    let doc = docs.types.entry(name.to_owned()).or_default();
    if doc.doc.is_none() {
        doc.doc = said(source, "description");
    }
    for (name, member) in source.get("properties").map(Json::members).unwrap_or_default() {
        fill_said(&mut doc.fields, name, member);
    }
}

fn fill_said(all: &mut BTreeMap<String, Said>, name: &str, source: &Json) {
    if let Some(text) = said(source, "description") {
        all.entry(name.to_owned()).or_insert_with(|| Said {
            text,
            ..Said::default()
        });
    }
}

fn said(source: &Json, name: &str) -> Option<String> {
    let text = rustdoc(source.text(name)?);
    (!text.is_empty()).then_some(text)
}

/// Prose of any kind as paragraphs that rustdoc shows as they are: no markup, no links, no lists or tables, but code
/// between single backticks.
fn rustdoc(prose: &str) -> String {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut words: Vec<&str> = Vec::new();
    for line in prose.lines().chain([""]) {
        words.extend(line.split_whitespace());
        if line.trim().is_empty() && !words.is_empty() {
            paragraphs.push(paragraph(&words.join(" ")));
            words.clear();
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.join("\n\n")
}

fn paragraph(text: &str) -> String {
    let text: String = text.chars().filter(|letter| is_visible(*letter)).collect();
    let code = text.matches('`').count().is_multiple_of(2) && !text.contains("``");
    let mut escaped = String::new();
    let mut inside = false;
    for (index, word) in text.split(' ').filter(|word| !word.is_empty()).enumerate() {
        if index > 0 {
            escaped.push(' ');
        }
        if !inside && is_address(word) {
            escaped.push_str(&address(word));
            continue;
        }
        // What a line could begin with is no item of a list, no heading and no rule.
        if !inside && let Some(marker) = marker(word) {
            escaped.push_str(&marker);
            continue;
        }
        for letter in word.chars() {
            match letter {
                '`' if code => inside = !inside,
                _ if inside => {}
                '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' => escaped.push('\\'),
                _ => {}
            }
            escaped.push(letter);
        }
    }
    escaped
}

/// Control characters are no text, and those that turn the direction of writing are refused by the compiler.
fn is_visible(letter: char) -> bool {
    !letter.is_control() && !matches!(letter, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}')
}

fn is_address(word: &str) -> bool {
    let address = word.starts_with("http://") || word.starts_with("https://");
    address && !word.contains(['<', '>', '`', '\\'])
}

/// An address as a link, without the punctuation behind it.
fn address(word: &str) -> String {
    let bare = word.trim_end_matches(['.', ',', ';', ':', ')', ']', '!', '?', '"', '\'']);
    format!(
        "<{bare}>{}",
        paragraph(word.get(bare.len()..).unwrap_or_default())
    )
}

/// A word that would mark a list, a heading or a rule, so that it does not.
fn marker(word: &str) -> Option<String> {
    if word.chars().all(|letter| "-+=".contains(letter)) {
        return Some(format!("\\{word}"));
    }
    let digits = word.trim_end_matches(['.', ')']);
    if digits.len() + 1 == word.len()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !digits.is_empty()
    {
        return Some(format!("{digits}\\{}", word.get(digits.len()..)?));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::rustdoc;

    #[test]
    fn markup_is_shown_as_it_was_written() {
        for (prose, shown) in [
            ("A *b* _c_ [d](e) <f>", r"A \*b\* \_c\_ \[d\](e) \<f\>"),
            ("| a | b |\n| --- | --- |", r"\| a \| b \| \| \--- \| \--- \|"),
            (
                "# No heading\n- no item\n1. no number\n===",
                r"\# No heading \- no item 1\. no number \===",
            ),
            ("    no code\n\n\n\tnext", "no code\n\nnext"),
            ("`a<b>` and `c_d`", "`a<b>` and `c_d`"),
            ("one ` alone", r"one \` alone"),
            ("``two`` <x>", r"\`\`two\`\` \<x\>"),
            ("see https://example.org/a_b.", "see <https://example.org/a_b>."),
            ("a\u{202E}b\u{0}c\r\nd \u{1F600}", "abc d \u{1F600}"),
            ("R&amp;D \\ */", r"R\&amp;D \\ \*/"),
            ("  \n\t\n", ""),
        ] {
            assert_eq!(rustdoc(prose), shown, "{prose:?}");
        }
    }
}
