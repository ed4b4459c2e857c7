use super::Source;
use crate::codegen::explain::explain;
use crate::document::tests::writer;
use crate::document::{self, File, parse};
use crate::schemas;
use crate::schemas::overlay::Overlay;

const DOCUMENT: &str = r##"openapi: 3.0.0
info: {title: t, version: '1'}
paths:
  /Thing/{moId}/act:
    post:
      operationId: Thing_act
      tags: [Thing]
      requestBody: {content: {application/json: {schema: {$ref: '#/components/schemas/actRequestType'}}}}
      responses:
        200: {content: {application/json: {schema: {$ref: '#/components/schemas/Answer'}}}}
      x-farside-faults: [Bad]
  /Thing/{moId}/look:
    get:
      operationId: Thing_look
      tags: [Thing]
      parameters: [{name: deep, in: query, schema: {type: boolean}}]
      responses: {200: {content: {application/json: {schema: {$ref: '#/components/schemas/Part'}}}}}
components:
  schemas:
    Any: {type: object, discriminator: {propertyName: _typeName}}
    MethodFault: {type: object, properties: {message: {type: string}}, allOf: [{$ref: '#/components/schemas/Any'}]}
    Bad: {type: object, properties: {why: {type: string}}, allOf: [{$ref: '#/components/schemas/MethodFault'}]}
    actRequestType:
      type: object
      properties:
        how: {type: string}
        part:
          $ref: '#/components/schemas/Part'
    Answer:
      type: object
      properties:
        parts: {type: array, items: {$ref: '#/components/schemas/Part'}}
      allOf: [{$ref: '#/components/schemas/Any'}]
    Part:
      type: object
      properties:
        size:
          type: integer
      allOf: [{$ref: '#/components/schemas/Any'}]
    Screw: {type: object, allOf: [{$ref: '#/components/schemas/Part'}]}
    Alone: {type: object, properties: {screw: {$ref: '#/components/schemas/Screw'}}}
"##;

const OVERLAY: &str = "[operations]\nThing_act = {}\n";

fn source(document: &str, overlay: &str) -> anyhow::Result<Source> {
    let full = parse("t.yaml", document.as_bytes())?;
    Source::of("t.yaml", "digest", full, Overlay::parse(overlay)?, false)
}

/// Why nothing is generated, with `from` in the document replaced by `to`.
fn refused(from: &str, to: &str) -> String {
    assert!(DOCUMENT.contains(from), "{from}");
    let error = source(&DOCUMENT.replace(from, to), OVERLAY).and_then(|source| source.model());
    format!("{:#}", error.unwrap_err())
}

#[test]
fn what_is_not_understood_is_named_with_its_line() {
    let part = "          $ref: '#/components/schemas/Part'\n";
    let cases = [
        (
            "        how: {type: string}",
            "        how: {type: string, not: {}}",
            "t.yaml:26: schema `actRequestType`: member `how`: unknown keyword `not`",
        ),
        (
            "          type: integer\n",
            "          patternProperties: {}\n          type: object\n",
            "t.yaml:38: schema `Part`: member `size`: unknown keyword `patternProperties`",
        ),
        (
            "          type: integer\n",
            "          description: x\n          type: money\n",
            "t.yaml:37: schema `Part`: member `size`: unknown type `money`",
        ),
        (
            part,
            "          $ref: '#/components/schemas/Prat'\n",
            "t.yaml:28: a reference leads to `Prat`, which is no schema; did you mean `Part`?",
        ),
        (
            part,
            "          $ref: 'other.yaml#/Part'\n",
            "t.yaml:27: schema `actRequestType`: member `part`: `other.yaml#/Part` does not refer to a schema",
        ),
        (
            part,
            "          type: array\n",
            "t.yaml:27: schema `actRequestType`: member `part`: an array without `items`",
        ),
        (
            part,
            "          type: object\n          properties: {}\n",
            "t.yaml:27: schema `actRequestType`: member `part`: an object with members",
        ),
        (
            part,
            "          type: [string, integer]\n",
            "t.yaml:28: schema `actRequestType`: member `part`: more than one type",
        ),
        (
            "      properties:\n        how",
            "      required: [how,\n        who]\n      properties:\n        how",
            "t.yaml:26: schema `actRequestType`: \"who\" is required and not a member",
        ),
        (
            "    Alone:",
            "    actRequestType: {type: object}\n    Alone:",
            "t.yaml:41: member `actRequestType` stands twice in one object; it is in line 23 already",
        ),
        (
            "      operationId: Thing_act\n      tags: [Thing]",
            "      operationId: Thing_act",
            "t.yaml:5: path `/Thing/{moId}/act`, post: no tag",
        ),
        (
            "      allOf: [{$ref: '#/components/schemas/Any'}]\n    Screw",
            "      allOf: [{$ref: '#/components/schemas/Any'}, {$ref: '#/components/schemas/Bad'}]\n    Screw",
            "t.yaml:39: schema `Part`: more than one base",
        ),
        (
            "application/json: {schema: {$ref: '#/components/schemas/actRequestType'}}",
            "text/plain: {schema: {type: string}}",
            "t.yaml:8: path `/Thing/{moId}/act`, post: requestBody: no JSON content",
        ),
        (
            "x-farside-faults: [Bad]",
            "parameters: [{name: a, in: query, style: deepObject, schema: {}}]",
            "t.yaml:11: path `/Thing/{moId}/act`, post: parameter `a`: style `deepObject`",
        ),
    ];
    for (from, to, expected) in cases {
        let error = refused(from, to);
        assert!(error.starts_with(expected), "{error}\nis not\n{expected}");
    }
}

