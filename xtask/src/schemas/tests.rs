use super::cut::cut;
use super::layout;
use super::overlay::Overlay;
use crate::document;
use crate::json::Json;

const OVERLAY: &str = r#"
origin = "made up"
service = "ViJson"
crates = [{ folder = "models-x", service = "x" }]

[refused]
general = ["B", "A"]

[operations.Thing_act]
refused = ["@general", "A", "C"]

[types.Big]
wanted = true
members = ["kept"]
"#;

const DOCUMENT: &str = r##"{
"openapi": "3.0.3",
"info": {"title": "t", "version": "1"},
"tags": [{"name": "Thing", "description": "prose"}, {"name": "Other"}],
"paths": {
  "/Other/{id}/act": {"post": {"operationId": "Other_act", "tags": ["Other"], "responses": {}}},
  "/Thing/{id}/act": {"post": {"operationId": "Thing_act", "tags": ["Thing"], "description": "prose",
    "parameters": [{"$ref": "#/components/parameters/id"}],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/actRequestType"}}}},
    "responses": {"204": {"description": "No Content"},
                  "500": {"description": "Fault", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Unreached"}}}}},
    "x-farside-faults": ["Bad"]}}
},
"components": {
  "schemas": {
    "Unreached": {"type": "object"},
    "Sub": {"type": "object", "allOf": [{"$ref": "#/components/schemas/Base"}]},
    "Base": {"type": "object", "allOf": [{"$ref": "#/components/schemas/Any"}]},
    "Bad": {"type": "object", "allOf": [{"$ref": "#/components/schemas/MethodFault"}]},
    "MethodFault": {"type": "object", "allOf": [{"$ref": "#/components/schemas/Any"}]},
    "Big": {"type": "object", "properties": {"gone": {"$ref": "#/components/schemas/Unreached"}, "kept": {"type": "string"}}, "required": ["gone", "kept"]},
    "actRequestType": {"type": "object", "description": "prose",
      "properties": {"description": {"type": "string", "description": "prose"}, "base": {"$ref": "#/components/schemas/Base"}}},
    "Any": {"type": "object", "discriminator": {"propertyName": "_typeName", "mapping": {"string": "#/components/schemas/Box"}}},
    "Box": {"type": "object", "properties": {"_value": {"type": "string"}}, "allOf": [{"$ref": "#/components/schemas/Any"}]}
  },
  "parameters": {"id": {"name": "id", "in": "path"}, "unused": {"name": "unused", "in": "path"}}
}}"##;

fn parsed(text: &str) -> Json {
    document::parse("full.json", text.as_bytes()).unwrap()
}

/// Why the document cannot be cut to `overlay`.
fn refused(overlay: &str) -> String {
    let error = cut("full.json", &parsed(DOCUMENT), &Overlay::parse(overlay).unwrap()).unwrap_err();
    format!("{error:#}")
}

fn cut_down() -> Json {
    let overlay = Overlay::parse(OVERLAY).unwrap();
    cut("full.json", &parsed(DOCUMENT), &overlay).unwrap()
}

fn schema<'a>(document: &'a Json, name: &str) -> Option<&'a Json> {
    super::cut::schemas(document).and_then(|schemas| schemas.get(name))
}

#[test]
fn faults_below_a_declared_one_are_kept() {
    let document = DOCUMENT.replace(
        r#""Big": {"#,
        r##""Worse": {"type": "object", "allOf": [{"$ref": "#/components/schemas/Bad"}]}, "Big": {"##,
    );
    let cut = cut("full.json", &parsed(&document), &Overlay::parse(OVERLAY).unwrap()).unwrap();
    let names: Vec<&str> = super::cut::schemas(&cut)
        .unwrap()
        .members()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(names.contains(&"Worse"), "{names:?}");
}

#[test]
fn closure_takes_requests_bases_and_declared_faults_only() {
    let document = cut_down();
    let names: Vec<&str> = super::cut::schemas(&document)
        .unwrap()
        .members()
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    assert_eq!(
        names,
        ["Base", "Bad", "MethodFault", "Big", "actRequestType", "Any"],
        "in the document's order"
    );
    let parameters = document
        .get("components")
        .and_then(|components| components.get("parameters"))
        .unwrap();
    assert_eq!(parameters.members().len(), 1);
}

#[test]
fn subtypes_that_are_left_out_leave_their_base_open() {
    let document = cut_down();
    assert!(schema(&document, "Base").unwrap().flag("x-farside-open"));
    assert!(!schema(&document, "Bad").unwrap().flag("x-farside-open"));
}

#[test]
fn prose_goes_and_members_of_the_same_name_stay() {
    let document = cut_down();
    assert!(!document.compact().contains("prose"));
    let request = schema(&document, "actRequestType")
        .and_then(|schema| schema.get("properties"))
        .unwrap();
    assert!(request.get("description").is_some());
}

#[test]
fn only_the_members_asked_for_are_kept() {
    let document = cut_down();
    assert_eq!(
        schema(&document, "Big").unwrap().compact(),
        r#"{"type":"object","properties":{"kept":{"type":"string"}},"required":["kept"]}"#
    );
}

#[test]
fn faults_of_the_full_document_are_listed_with_their_base() {
    let document = cut_down();
    assert_eq!(
        document.get("x-farside-fault-ancestry").unwrap().compact(),
        r#"{"Bad":"MethodFault"}"#
    );
}

#[test]
fn cutting_twice_gives_the_same_text() {
    let once = layout::text(&cut_down());
    let overlay = Overlay::parse(OVERLAY).unwrap();
    assert_eq!(
        once,
        layout::text(&cut("full.json", &parsed(DOCUMENT), &overlay).unwrap())
    );
    assert!(once.contains("\n   \"Bad\":{"), "a schema a line:\n{once}");
}

#[test]
fn the_checked_in_documents_are_as_they_were_written() {
    for product in super::products().unwrap() {
        let name = super::document_name(&product).unwrap();
        let text = std::fs::read_to_string(product.join(&name)).unwrap();
        let document: Json = serde_json::from_str(&text).unwrap();
        assert_eq!(layout::text(&document), text, "{name} was edited by hand");
        let readme = std::fs::read_to_string(product.join("README.md")).unwrap();
        let digest = super::digest(text.as_bytes());
        assert!(
            readme.contains(&digest),
            "README.md beside {name} has another digest than {digest}"
        );
    }
}

#[test]
fn an_operation_that_the_document_lacks_is_named() {
    let text = OVERLAY.replace("Thing_act", "Thing_dance");
    let error = refused(&text);
    assert!(error.to_string().contains("Thing_dance"), "{error}");
}

#[test]
fn a_member_that_the_schema_lacks_is_named() {
    let text = OVERLAY.replace("\"kept\"", "\"nothing\"");
    let error = refused(&text);
    assert!(
        format!("{error:#}").contains("`types.Big.members`: the schema has no members nothing"),
        "{error:#}"
    );
}

#[test]
fn lists_of_refusals_are_expanded_and_sorted() {
    let overlay = Overlay::parse(OVERLAY).unwrap();
    let names = overlay.expand(&overlay.operations["Thing_act"].refused).unwrap();
    assert_eq!(names, ["A", "B", "C"]);
    let error = Overlay::parse(&OVERLAY.replace("@general", "@other")).unwrap_err();
    assert!(
        format!("{error:#}").contains("`@other` is not defined"),
        "{error:#}"
    );
}
