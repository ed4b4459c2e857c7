//! Whether a name can stand in generated code.

/// Rust's keywords.
const KEYWORDS: [&str; 53] = [
    "Self", "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do",
    "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual",
    "where", "while", "yield", "_",
];

/// The field that each structure has beside its members.
const EXTRA: &str = "extra";

/// The variant for what is not known, which each enum and union has.
const UNKNOWN: &str = "Unknown";

/// The list of all operations, which lies beside them.
const ALL: &str = "ALL";

/// Names of Rust's prelude: a type of such a name would hide it from whoever takes in all names of a module.
const PRELUDE: [&str; 42] = [
    "AsMut",
    "AsRef",
    "AsyncFn",
    "AsyncFnMut",
    "AsyncFnOnce",
    "Box",
    "Clone",
    "Copy",
    "Default",
    "DoubleEndedIterator",
    "Drop",
    "Eq",
    "Err",
    "ExactSizeIterator",
    "Extend",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "FromIterator",
    "Future",
    "Into",
    "IntoFuture",
    "IntoIterator",
    "Iterator",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToOwned",
    "ToString",
    "TryFrom",
    "TryInto",
    "Vec",
];

/// What generated files import, and the parameter of generic types.
const IMPORTED: [&str; 23] = [
    "Ancestry",
    "Any",
    "BTreeMap",
    "Binary",
    "EpochMillis",
    "Extra",
    "Fault",
    "Method",
    "MethodFault",
    "Object",
    "OpenEnum",
    "Operation",
    "QueryParameters",
    "RawJson",
    "Repeat",
    "Secret",
    "Service",
    "Structure",
    "T",
    "Timestamp",
    "Union",
    "UnknownValue",
    "UnknownVariant",
];

/// What a name is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Use {
    Type,
    /// Of a structure.
    Field,
    /// Of an enum or a union.
    Variant,
    /// Describes an operation.
    Constant,
}

/// Whether a word is one of Rust's.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// Whether a field may not have the name.
pub(super) fn is_taken_by_structures(name: &str) -> bool {
    is_keyword(name) || name == EXTRA
}

/// Why the name cannot stand in generated code; `None` if it can.
pub(in super::super) fn wrong(name: &str, purpose: Use) -> Option<&'static str> {
    if !is_identifier(name) {
        return Some("is no name in Rust");
    }
    if is_keyword(name) {
        return Some("is a keyword of Rust");
    }
    let starts_with_capital = name.starts_with(|first: char| first.is_ascii_uppercase());
    let has_small = name.contains(|letter: char| letter.is_ascii_lowercase());
    let has_capital = name.contains(|letter: char| letter.is_ascii_uppercase());
    match purpose {
        Use::Type | Use::Variant if !starts_with_capital || name.contains('_') && name != "Self_" => {
            Some("is not in PascalCase")
        }
        Use::Field if has_capital => Some("is not in snake_case"),
        Use::Constant if has_small => Some("is not in SCREAMING_SNAKE_CASE"),
        Use::Type if PRELUDE.contains(&name) => Some("would hide a name of Rust's prelude"),
        Use::Type if IMPORTED.contains(&name) => Some("is a name that the generated code imports"),
        Use::Field if name == EXTRA => Some("is what a structure keeps unknown members in"),
        Use::Variant if name == UNKNOWN => Some("is what stands for a value that is not known"),
        Use::Constant if name == ALL => Some("is the list of all operations"),
        _ => None,
    }
}

/// Whether the text is a path to a type: `my_crate::module::Type`.
pub(in super::super) fn is_path(text: &str) -> bool {
    let Some((modules, last)) = text.rsplit_once("::") else {
        return false;
    };
    let mut modules = modules.split("::");
    let leads = |part: &str| !is_keyword(part) || part == "crate" || part == "super";
    modules.all(|part| is_identifier(part) && leads(part)) && is_identifier(last) && !is_keyword(last)
}

fn is_identifier(name: &str) -> bool {
    let part = |letter: char| letter == '_' || letter.is_ascii_alphanumeric();
    !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) && name.chars().all(part)
}

#[cfg(test)]
mod tests {
    use super::{Use, is_path, wrong};

    #[test]
    fn names_that_cannot_stand_are_told_why() {
        for (name, purpose, why) in [
            ("TaskInfo", Use::Type, None),
            ("N10gb", Use::Variant, None),
            ("Self_", Use::Variant, None),
            ("type_", Use::Field, None),
            ("LAMP_DIM", Use::Constant, None),
            ("Unknown", Use::Type, None),
            ("", Use::Type, Some("is no name in Rust")),
            ("1st", Use::Variant, Some("is no name in Rust")),
            ("a-b", Use::Field, Some("is no name in Rust")),
            ("Größe", Use::Type, Some("is no name in Rust")),
            ("Self", Use::Type, Some("is a keyword of Rust")),
            ("type", Use::Field, Some("is a keyword of Rust")),
            ("struct", Use::Type, Some("is a keyword of Rust")),
            ("taskInfo", Use::Type, Some("is not in PascalCase")),
            ("Task_Info", Use::Type, Some("is not in PascalCase")),
            ("aB", Use::Field, Some("is not in snake_case")),
            ("Dim", Use::Constant, Some("is not in SCREAMING_SNAKE_CASE")),
            ("Option", Use::Type, Some("would hide a name of Rust's prelude")),
            ("Vec", Use::Type, Some("would hide a name of Rust's prelude")),
            ("Some", Use::Type, Some("would hide a name of Rust's prelude")),
            (
                "Object",
                Use::Type,
                Some("is a name that the generated code imports"),
            ),
            (
                "extra",
                Use::Field,
                Some("is what a structure keeps unknown members in"),
            ),
            (
                "Unknown",
                Use::Variant,
                Some("is what stands for a value that is not known"),
            ),
            ("ALL", Use::Constant, Some("is the list of all operations")),
        ] {
            assert_eq!(wrong(name, purpose), why, "{name:?} {purpose:?}");
        }
    }

    #[test]
    fn a_path_leads_through_a_crate_or_a_module() {
        for (text, holds) in [
            ("farside_wire::Any", true),
            ("crate::a::b::C", true),
            ("super::super::C", true),
            ("C", false),
            ("::C", false),
            ("a::", false),
            ("a::b c::D", false),
            ("a::Vec<u8>", false),
            ("a::self", false),
            ("", false),
        ] {
            assert_eq!(is_path(text), holds, "{text:?}");
        }
    }
}