#[test]
fn all_that_is_not_understood_is_named_at_once() {
    let error = refused("how: {type: string}", "how: {type: money, if: {}}");
    assert_eq!(
        error,
        "t.yaml:26: schema `actRequestType`: member `how`: unknown keyword `if`, which changes what the schema means\n\
         t.yaml:26: schema `actRequestType`: member `how`: unknown type `money`"
    );
}

#[test]
fn what_the_overlay_names_wrongly_is_named_with_its_line() {
    let overlay = "[operations]\nThing_act = {}\nThing_lok = {}\n\n[types]\nPrat = { wanted = true }\n\
                   Part = { members = [\"siez\"] }\n";
    let error = source(DOCUMENT, overlay).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "operations.toml:3: operation `Thing_lok` is not in the document; did you mean `Thing_look`?\n\
         operations.toml:6: type `Prat` is not in t.yaml; did you mean `Part`?\n\
         operations.toml:7: `types.Part.members`: the schema has no members siez"
    );
}

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
fn the_root_of_all_types_is_read_as_any_value() {
    let document = DOCUMENT
        .replace(
            "    MethodFault:",
            "    DataObject: {type: object, allOf: [{$ref: '#/components/schemas/Any'}]}\n    MethodFault:",
        )
        .replace(
            "how: {type: string}",
            "how: {$ref: '#/components/schemas/DataObject'}",
        );
    let text = source(&document, OVERLAY)
        .unwrap()
        .render()
        .unwrap()
        .into_values()
        .collect::<String>();
    assert!(text.contains("pub how: Option<Any>,"), "{text}");
}

#[test]
fn a_keyword_that_nobody_knows_is_a_warning() {
    let document = DOCUMENT.replace(
        "how: {type: string}",
        "how: {type: string, flavour: sweet, maxLength: 3, x-y: 1}",
    );
    let source = source(&document, OVERLAY).unwrap();
    assert_eq!(
        source.document.warnings,
        ["t.yaml:26: schema `actRequestType`: member `how`: unknown keyword `flavour` is passed over"]
    );
}

#[test]
fn the_document_tells_its_dialect() {
    assert_eq!(source(DOCUMENT, OVERLAY).unwrap().overlay.service, "ViJson");
    let document = DOCUMENT.replace(
        "Any: {type: object, discriminator: {propertyName: _typeName}}",
        "Any: {type: object}",
    );
    let error = format!("{:#}", source(&document, OVERLAY).unwrap_err());
    assert!(
        error.contains("t.yaml does not tell which dialect it speaks"),
        "{error}"
    );
    let told = source(&document, &format!("service = \"VcenterRest\"\n{OVERLAY}")).unwrap();
    assert_eq!(told.overlay.service, "VcenterRest");
    let error = Overlay::parse(&format!("\nservice = \"Soap\"\n{OVERLAY}")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "operations.toml:2: `service` is one of ViJson, VcenterRest, Vcda"
    );
}

