use super::super::model::{Item, Model, Place, Refused, Struct, Type};
use super::super::read;
use super::resolve;
use crate::schemas::overlay::{Overlay, Repeat};

const OVERLAY: &str = r#"
origin = "made up"
service = "ViJson"
crates = [{ folder = "models-a", service = "a" }, { folder = "models-b", service = "b", prefix = "/b" }]

[external]
Reference = "farside_wire::ManagedObjectReference"
MethodFault = "farside_wire::MethodFault"

[refused]
general = ["Bad"]

[operations.Thing_act]
doc = "Acts."
repeat = "only-if-never-sent"
refused = ["@general"]

[operations.Thing_getState]
doc = "Reads."
refused = ["@general", "Worse"]

[operations.Other_act]
doc = "Acts elsewhere."
repeat = "only-if-never-sent"

[types.Wanted]
wanted = true
group = "extras"
rename = "Renamed"
"#;

const DOCUMENT: &str = r##"{
"openapi": "3.0.3", "info": {"title": "t", "version": "9"},
"paths": {
  "/Thing/{id}/act?kind=x": {"post": {"operationId": "Thing_act", "tags": ["Thing"], "security": [{"s": []}, {}],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/actRequestType"}}}},
    "responses": {"204": {"description": "No Content"}}, "x-farside-faults": ["Bad"],
    "x-farside-privileges": ["P", {"when": "w", "privilege": "Q"}]}},
  "/Thing/{id}/state": {"get": {"operationId": "Thing_getState", "tags": ["Thing"], "security": [{"s": []}],
    "responses": {"200": {"description": "OK", "content": {"application/vnd.x+json": {"schema": {"nullable": true, "allOf": [{"$ref": "#/components/schemas/State"}]}}}}}}},
  "/b/Other/{id}/act": {"post": {"operationId": "Other_act", "tags": ["Other"],
    "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {"planned": {"type": "boolean"}}, "required": ["planned"]}}}},
    "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/PageOfShared"}}}}}}}
},
"components": {"schemas": {
  "Any": {"type": "object", "properties": {"_typeName": {"type": "string"}}, "required": ["_typeName"]},
  "DataObject": {"type": "object", "allOf": [{"$ref": "#/components/schemas/Any"}]},
  "MethodFault": {"type": "object", "properties": {"faultCause": {"$ref": "#/components/schemas/MethodFault"}}, "allOf": [{"$ref": "#/components/schemas/Any"}]},
  "Reference": {"type": "object", "allOf": [{"$ref": "#/components/schemas/Any"}]},
  "Bad": {"type": "object", "properties": {"why": {"type": "string"}}, "allOf": [{"$ref": "#/components/schemas/MethodFault"}]},
  "Base": {"type": "object", "properties": {"first": {"type": "string"}}, "required": ["first"], "allOf": [{"$ref": "#/components/schemas/DataObject"}],
    "x-farside-open": true, "x-farside-subtypes": ["Unseen", "Wanted"]},
  "Wanted": {"type": "object", "properties": {"second": {"$ref": "#/components/schemas/Kind_enum"}}, "allOf": [{"$ref": "#/components/schemas/Base"}]},
  "Kind_enum": {"type": "string", "enum": ["one", "UNKNOWN"]},
  "actRequestType": {"type": "object", "properties": {"what": {"$ref": "#/components/schemas/Base"}, "where": {"$ref": "#/components/schemas/Reference"},
    "word": {"type": "string", "format": "password", "x-farside-secret": true}, "many": {"type": "array", "items": {"type": "integer", "minimum": -128, "maximum": 127}}}, "required": ["what"]},
  "State": {"type": "object", "properties": {"again": {"$ref": "#/components/schemas/Inner"}, "shared": {"$ref": "#/components/schemas/Shared"}, "fault": {"$ref": "#/components/schemas/MethodFault"}}, "allOf": [{"$ref": "#/components/schemas/DataObject"}]},
  "Inner": {"type": "object", "properties": {"state": {"$ref": "#/components/schemas/State"}}, "allOf": [{"$ref": "#/components/schemas/DataObject"}]},
  "Shared": {"type": "object", "properties": {"startTime": {"type": "integer", "format": "int64"}}, "allOf": [{"$ref": "#/components/schemas/DataObject"}]},
  "PageOfShared": {"type": "object", "properties": {"items": {"type": "array", "items": {"$ref": "#/components/schemas/Shared"}}, "total": {"type": "integer"}},
    "x-farside-generic": {"of": "Page", "argument": "Shared"}, "x-farside-path-prefix": "/b"},
  "PageOfObject": {"type": "object", "properties": {"items": {"type": "array", "items": {}}, "total": {"type": "integer"}},
    "x-farside-generic": {"of": "Page", "argument": "Object"}, "x-farside-path-prefix": "/b"}
}},
"x-farside-fault-ancestry": {"Bad": "MethodFault", "Worse": "Bad"}
}"##;

