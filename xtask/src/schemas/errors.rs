//! The errors that a document names: faults, error types, or codes.

use std::collections::BTreeSet;

use super::cut::{ANCESTRY, FAULT_BASE, base, schemas};
use crate::json::Json;

/// The tag of the standard errors of vCenter REST.
const ERROR_TYPE: &str = "error_type";
/// The schema that lists the codes of VCDA that somebody has seen.
const ERROR_CODE: &str = "ErrorCode";

/// Names of errors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ErrorNames {
    names: BTreeSet<String>,
    /// There are no others.
    complete: bool,
}

impl ErrorNames {
    /// What a document names, whole or cut. Faults are types, and error types the values of a tag, so that there are no
    /// others; codes are those that somebody has seen.
    pub(crate) fn of(document: &Json) -> Self {
        for all in [faults(document), error_types(document)] {
            if !all.is_empty() {
                return Self {
                    names: all,
                    complete: true,
                };
            }
        }
        Self {
            names: codes(document),
            complete: false,
        }
    }

    /// Whether the document has the error; `None` if it cannot tell.
    pub(crate) fn has(&self, name: &str) -> Option<bool> {
        if self.names.contains(name) {
            return Some(true);
        }
        self.complete.then_some(false)
    }

    /// All names, sorted.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

fn faults(document: &Json) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (name, base) in document.get(ANCESTRY).map(Json::members).unwrap_or_default() {
        found.insert(name.clone());
        found.extend(base.as_str().map(str::to_owned));
    }
    if !found.is_empty() {
        return found;
    }
    let all = schemas(document).map(Json::members).unwrap_or_default();
    if !all.iter().any(|(name, _)| name == FAULT_BASE) {
        return found;
    }
    found.insert(FAULT_BASE.to_owned());
    // Each round adds one more level of ancestry.
    loop {
        let below = all.iter().filter(|(name, schema)| {
            !found.contains(name) && base(schema).is_some_and(|up| found.contains(up))
        });
        let below: Vec<String> = below.map(|(name, _)| name.clone()).collect();
        if below.is_empty() {
            return found;
        }
        found.extend(below);
    }
}

fn error_types(document: &Json) -> BTreeSet<String> {
    let all = schemas(document).map(Json::members).unwrap_or_default().iter();
    let discriminators = all.filter_map(|(_, schema)| schema.get("discriminator"));
    let tagged = discriminators.filter(|one| one.text("propertyName") == Some(ERROR_TYPE));
    let texts = tagged
        .filter_map(|one| one.get("mapping"))
        .flat_map(Json::members);
    texts.map(|(text, _)| text.clone()).collect()
}

fn codes(document: &Json) -> BTreeSet<String> {
    let items = document
        .get("paths")
        .map(Json::members)
        .unwrap_or_default()
        .iter();
    let operations = items.flat_map(|(_, item)| item.members());
    let answers = operations.filter_map(|(_, operation)| operation.get("responses"));
    let answers = answers.flat_map(Json::members);
    let declared = answers.flat_map(|(_, answer)| answer.strings("x-farside-codes"));
    let seen = schemas(document).and_then(|all| all.get(ERROR_CODE));
    let seen = seen.map(|codes| codes.strings("x-extensible-enum"));
    declared.chain(seen.unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::ErrorNames;
    use crate::document::parse;

    fn errors(document: &str) -> ErrorNames {
        ErrorNames::of(&parse("t.yaml", document.as_bytes()).unwrap())
    }

    #[test]
    fn faults_and_error_types_are_all_there_are_and_codes_are_not() {
        let faults = errors(
            "components: {schemas: {MethodFault: {}, \
             Worse: {allOf: [{$ref: '#/components/schemas/Bad'}]}, \
             Bad: {allOf: [{$ref: '#/components/schemas/MethodFault'}]}, Other: {}}}",
        );
        assert_eq!(faults.iter().collect::<Vec<_>>(), ["Bad", "MethodFault", "Worse"]);
        assert_eq!(
            (faults.has("Worse"), faults.has("Other")),
            (Some(true), Some(false))
        );

        let cut = errors("x-farside-fault-ancestry: {Bad: MethodFault}");
        assert_eq!(cut.iter().collect::<Vec<_>>(), ["Bad", "MethodFault"]);

        let types = errors(
            "components: {schemas: {E: {discriminator: {propertyName: error_type, mapping: {BUSY: x}}}}}",
        );
        assert_eq!((types.has("BUSY"), types.has("BUZY")), (Some(true), Some(false)));

        let codes = errors(
            "paths: {/a: {get: {responses: {400: {x-farside-codes: [Odd]}}}}}\n\
             components: {schemas: {ErrorCode: {x-extensible-enum: [Even]}}}",
        );
        assert_eq!(codes.iter().collect::<Vec<_>>(), ["Even", "Odd"]);
        assert_eq!(
            (codes.has("Odd"), codes.has("Even"), codes.has("New")),
            (Some(true), Some(true), None)
        );
    }
}