#[test]
fn every_text_that_is_missing_is_listed() {
    let overlay = format!("documented = true\ndocumented_tags = [\"Thing\"]\n{OVERLAY}Thing_look = {{}}\n");
    let error = source(DOCUMENT, &overlay).unwrap().render().unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "in t.yaml: `documented = true`, and 8 texts are missing:\n\
         operation `Thing_act` has no `doc`\n\
         operation `Thing_look` has no `doc`\n\
         error `Bad` of `Thing_act` has no meaning\n\
         type `Answer`: no `fields` for parts\n\
         type `Bad`: no `fields` for why\n\
         type `Part`: no `fields` for size\n\
         type `actRequestType`: no `fields` for how, part\n\
         operation `Thing_look`: no `parameters` for deep"
    );
}

#[test]
fn a_text_for_something_that_is_not_there_is_refused() {
    let mut overlay = Overlay::parse(OVERLAY).unwrap();
    let text = "[operations.Thing_look]\ndoc = \"Looks.\"\n[operations.Thing_act]\nparameters = { how = \"x\" }\n\
                [errors]\nBat = \"x\"\nBad = \"x\"\n[types.Part]\nfields = { size = \"x\", sise = \"x\" }\n[types.Prt]\ndoc = \"x\"\n";
    overlay.docs.merge("d.toml", text).unwrap();
    let full = parse("t.yaml", DOCUMENT.as_bytes()).unwrap();
    let error = Source::of("t.yaml", "digest", full, overlay, false).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "d.toml:4: `operations.Thing_act.parameters.how`: no such parameter\n\
         d.toml:1: `operations.Thing_look`: t.yaml has no such operation\n\
         d.toml:9: `types.Part.fields.sise`: no such member; did you mean `size`?\n\
         d.toml:10: `types.Prt`: t.yaml has no such type; did you mean `Part`?\n\
         d.toml:6: `errors.Bat`: t.yaml has no such error; did you mean `Bad`?"
    );
}

#[test]
fn ways_to_a_type_are_explained() {
    let overlay = format!("{OVERLAY}[types]\nScrew = {{ wanted = true }}\n");
    let source = source(DOCUMENT, &overlay).unwrap();
    assert_eq!(
        explain(&source, "Part").unwrap(),
        "`Part` (t.yaml:34) is generated as `Part`:\n\
         - `Thing_act` answers `Answer`; its member `parts` is `Part`\n\
         - operations.toml:4 wants `Screw`; its base is `Part`\n"
    );
    assert_eq!(
        explain(&source, "ActRequest").unwrap(),
        "`actRequestType` (t.yaml:23) is generated as `ActRequest`:\n- `Thing_act` takes `actRequestType`\n"
    );
    assert_eq!(
        explain(&source, "MethodFault").unwrap(),
        "`MethodFault` is not generated: it is written by hand as `farside_wire::MethodFault`.\n"
    );
}

#[test]
fn what_would_bring_a_type_is_explained() {
    let source = source(DOCUMENT, "[operations]\nThing_look = {}\n").unwrap();
    assert_eq!(
        explain(&source, "Answer").unwrap(),
        "`Answer` is not generated.\n`Answer = { wanted = true }` under `[types]` generates it.\n\
         So does an operation that leads to it:\n- `Thing_act`, which names it\n"
    );
    assert_eq!(
        explain(&source, "Screw").unwrap(),
        "`Screw` is not generated.\n\
         It derives from `Part`: where that is declared it is carried whole, and `is_a` knows it.\n\
         `Screw = { wanted = true }` under `[types]` generates it.\nNo operation leads to it.\n"
    );
    let error = explain(&source, "Anser").unwrap_err();
    assert_eq!(
        error.to_string(),
        "t.yaml has no type `Anser`; did you mean `Answer`?"
    );
}

#[test]
fn yaml_and_json_give_the_same_files() {
    for product in schemas::products().unwrap() {
        let path = product.join(schemas::document_name(&product).unwrap());
        let File { json, .. } = document::open(&path).unwrap();
        let yaml = parse("t.yaml", writer::yaml(&json).as_bytes()).unwrap();
        let [from_json, from_yaml] = [json, yaml].map(|full| {
            let mut overlay = Overlay::read_rules(&product).unwrap();
            overlay.documented = false;
            let source = Source::of("t", "digest", full, overlay, false).unwrap();
            source.render().unwrap()
        });
        assert!(from_json.len() > 3, "{}", path.display());
        assert_eq!(from_json, from_yaml, "{}", path.display());
    }
}
