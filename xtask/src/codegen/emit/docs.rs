//! What is said about operations, types and members.

use super::super::graph;
use super::super::model::{Failure, Field, Operation, Query, Struct};
use super::Scope;
use super::page::Page;
use super::types::{self, WIRE};
use crate::schemas::overlay::Repeat;

/// The documentation of a type of which there is no more to say than where it comes from.
pub(super) fn described(page: &mut Page, doc: Option<&str>, wire: &str) {
    if let Some(doc) = doc {
        page.doc(0, doc);
        page.line("///");
    }
    page.doc(0, &format!("Schema `{wire}`."));
}

/// The documentation of a structure.
pub(super) fn structure(scope: Scope<'_>, page: &mut Page, item: &Struct) {
    if let Some(id) = &item.body_of {
        page.doc(0, &format!("Body of {}.", operation_link(scope, id)));
        return;
    }
    if let Some(doc) = &item.doc {
        page.doc(0, doc);
        page.line("///");
    }
    let what = if item.typed { "Wire name" } else { "Schema" };
    let mut facts = format!("{what} `{}`", item.wire);
    if let Some(since) = &item.since {
        facts.push_str(&format!(", since {since}"));
    }
    let base = item
        .bases
        .first()
        .filter(|base| !matches!(base.as_str(), "Any" | "DataObject"));
    if let Some(base) = base {
        facts.push_str(&format!("; derives from `{base}`"));
    }
    page.doc(0, &format!("{facts}."));
}

/// The documentation of a type of query parameters. What several operations share is there without them too, so that it
/// has no links to them.
pub(super) fn query(scope: Scope<'_>, page: &mut Page, item: &Query) {
    match &item.operations[..] {
        [only] => page.doc(
            0,
            &format!("Query parameters of {}.", operation_link(scope, only)),
        ),
        _ => page.doc(0, "Query parameters that several operations share."),
    }
}

fn operation_link(scope: Scope<'_>, id: &str) -> String {
    let Some(operation) = graph::operations(scope.model).find(|operation| operation.id == id) else {
        return format!("`{id}`");
    };
    let name = &operation.rust;
    format!("[`{name}`]({}::operation::{name})", scope.root())
}

/// The documentation of a member or a parameter.
pub(super) fn field(field: &Field) -> String {
    let mut text = field.doc.clone().unwrap_or_default();
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(&format!("Wire name `{}`", field.wire));
    if let Some(since) = &field.since {
        text.push_str(&format!(", since {since}"));
    }
    if field.deprecated {
        text.push_str("; deprecated");
    }
    if let Some(target) = &field.target {
        text.push_str(&format!("; refers to a `{target}`"));
    }
    if let Some(confidence) = &field.confidence {
        text.push_str(&format!("; known as: {confidence}"));
    }
    text.push('.');
    text
}

/// The documentation of an operation.
pub(super) fn operation(scope: Scope<'_>, page: &mut Page, operation: &Operation) {
    if let Some(doc) = &operation.doc {
        page.doc(0, doc);
        page.line("///");
    }
    if operation.deprecated {
        page.doc(0, "Deprecated.");
        page.line("///");
    }
    page.doc(0, &request(scope, operation));
    page.doc(0, &answer(scope, operation));
    page.doc(0, &access(operation));
    if let Some(result) = &operation.result {
        page.line("///");
        page.doc(0, &format!("Result: {result}"));
    }
    for (name, said) in &operation.headers {
        if let Some(said) = said {
            page.line("///");
            page.doc(0, &format!("Header `{name}`: {said}"));
        }
    }
    if let Some(confidence) = &operation.confidence {
        page.line("///");
        page.doc(0, &confidence_in_words(confidence));
    }
    errors(scope, page, operation);
}

/// Request line, release, body and query.
fn request(scope: Scope<'_>, operation: &Operation) -> String {
    let query = if operation.query.is_empty() {
        String::new()
    } else {
        format!("?{}", operation.query)
    };
    let method = operation.method.to_ascii_uppercase();
    let mut text = format!("`{method} {}{query}`", operation.path);
    if let Some(since) = &operation.since {
        text.push_str(&format!(", since {since}"));
    }
    let body = operation.body.as_ref().map(|body| types::link(scope, body));
    let parameters = operation.parameters.as_ref();
    let parameters = parameters.map(|key| format!("the query {}", types::named_link(scope, key)));
    let takes: Vec<String> = body.into_iter().chain(parameters).collect();
    if !takes.is_empty() {
        text.push_str(&format!("; takes {}", listed(&takes)));
    }
    let silent = operation.headers.iter().filter(|(_, said)| said.is_none());
    let silent: Vec<String> = silent.map(|(name, _)| format!("`{name}`")).collect();
    if !silent.is_empty() {
        text.push_str(&format!("; may carry the header {}", listed(&silent)));
    }
    text + "."
}