fn model_of(overlay: &str, document: &str) -> anyhow::Result<Model> {
    let document = read::document("t.json", "digest", &serde_json::from_str(document)?)?;
    resolve(&document, &Overlay::parse(overlay)?)
}

fn model() -> Model {
    model_of(OVERLAY, DOCUMENT).unwrap()
}

fn find<'a>(model: &'a Model, rust: &str) -> &'a Struct {
    let items = model
        .crates
        .iter()
        .flat_map(|krate| krate.files.values())
        .flat_map(|file| &file.items);
    let found = items.filter_map(|item| match item {
        Item::Struct(item) => Some(item),
        Item::Enum(_) | Item::Union(_) => None,
    });
    let mut found = found.filter(|item| item.rust == rust);
    found.next().unwrap_or_else(|| panic!("no struct {rust}"))
}

fn ty<'a>(item: &'a Struct, wire: &str) -> &'a Type {
    &item
        .fields
        .iter()
        .find(|field| field.wire == wire)
        .unwrap_or_else(|| panic!("no member {wire}"))
        .ty
}

/// Names of the types in a file.
fn types(model: &Model, krate: usize, service: &str, group: &str) -> Vec<String> {
    let place = Place {
        service: service.into(),
        group: group.into(),
    };
    let file = model.crates[krate]
        .files
        .get(&place)
        .unwrap_or_else(|| panic!("no file {service}/{group}"));
    let names = file.items.iter().map(|item| match item {
        Item::Struct(item) => &item.rust,
        Item::Enum(item) => &item.rust,
        Item::Union(item) => &item.rust,
    });
    names.cloned().collect()
}

#[test]
fn inheritance_is_flattened_bases_first() {
    let model = model();
    let wanted = find(&model, "Renamed");
    let members: Vec<&str> = wanted.fields.iter().map(|field| field.wire.as_str()).collect();
    assert_eq!(members, ["first", "second"], "`_typeName` is no member");
    assert_eq!(wanted.bases, ["Base", "DataObject", "Any"]);
    assert!(wanted.typed);
}

#[test]
fn open_places_secrets_and_references_get_their_types() {
    let model = model();
    let request = find(&model, "ActRequest");
    assert_eq!(*ty(request, "what"), Type::Object("Base".into()));
    assert_eq!(
        *ty(request, "where"),
        Type::External("farside_wire::ManagedObjectReference".into())
    );
    assert_eq!(*ty(request, "word"), Type::Secret);
    assert_eq!(*ty(request, "many"), Type::List(Box::new(Type::I8)));
    assert_eq!(*ty(find(&model, "State"), "fault"), Type::Fault);
    assert!(!request.typed, "a request body has no type name");
}

#[test]
fn descendants_come_from_the_schema_and_for_faults_from_their_ancestry() {
    let model = model();
    assert_eq!(find(&model, "Base").descendants, ["Unseen", "Wanted"]);
    assert_eq!(find(&model, "Bad").descendants, ["Worse"]);
}

#[test]
fn types_that_contain_themselves_are_boxed() {
    let model = model();
    assert_eq!(
        *ty(find(&model, "State"), "again"),
        Type::Boxed(Box::new(Type::Named("Inner".into())))
    );
    assert_eq!(
        *ty(find(&model, "Inner"), "state"),
        Type::Boxed(Box::new(Type::Named("State".into())))
    );
    assert_eq!(*ty(find(&model, "State"), "shared"), Type::Named("Shared".into()));
}

