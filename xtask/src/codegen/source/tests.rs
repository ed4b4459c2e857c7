mod names;

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

/// All that is generated.
fn rendered(document: &str, overlay: &str) -> String {
    let files = source(document, overlay).unwrap().render().unwrap();
    files.into_values().collect()
}

/// Why nothing is generated, with `from` in the document replaced by `to`.
fn refused(from: &str, to: &str) -> String {
    assert!(DOCUMENT.contains(from), "{from}");
    let error = source(&DOCUMENT.replace(from, to), OVERLAY).and_then(|source| source.model());
    format!("{:#}", error.unwrap_err())
}

#[test]
fn a_secret_that_is_no_text_of_the_type_is_named_with_its_line() {
    let refused = |rule: &str| {
        let overlay = format!("{OVERLAY}[types]\n{rule}\n");
        format!("{:#}", source(DOCUMENT, &overlay).err().unwrap())
    };
    assert_eq!(
        refused(r#"actRequestType = { secrets = ["prt"] }"#),
        "operations.toml:4: `types.actRequestType.secrets`: `prt`: no such member; did you mean `part`?"
    );
    assert_eq!(
        refused(r#"Part = { secrets = ["size"] }"#),
        "operations.toml:4: `types.Part.secrets`: `size`: it is no text"
    );
    assert_eq!(
        refused(r#"Screw = { wanted = true, secrets = ["size"] }"#),
        "operations.toml:4: `types.Screw.secrets`: `size`: say it at the base that declares it"
    );
    assert!(
        source(
            DOCUMENT,
            &format!("{OVERLAY}[types]\nactRequestType = {{ secrets = [\"how\"] }}\n")
        )
        .is_ok()
    );
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
            "        how: {type: string}",
            "        'how\"ever': {type: string}",
            "t.yaml:26: schema `actRequestType`: member `how\"ever`: its name is empty or has a character",
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
fn a_member_that_may_be_null_is_optional_and_what_is_deprecated_says_so() {
    let document = DOCUMENT
        .replace(
            "      type: object\n      properties:\n        how: {type: string}",
            "      type: object\n      required: [how, maybe, part]\n      properties:\n        \
             how: {type: string, nullable: true, deprecated: true}\n        maybe: {type: [string, 'null']}",
        )
        .replace(
            "operationId: Thing_act",
            "operationId: Thing_act\n      deprecated: true",
        );
    let text = rendered(&document, OVERLAY);
    for part in [
        "    /// Wire name `how`; deprecated.\n    pub how: Option<String>,",
        "pub maybe: Option<String>,",
        "pub part: Object<Part>,",
        "/// Deprecated.\n///\n/// `POST /Thing/{moId}/act`",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
}

#[test]
fn what_stands_elsewhere_in_the_document_is_taken_from_there() {
    let document = DOCUMENT
        .replace(
            "      responses: {200: {content: {application/json: {schema: {$ref: '#/components/schemas/Part'}}}}}",
            "      requestBody: {$ref: '#/components/requestBodies/part'}\n      responses: {200: {$ref: '#/components/responses/part'}}",
        )
        .replace(
            "  /Thing/{moId}/look:\n",
            "  /Thing/{moId}/look:\n    parameters: [{name: deep, in: query, schema: {type: string}}, {name: wide, in: query, schema: {type: string}}]\n",
        )
        .replace(
            "components:\n",
            "components:\n  requestBodies: {part: {content: {application/json: {schema: {$ref: '#/components/schemas/Alone'}}}}}\n\
             \x20 responses: {part: {content: {application/json: {schema: {$ref: '#/components/schemas/Part'}}}}}\n",
        );
    let text = rendered(&document, "[operations]\nThing_look = {}\n");
    for part in [
        "takes [`Alone`](super::super::Alone)",
        "Answers any [`Part`](super::super::Part).",
        "pub deep: Option<bool>,",
        "pub wide: Option<String>,",
    ] {
        assert!(text.contains(part), "no {part} in\n{text}");
    }
    let error = source(
        &document.replace("requestBodies/part'", "requestBodies/prat'"),
        "[operations]\nThing_look = {}\n",
    );
    assert_eq!(
        error.unwrap_err().to_string(),
        "t.yaml:18: operation `Thing_look`: `#/components/requestBodies/prat` leads nowhere"
    );
}

#[test]
fn what_an_operation_says_in_vain_is_a_warning() {
    let document = DOCUMENT.replace(
        "      responses: {200: {content: {application/json: {schema: {$ref: '#/components/schemas/Part'}}}}}",
        "      callbacks: {}\n      responses: {200: {content: {text/plain: {schema: {type: string}}}}}",
    );
    let document = document
        .replace(
            "[{name: deep,",
            "[{name: crumb, in: cookie, schema: {type: string}}, {name: deep,",
        )
        .replace("        200: {content", "        default: {content");
    let source = source(&document, &format!("{OVERLAY}Thing_look = {{}}\n")).unwrap();
    assert_eq!(
        source.document.warnings,
        [
            "t.yaml:5: path `/Thing/{moId}/act`, post: no answer with a status 2xx; it is taken for one without content",
            "t.yaml:16: path `/Thing/{moId}/look`, get: parameter `crumb` is a cookie, which is passed over",
            "t.yaml:17: path `/Thing/{moId}/look`, get: unknown keyword `callbacks` is passed over",
            "t.yaml:18: path `/Thing/{moId}/look`, get: status 200: `text/plain` is no JSON; the answer is taken for one \
             without content",
        ]
    );
}

#[test]
fn the_tag_of_a_union_is_no_member_of_its_variants() {
    let document = DOCUMENT
        .replace("how: {type: string}", "how: {$ref: '#/components/schemas/Way'}")
        .replace(
            "    Alone:",
            "    Way:\n      oneOf: [{$ref: '#/components/schemas/ByRail'}, {$ref: '#/components/schemas/ByRoad'}]\n      \
             discriminator: {propertyName: kind}\n\
             \x20   Trip: {type: object, required: [kind], properties: {kind: {type: string}, stops: {type: integer}}}\n\
             \x20   ByRail: {type: object, allOf: [{$ref: '#/components/schemas/Trip'}]}\n\
             \x20   ByRoad: {type: object, required: [kind], properties: {kind: {type: string}, toll: {type: boolean}}}\n    Alone:",
        );
    let text = rendered(&document, OVERLAY);
    assert!(
        text.contains("pub stops:") && text.contains("pub toll:"),
        "{text}"
    );
    assert!(!text.contains("pub kind:"), "{text}");
}

#[test]
fn two_operations_of_one_id_are_refused() {
    let document = DOCUMENT.replace("operationId: Thing_look", "operationId: Thing_act");
    assert_eq!(
        source(&document, OVERLAY).unwrap_err().to_string(),
        "t.yaml:13: path `/Thing/{moId}/look`, get: another operation has the id `Thing_act` too (operations.toml:2)"
    );
}

#[test]
fn what_is_no_type_is_explained() {
    let document = DOCUMENT.replace(
        "    Alone:",
        "    PrimitiveString: {type: object, properties: {_value: {type: string}}, allOf: [{$ref: '#/components/schemas/Any'}]}\n\
         \x20   Size: {type: integer}\n    Alone:",
    );
    let source = source(&document, OVERLAY).unwrap();
    for (name, text) in [
        ("Any", "it is written by hand as `farside_wire::Any`"),
        (
            "PrimitiveString",
            "it says how a value travels in an `Any`, which is written by hand as `farside_wire::Any`",
        ),
        (
            "Size",
            "it is but another name for a text, a number, an array or a map, which is used in its place",
        ),
    ] {
        let expected = format!("`{name}` is not generated: {text}.\n");
        assert_eq!(explain(&source, name).unwrap(), expected);
    }
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
