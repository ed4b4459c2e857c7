//! What the derives write, and what they say about wrong attributes.

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse_str};

use crate::{open_enum, query, structure, union};

type Expand = fn(&DeriveInput) -> syn::Result<TokenStream>;

fn input(text: &str) -> DeriveInput {
    parse_str(text).expect("the input of a derive is Rust")
}

fn refused(expand: Expand, text: &str, says: &str) {
    let error = expand(&input(text)).expect_err("the input should be refused");
    assert!(error.to_string().contains(says), "{text}: {error}");
}

#[test]
fn wrong_attributes_of_a_structure_are_refused() {
    let of_type = |attribute: &str| format!("{attribute} struct S {{ extra: Extra }}");
    let of_field = |field: &str| format!("#[wire(name = \"S\")] struct S {{ {field}, extra: Extra }}");
    refused(
        structure::expand,
        &of_type(""),
        "`#[wire(name = \"..\")]` is missing",
    );
    refused(
        structure::expand,
        &of_type("#[wire(nam = \"S\")]"),
        "expected `name`",
    );
    refused(
        structure::expand,
        &of_type("#[wire(name = \"S\", name = \"T\")]"),
        "given twice",
    );
    refused(structure::expand, &of_type("#[wire(name = \"\")]"), "not empty");
    let extends = of_type("#[wire(name = \"S\", extends = [Base])]");
    refused(
        structure::expand,
        &extends,
        "`extends` is for a type with `bases`",
    );
    refused(
        structure::expand,
        &of_field("#[wire(name = \"a\\\"b\")] a: i32"),
        "JSON escapes",
    );
    refused(
        structure::expand,
        &of_field("#[wire(required)] a: Option<i32>"),
        "`required` is for",
    );
    refused(
        structure::expand,
        &of_field("#[wire(default)] a: Option<i32>"),
        "`default` is for",
    );
    refused(
        structure::expand,
        &of_field("#[wire(repeated)] a: Vec<i32>"),
        "expected `name`",
    );
    refused(
        structure::expand,
        &of_field("a: i32, #[wire(name = \"a\")] b: i32"),
        "wire name `a`",
    );
    refused(structure::expand, &of_field("more: Extra"), "already");
    refused(
        structure::expand,
        "#[wire(name = \"S\")] struct S { a: i32 }",
        "`extra: Extra` is missing",
    );
    refused(
        structure::expand,
        "#[wire(name = \"S\")] struct S(i32);",
        "no names",
    );
    refused(
        structure::expand,
        "#[wire(name = \"S\")] enum S { A }",
        "not a struct",
    );
}

#[test]
fn wrong_attributes_of_enums_and_unions_are_refused() {
    let open_enum = |body: &str| format!("#[wire(name = \"E\")] enum E {{ {body} }}");
    refused(
        open_enum::expand,
        &open_enum("A, Unknown(UnknownValue)"),
        "its text on the wire",
    );
    refused(
        open_enum::expand,
        &open_enum("#[wire(\"a\")] A"),
        "`Unknown(..)` is missing",
    );
    let twice = open_enum("#[wire(\"a\")] A, #[wire(\"a\")] B, Unknown(UnknownValue)");
    refused(open_enum::expand, &twice, "the same text");
    refused(
        open_enum::expand,
        &open_enum("#[wire(\"a\")] A(i32), Unknown(UnknownValue)"),
        "holds nothing",
    );
    refused(
        open_enum::expand,
        "enum E { Unknown(UnknownValue) }",
        "is missing",
    );

    let union = |body: &str| format!("#[wire(name = \"U\", tag = \"type\")] enum U {{ {body} }}");
    refused(
        union::expand,
        &union("#[wire(\"a\")] A, Unknown(UnknownVariant)"),
        "holds a structure",
    );
    refused(
        union::expand,
        &union("#[wire(\"a\")] A(X, Y), Unknown(UnknownVariant)"),
        "one value",
    );
    refused(
        union::expand,
        "#[wire(name = \"U\")] enum U { Unknown(UnknownVariant) }",
        "tag",
    );
}

#[test]
fn wrong_attributes_of_query_parameters_are_refused() {
    let of_field = |field: &str| format!("struct Q {{ {field} }}");
    refused(
        query::expand,
        &of_field("ids: Vec<String>"),
        "`#[wire(repeated)]` or `#[wire(comma)]`",
    );
    refused(
        query::expand,
        &of_field("#[wire(comma)] id: Option<String>"),
        "are for a `Vec`",
    );
    refused(
        query::expand,
        &of_field("#[wire(repeated, comma)] ids: Vec<String>"),
        "either",
    );
    refused(query::expand, &of_field("ids: BTreeMap<String, String>"), "a map");
    refused(
        query::expand,
        "#[wire(name = \"Q\")] struct Q {}",
        "no attributes",
    );
}

fn expansion(expand: Expand, text: &str) -> String {
    expand(&input(text))
        .expect("the input should be taken")
        .to_string()
}

#[test]
fn structure_has_what_its_attributes_ask_for_and_nothing_else() {
    let plain = expansion(
        structure::expand,
        "#[wire(name = \"S\")] struct S { a_b: i32, extra: Extra }",
    );
    assert!(
        plain.contains("\"aB\"") && !plain.contains("DataType") && !plain.contains("fn new"),
        "{plain}"
    );
    let full = "#[wire(name = \"S\", bases = [\"B\", \"Any\"], extends = [crate::B], descendants = [\"T\"], builder)]
        pub(crate) struct S { a: i32, b: Option<String>, extra: Extra }";
    let full = expansion(structure::expand, full);
    for part in [
        "DataType",
        "Extends < crate :: B >",
        "fn descendants",
        "pub (crate) fn new",
        "fn with_b",
    ] {
        assert!(full.contains(part), "{part}: {full}");
    }
    let generic = expansion(
        structure::expand,
        "#[wire(name = \"S\")] struct S<T> { a: Option<T>, extra: Extra }",
    );
    assert!(
        generic.contains("impl < 'de , T : :: farside_wire :: Read"),
        "{generic}"
    );
    let optional = "#[wire(name = \"S\", builder)] struct S { a: Option<i32>, extra: Extra }";
    assert!(!expansion(structure::expand, optional).contains("fn new"));
}

#[test]
fn setter_quotes_the_first_line_about_its_field() {
    let text = "#[wire(name = \"S\", builder)] struct S { /// Percent, 0 to 100.
        ///
        /// More.
        a: Option<i32>, b: Option<i32>, extra: Extra }";
    let text = expansion(structure::expand, text);
    assert!(
        text.contains("\"Sets `a`: Percent, 0 to 100.\"") && text.contains("\"Sets `b`.\""),
        "{text}"
    );
}

#[test]
fn structure_that_is_in_two_variants_is_not_made_into_one_of_them() {
    let union = "#[wire(name = \"U\", tag = \"t\")] enum U {
        #[wire(\"a\")] A(X), #[wire(\"b\")] B(Box<Y>), #[wire(\"c\")] C(X), Unknown(UnknownVariant) }";
    let text = expansion(union::expand, union);
    assert!(
        text.contains("From < Y > for U") && !text.contains("From < X >"),
        "{text}"
    );
}