#[test]
fn instances_of_a_generic_become_one_type() {
    let model = model();
    let page = find(&model, "Page");
    assert!(page.generic);
    assert_eq!(*ty(page, "items"), Type::List(Box::new(Type::Parameter)));
    let different = DOCUMENT.replace(r#""items": {"type": "array", "items": {}}"#, r#""items": {}"#);
    let error = model_of(OVERLAY, &different).unwrap_err();
    assert!(
        format!("{error:#}").contains("`PageOfObject` and `PageOfShared` are not instances of one generic"),
        "{error:#}"
    );
}

#[test]
fn values_of_requests_can_be_made_and_answers_may_grow() {
    let model = model();
    assert!(find(&model, "ActRequest").input);
    assert!(find(&model, "Base").input, "declared in a request");
    assert!(
        find(&model, "Renamed").input,
        "derives from what is declared in a request"
    );
    assert!(!find(&model, "State").input);
}

#[test]
fn types_lie_with_the_one_resource_that_uses_them() {
    let model = model();
    assert_eq!(types(&model, 0, "a", "thing"), ["ActRequest", "State", "Inner"]);
    assert_eq!(types(&model, 0, "a", "faults"), ["Bad"]);
    assert_eq!(
        types(&model, 0, "a", "common"),
        ["Base", "Shared"],
        "more than one resource uses them"
    );
    assert_eq!(types(&model, 0, "a", "extras"), ["Renamed", "Kind"]);
    assert_eq!(types(&model, 1, "b", "other"), ["OtherActRequest", "Page"]);
}

#[test]
fn operations_keep_the_fixed_query_and_who_may_call_them() {
    let model = model();
    let place = Place {
        service: "a".into(),
        group: "thing".into(),
    };
    let operations = &model.crates[0].files[&place].operations;
    assert_eq!(
        (operations[0].path.as_str(), operations[0].query.as_str()),
        ("/Thing/{id}/act", "kind=x")
    );
    assert_eq!(operations[0].privileges, ["P", "Q"]);
    assert!(operations[0].anonymous && !operations[1].anonymous);
    assert_eq!(operations[0].refused, Refused::List("general".into()));
    assert_eq!(
        operations[1].refused,
        Refused::Names(vec!["Bad".into(), "Worse".into()])
    );
    assert_eq!(operations[1].repeat, Repeat::Harmless, "a GET");
}

#[test]
fn what_acts_must_say_whether_it_may_be_repeated() {
    let silent = OVERLAY.replace(
        "doc = \"Acts elsewhere.\"\nrepeat = \"only-if-never-sent\"",
        "doc = \"Acts elsewhere.\"",
    );
    let error = model_of(&silent, DOCUMENT).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "operation `Other_act`: a post needs `repeat`"
    );
}

#[test]
fn a_reference_to_nothing_names_schema_and_member() {
    let broken = DOCUMENT.replace(
        r##""second": {"$ref": "#/components/schemas/Kind_enum"}"##,
        r##""second": {"$ref": "#/components/schemas/Gone"}"##,
    );
    let error = model_of(OVERLAY, &broken).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "schema `Wanted`: member `second`: no schema `Gone`"
    );
}

#[test]
fn two_members_of_one_rust_name_are_refused() {
    let broken = DOCUMENT.replace(
        r#""why": {"type": "string"}"#,
        r#""aB": {"type": "string"}, "a_b": {"type": "string"}"#,
    );
    let error = model_of(OVERLAY, &broken).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "schema `Bad`: two members are called `a_b` in Rust"
    );
}

#[test]
fn what_the_reader_does_not_understand_is_named() {
    let broken = DOCUMENT.replace(r#""why": {"type": "string"}"#, r#""why": {"type": "tuple"}"#);
    let error = model_of(OVERLAY, &broken).unwrap_err();
    assert_eq!(format!("{error:#}"), "schema `Bad`: member `why`: type `tuple`");
}
