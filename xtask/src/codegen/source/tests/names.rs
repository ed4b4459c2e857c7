//! What an operations file names: errors, types, and names in Rust.

use super::{DOCUMENT, OVERLAY, source};

/// Why nothing is generated with this end of the overlay; the first line of it is line 3 of the file.
fn refused_overlay(document: &str, end: &str) -> String {
    let error = source(document, &format!("{OVERLAY}{end}")).and_then(|source| source.model());
    format!("{:#}", error.unwrap_err())
}

#[test]
fn an_error_that_the_document_does_not_have_cannot_refuse() {
    let end = "Thing_look = { refused = [\"MethodFault\",\n  \"Bed\"] }\n[refused]\nlist = [\n  \"Bad\",\n  \"Odd\",\n]\n";
    assert_eq!(
        refused_overlay(DOCUMENT, end),
        "operations.toml:8: `refused`: t.yaml has no error `Odd`\n\
         operations.toml:4: `refused`: t.yaml has no error `Bed`; did you mean `Bad`?"
    );
}

#[test]
fn an_error_code_that_nobody_has_seen_is_a_warning() {
    let document = DOCUMENT
        .replace(
            "  schemas:\n",
            "  schemas:\n    ErrorCode: {type: string, x-extensible-enum: [NotFound]}\n",
        )
        .replace("MethodFault", "Base");
    let overlay =
        "service = \"Vcda\"\n[operations]\nThing_look = { refused = [\"NotFuond\", \"NotFound\"] }\n";
    let source = source(&document, overlay).unwrap();
    assert_eq!(
        source.document.warnings,
        [
            "operations.toml:3: `refused`: t.yaml does not name the error `NotFuond`, and may not name all; \
          did you mean `NotFound`?"
        ]
    );
}

#[test]
fn what_is_written_by_hand_cannot_be_asked_for() {
    let boxed = DOCUMENT.replace(
        "    Alone:",
        "    PrimitiveString: {type: object, properties: {_value: {type: string}}, allOf: [{$ref: '#/components/schemas/Any'}]}\n\
         \x20   Size: {type: integer}\n    Alone:",
    );
    let end = "[types]\nAny = { wanted = true }\nMethodFault = { rename = \"Fault2\" }\n\
               PrimitiveString = { wanted = true }\nSize = { wanted = true }\nScrew = { wanted = true, tag = \"Thin\" }\n";
    assert_eq!(
        refused_overlay(&boxed, end),
        "operations.toml:4: `types.Any`: nothing is generated of it, since it is written by hand as `farside_wire::Any`; \
         take the entry out\n\
         operations.toml:5: `types.MethodFault`: nothing is generated of it, since it is written by hand as \
         `farside_wire::MethodFault`; take the entry out\n\
         operations.toml:6: `types.PrimitiveString`: nothing is generated of it, since it only says how a value travels \
         in an `Any`, which is written by hand as `farside_wire::Any`; take the entry out\n\
         operations.toml:8: `types.Screw`: no operation has the tag `Thin`; did you mean `Thing`?\n\
         operations.toml:7: `types.Size`: nothing is generated of it, since it is but another name for a text, a number, \
         an array or a map; take the entry out"
    );
}

#[test]
fn names_that_rust_does_not_take_are_refused_with_their_line() {
    let end = "Thing_look = { rename = \"all\", names = { deep = \"type\", shallow = \"x\" } }\n\
               [types]\nPart = { rename = \"Option\" }\nAnswer = { rename = \"struct\" }\n\
               actRequestType = { names = { how = \"theWay\", hov = \"x\",\n } }\n\
               [external]\nBad = \"NoPath\"\n";
    assert_eq!(
        refused_overlay(DOCUMENT, end),
        "operations.toml:10: `external.Bad`: `NoPath` is no path to a type, such as `my_crate::Bad`\n\
         operations.toml:3: operation `Thing_look`: `rename`: `ALL`, which is made of `all`, is the list of all \
         operations\n\
         operations.toml:3: `operations.Thing_look.names`: `type` is a keyword of Rust\n\
         operations.toml:3: `operations.Thing_look.names`: no query parameter or member of an unnamed body is called \
         `shallow`\n\
         operations.toml:6: `types.Answer.rename`: `struct` is a keyword of Rust; choose another name\n\
         operations.toml:5: `types.Part.rename`: `Option` would hide a name of Rust's prelude; choose another name\n\
         operations.toml:7: `types.actRequestType.names`: nothing in it is called `hov`; did you mean `how`?\n\
         operations.toml:7: `types.actRequestType.names`: `theWay` is not in snake_case; choose another name"
    );
}