fn answer(scope: Scope<'_>, operation: &Operation) -> String {
    if !operation.alternatives.is_empty() {
        let links = operation.alternatives.iter().map(|ty| types::link(scope, ty));
        let links: Vec<String> = links.collect();
        return format!("Answers {}; read it as the one that fits.", links.join(", or "));
    }
    match (&operation.answer, &operation.task_result) {
        (Some(answer), None) if operation.void_task => {
            format!("Answers {}, a task without a result.", types::link(scope, answer))
        }
        (Some(answer), Some(result)) => format!(
            "Answers {}, a task with the result {}.",
            types::link(scope, answer),
            types::link(scope, result)
        ),
        (Some(answer), None) => format!("Answers {}.", types::link(scope, answer)),
        (None, _) => "Answers nothing.".to_owned(),
    }
}

/// Who may call it, and what is not known about that and its release.
fn access(operation: &Operation) -> String {
    let quoted: Vec<String> = operation
        .privileges
        .iter()
        .map(|name| format!("`{name}`"))
        .collect();
    let undated = operation.since.is_none();
    let mut text = match quoted.len() {
        0 if operation.anonymous => "Needs no session.".to_owned(),
        0 if undated => {
            return "Which privilege it needs, and since which release it is there, is not documented."
                .to_owned();
        }
        0 => "Which privilege it needs is not documented.".to_owned(),
        1 => format!("Needs the privilege {}.", listed(&quoted)),
        _ => format!("Needs the privileges {}.", listed(&quoted)),
    };
    if undated {
        text.push_str(" Since which release it is there is not documented.");
    }
    text
}

fn confidence_in_words(confidence: &str) -> String {
    match confidence {
        "documented" => "Known from the vendor's documentation.".to_owned(),
        "inferred" => "Inferred: not all of it was read in the vendor's documentation.".to_owned(),
        other => format!("Known as: {other}."),
    }
}

/// The errors, each with what it means. Which of them refuse is worth a word only where something could have been done.
fn errors(scope: Scope<'_>, page: &mut Page, operation: &Operation) {
    let any_call = !scope.model.any_call.is_empty();
    if operation.errors.is_empty() && !any_call {
        return;
    }
    page.line("///\n/// # Errors\n///");
    let acts = operation.repeat == Repeat::OnlyIfNeverSent;
    for failure in &operation.errors {
        page.doc(0, &error(failure, acts));
    }
    if any_call {
        let only = if operation.errors.is_empty() {
            "No others are documented than those"
        } else {
            "Those"
        };
        let link = format!("[any call]({}::operation#errors-of-any-call)", scope.root());
        page.doc(0, &format!("- {only} of {link}."));
    }
    if let Some(confidence) = operation
        .errors_confidence
        .as_ref()
        .filter(|text| *text != "documented")
    {
        page.line("///");
        page.doc(0, &format!("Which errors it has is {confidence}."));
    }
    if acts && operation.errors.iter().any(|failure| failure.refused) {
        let list = format!("[`refused_before_acting`]({WIRE}::Operation::refused_before_acting)");
        page.line("///");
        page.doc(
            0,
            &format!("Refused means that nothing was done; so does any other error in {list}."),
        );
    }
}

/// An error in a list of errors.
pub(super) fn error(failure: &Failure, acts: bool) -> String {
    let mut text = format!("- `{}`", failure.name);
    if acts && failure.refused {
        text.push_str(" (refused)");
    }
    if let Some(meaning) = &failure.meaning {
        text.push_str(": ");
        text.extend(meaning.split_whitespace().flat_map(|word| [word, " "]));
    }
    let text = text.trim_end();
    if text.ends_with(['.', '!', '?']) {
        text.to_owned()
    } else {
        format!("{text}.")
    }
}

/// `a`, `a and b`, or `a, b and c`.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}