/// A document in which nothing has a name that Rust takes, or one of its own.
fn clashing() -> String {
    DOCUMENT
        .replace("Part", "String")
        .replace("how: {type: string}", "how-to: {type: string}\n        howTo: {type: string}\n        '+': {$ref: '#/components/schemas/Sign'}")
        .replace("{name: deep,", "{name: deep-er, in: query, schema: {type: boolean}}, {name: deepEr,")
        .replace(
            "    Alone:",
            "    Sign:\n      type: string\n      enum: ['<', half-way, halfWay, unknown]\n    Alone:",
        )
        .replace(
            "components:\n",
            "  /Thing/{moId}/Look:\n    post:\n      operationId: Thing_Look\n      tags: [Thing]\n      \
             responses: {204: {description: x}}\ncomponents:\n",
        )
}

#[test]
fn made_names_that_cannot_stand_are_refused_with_the_cure() {
    let error = refused_overlay(&clashing(), "Thing_look = {}\nThing_Look = {}\n");
    assert_eq!(
        error,
        "t.yaml:16: query of Thing_look: parameter `deepEr`: its name in Rust, `deep_er`, is that of `deep-er` too; say \
         `Thing_look = { names = { deepEr = \"..\" } }` under [operations]\n\
         t.yaml:32: schema `actRequestType`: member `howTo`: its name in Rust, `how_to`, is that of `how-to` too; say \
         `actRequestType = { names = { howTo = \"..\" } }` under [types]\n\
         t.yaml:19: operation `Thing_Look`: its name in Rust, `THING_LOOK`, is that of `Thing_look` too; say \
         `Thing_Look = { rename = \"..\" }` under [operations]\n\
         t.yaml:41: `String`: its name in Rust, `String`, would hide a name of Rust's prelude; say \
         `String = { rename = \"..\" }` under [types]"
    );
}

#[test]
fn everything_can_be_given_another_name() {
    let end = "Thing_look = { names = { deepEr = \"deepest\" } }\nThing_Look = { rename = \"Thing_glance\" }\n\
               [types]\nString = { rename = \"Part\" }\n\
               actRequestType = { names = { howTo = \"manner\", \"+\" = \"sign\" } }\n\
               Sign = { names = { \"<\" = \"Less\", halfWay = \"Half\" } }\n";
    let source = source(&clashing(), &format!("{OVERLAY}{end}")).unwrap();
    let text = source.render().unwrap().into_values().collect::<String>();
    for part in [
        "pub const THING_GLANCE: Operation",
        "    #[wire(name = \"deepEr\")]\n    pub deepest: Option<bool>",
        "    #[wire(name = \"how-to\")]\n    pub how_to: Option<String>",
        "    #[wire(name = \"howTo\")]\n    pub manner: Option<String>",
        "    #[wire(name = \"+\")]\n    pub sign: Option<Sign>",
        "    #[wire(\"<\")]\n    Less,",
        "    #[wire(\"half-way\")]\n    HalfWay,",
        "    #[wire(\"halfWay\")]\n    Half,",
        "    #[wire(\"unknown\")]\n    ReportedUnknown,",
        "pub struct Part {",
        "pub parts: Vec<Object<Part>>",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn a_hand_written_type_of_no_schema_is_refused() {
    let error = refused_overlay(DOCUMENT, "[external]\nScrw = \"my::Screw\"\n");
    assert_eq!(
        error,
        "operations.toml:4: `external.Scrw`: t.yaml has no such type; did you mean `Screw`?"
    );
}
