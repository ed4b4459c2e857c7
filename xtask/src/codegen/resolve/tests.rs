use super::super::model::{Failure, Item, Model, Operation, Query, Refused, Struct, Type};
use super::super::read;
use super::resolve;
use crate::document;
use crate::schemas::overlay::{Layout, Overlay, Repeat};

const OVERLAY: &str = r#"
origin = "made up"
service = "ViJson"
crates = [{ folder = "models-a", service = "a" }, { folder = "models-b", service = "b", prefix = "/b" }]

[external]
Reference = "farside_wire::ManagedObjectReference"
MethodFault = "farside_wire::MethodFault"

[refused]
general = ["Bad"]

[operations]
Thing_act = { refused = ["@general"] }
Thing_getState = { refused = ["@general", "Worse"] }
Other_act = {}

[types]
Wanted = { wanted = true, group = "extras", rename = "Renamed" }
"#;

const DOCS: &str = r#"
[operations.Thing_act]
doc = "Acts."
result = "What was done."
errors = { Worse = "Worse than bad." }
parameters = { "X-Note" = "A note." }

[operations.Other_act]
parameters = { planned = "Whether it was planned." }

[errors]
Bad = "It was bad."

[types.Base]
doc = "What acts are about."
fields = { first = "Comes first." }

[types.Kind_enum]
fields = { one = "The first kind." }
"#;

const DOCUMENT: &str = r##"{
"openapi": "3.0.3", "info": {"title": "t", "version": "9"},
"paths": {
  "/Thing/{id}/act?kind=x": {"post": {"operationId": "Thing_act", "tags": ["Thing"], "security": [{"s": []}, {}],
    "parameters": [{"name": "id", "in": "path", "required": true, "schema": {"type": "string"}}, {"name": "pageSize", "in": "query", "schema": {"type": "integer", "format": "int32"}},
      {"name": "X-Note", "in": "header", "schema": {"type": "string"}}],
    "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/actRequestType"}}}},
    "responses": {"204": {"description": "No Content"}}, "x-farside-faults": ["Bad"], "x-farside-confidence": "inferred",
    "x-farside-privileges": ["P", {"when": "w", "privilege": "Q"}]}},
  "/Thing/{id}/state": {"get": {"operationId": "Thing_getState", "tags": ["Thing"], "security": [{"s": []}],
    "parameters": [{"name": "pageSize", "in": "query", "schema": {"type": "integer", "format": "int32"}}],
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
    let mut overlay = Overlay::parse(overlay)?;
    overlay.docs.merge("docs.toml", DOCS)?;
    let document = document::parse("t.json", document.as_bytes())?;
    resolve(&read::document("t.json", "digest", &document)?, &overlay)
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
        _ => None,
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

fn operation<'a>(model: &'a Model, id: &str) -> &'a Operation {
    let files = model.crates.iter().flat_map(|krate| krate.files.values());
    let mut found = files
        .flat_map(|file| &file.operations)
        .filter(|operation| operation.id == id);
    found.next().unwrap_or_else(|| panic!("no operation {id}"))
}

fn queries(model: &Model) -> Vec<&Query> {
    let files = model.crates.iter().flat_map(|krate| krate.files.values());
    let items = files.flat_map(|file| &file.items);
    items
        .filter_map(|item| match item {
            Item::Query(query) => Some(query),
            _ => None,
        })
        .collect()
}

/// Files of a crate, with their features and the names of their types.
fn files(model: &Model, krate: usize) -> Vec<(String, Option<&str>, Vec<&str>)> {
    let files = model.crates[krate].files.iter().map(|(place, file)| {
        let path = format!("{}/{}", place.service, place.group);
        let types = file.items.iter().map(Item::rust).collect();
        (path, place.features.first().map(String::as_str), types)
    });
    files.collect()
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
    let instances: Vec<&str> = page.instances.iter().map(|(schema, _)| schema.as_str()).collect();
    assert_eq!(instances, ["PageOfShared", "PageOfObject"]);
    assert_eq!(page.instances[1].1, Type::Raw);
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
fn types_lie_with_the_one_resource_that_uses_them_and_wait_for_its_feature() {
    let model = model();
    let thing = Some("thing");
    assert_eq!(
        files(&model, 0),
        [
            ("a/common".to_owned(), None, vec!["Base", "Kind", "Shared"]),
            ("a/extras".to_owned(), None, vec!["Renamed"]),
            (
                "a/thing".to_owned(),
                thing,
                vec!["PageSizeQuery", "ActRequest", "State", "Inner"]
            ),
            ("a/thing_faults".to_owned(), thing, vec!["Bad"]),
        ],
        "what another crate uses, and what is wanted for all, is always there"
    );
    assert_eq!(
        files(&model, 1),
        [(
            "b/other".to_owned(),
            Some("other"),
            vec!["OtherActRequest", "Page"]
        )]
    );
}

#[test]
fn a_wanted_type_can_belong_to_a_tag() {
    let tagged = OVERLAY.replace("wanted = true, group", r#"wanted = true, tag = "Thing", group"#);
    let model = model_of(&tagged, DOCUMENT).unwrap();
    assert!(
        files(&model, 0).contains(&("a/thing_extras".to_owned(), Some("thing"), vec!["Renamed"])),
        "{:?}",
        files(&model, 0)
    );
}

#[test]
fn a_module_has_no_features() {
    let mut overlay = Overlay::parse(OVERLAY).unwrap();
    overlay.layout = Layout::Module;
    let document = document::parse("t.json", DOCUMENT.as_bytes()).unwrap();
    let model = resolve(&read::document("t.json", "digest", &document).unwrap(), &overlay).unwrap();
    assert!(files(&model, 0).iter().all(|(_, feature, _)| feature.is_none()));
}

#[test]
fn a_fault_is_there_for_every_tag_that_has_one_derived_from_it() {
    let base = r##""Bad": {"type": "object", "properties": {"why": {"type": "string"}}, "allOf": [{"$ref": "#/components/schemas/MethodFault"}]},"##;
    let derived = format!(
        r##"{base}"Worse": {{"type": "object", "properties": {{"kind": {{"$ref": "#/components/schemas/Kind_enum"}}}}, "allOf": [{{"$ref": "#/components/schemas/Bad"}}]}},"##
    );
    let document = DOCUMENT.replace(base, &derived).replace(
        r#""tags": ["Other"],"#,
        r#""tags": ["Other"], "x-farside-faults": ["Worse"],"#,
    );
    let model = model_of(OVERLAY, &document).unwrap();
    assert!(
        files(&model, 0).contains(&("a/common_faults".to_owned(), None, vec!["Bad", "Worse"])),
        "{:?}",
        files(&model, 0)
    );
    assert_eq!(find(&model, "Worse").bases, ["Bad", "MethodFault", "Any"]);
}

#[test]
fn whole_families_of_declared_faults_are_types_but_not_those_of_a_root() {
    let worse = r##""Worse": {"type": "object", "allOf": [{"$ref": "#/components/schemas/Bad"}]},
        "VimFault": {"type": "object", "allOf": [{"$ref": "#/components/schemas/MethodFault"}]},
        "Odd": {"type": "object", "allOf": [{"$ref": "#/components/schemas/VimFault"}]},
        "Base": {"##;
    let document = DOCUMENT
        .replace(r#""Base": {"#, worse)
        .replace(
            r#"{"Bad": "MethodFault", "#,
            r#"{"Bad": "MethodFault", "Odd": "VimFault", "VimFault": "MethodFault", "Worst": "Worse", "#,
        )
        .replace(
            r#""x-farside-faults": ["Bad"]"#,
            r#""x-farside-faults": ["Bad", "VimFault"]"#,
        );
    let model = model_of(OVERLAY, &document).unwrap();
    let act = operation(&model, "Thing_act");
    assert_eq!(act.faults, ["Bad", "VimFault"]);
    assert_eq!(
        act.families,
        ["Worse"],
        "neither `Odd`, nor `Worst`, which has no schema"
    );
    assert!(
        files(&model, 0).contains(&(
            "a/thing_faults".to_owned(),
            Some("thing"),
            vec!["Bad", "Worse", "VimFault"]
        )),
        "{:?}",
        files(&model, 0)
    );
}

#[test]
fn faults_that_few_resources_raise_wait_for_the_feature_of_one_of_them() {
    let document = DOCUMENT.replace("/b/Other", "/Other").replace(
        r#""tags": ["Other"],"#,
        r#""tags": ["Other"], "x-farside-faults": ["Bad"],"#,
    );
    let model = model_of(OVERLAY, &document).unwrap();
    let mut places = model.crates[0].files.keys();
    let place = places.find(|place| place.group == "other_thing_faults").unwrap();
    assert_eq!(place.features, ["other", "thing"]);
}

#[test]
fn a_member_can_be_said_to_be_secret() {
    let overlay = format!("{OVERLAY}\nBad = {{ secrets = [\"why\"] }}\n");
    let model = model_of(&overlay, DOCUMENT).unwrap();
    assert_eq!(*ty(find(&model, "Bad"), "why"), Type::Secret);
    assert_eq!(
        operation(&model, "Thing_act").secrets,
        ["why", "word"],
        "of its request and of the fault that it declares"
    );
}

#[test]
fn a_name_and_a_password_with_the_call_make_it_anonymous() {
    let basic = |scheme: &str| {
        let document = DOCUMENT
            .replace(r#""security": [{"s": []}],"#, r#""security": [{"b": []}],"#)
            .replace(
                r#""components": {"#,
                &format!(r#""components": {{"securitySchemes": {{"b": {{"type": "http", "scheme": "{scheme}"}}}}, "#),
            );
        operation(&model_of(OVERLAY, &document).unwrap(), "Thing_getState").anonymous
    };
    assert!(basic("basic"));
    assert!(!basic("bearer"));
}

#[test]
fn operations_keep_the_fixed_query_and_who_may_call_them() {
    let model = model();
    let (act, state) = (
        operation(&model, "Thing_act"),
        operation(&model, "Thing_getState"),
    );
    assert_eq!(
        (act.path.as_str(), act.query.as_str()),
        ("/Thing/{id}/act", "kind=x")
    );
    assert_eq!(act.privileges, ["P", "Q"]);
    assert!(act.anonymous && !state.anonymous);
    assert_eq!(act.refused, Refused::List("general".into()));
    assert_eq!(state.refused, Refused::Names(vec!["Bad".into(), "Worse".into()]));
    assert_eq!(act.confidence.as_deref(), Some("inferred"));
}

#[test]
fn what_acts_is_not_repeated_unless_it_is_said_to_be_harmless() {
    let model = model();
    assert_eq!(operation(&model, "Thing_getState").repeat, Repeat::Harmless);
    assert_eq!(operation(&model, "Thing_act").repeat, Repeat::OnlyIfNeverSent);
    let told = OVERLAY.replace("Other_act = {}", r#"Other_act = { repeat = "harmless" }"#);
    let told = model_of(&told, DOCUMENT).unwrap();
    assert_eq!(operation(&told, "Other_act").repeat, Repeat::Harmless);
}

#[test]
fn declared_errors_come_first_then_what_is_said_beyond_them() {
    let model = model();
    let failure = |name: &str, meaning: &str, refused| Failure {
        name: name.into(),
        meaning: Some(meaning.into()),
        refused,
    };
    assert_eq!(
        operation(&model, "Thing_act").errors,
        [
            failure("Bad", "It was bad.", true),
            failure("Worse", "Worse than bad.", false)
        ]
    );
}

#[test]
fn texts_come_from_the_overlay() {
    let model = model();
    let act = operation(&model, "Thing_act");
    assert_eq!(
        (act.doc.as_deref(), act.result.as_deref()),
        (Some("Acts."), Some("What was done."))
    );
    assert_eq!(act.headers, [("X-Note".to_owned(), Some("A note.".to_owned()))]);
    assert_eq!(operation(&model, "Thing_getState").doc, None);
    assert_eq!(find(&model, "Base").doc.as_deref(), Some("What acts are about."));
    let first = &find(&model, "Renamed").fields[0];
    assert_eq!(first.doc.as_deref(), Some("Comes first."), "said at the base");
    let planned = &find(&model, "OtherActRequest").fields[0];
    assert_eq!(planned.doc.as_deref(), Some("Whether it was planned."));
}

#[test]
fn operations_share_the_type_of_equal_query_parameters() {
    let model = model();
    let [query] = queries(&model)[..] else {
        panic!("{:?}", queries(&model));
    };
    assert_eq!(
        (query.rust.as_str(), query.operations.len()),
        ("PageSizeQuery", 2)
    );
    assert_eq!(
        (query.fields[0].rust.as_str(), &query.fields[0].ty),
        ("page_size", &Type::I32)
    );
    let different = DOCUMENT.replacen(
        r#""in": "query", "schema": {"type": "integer", "format": "int32"}"#,
        r#""in": "query", "schema": {"type": "string"}"#,
        1,
    );
    let model = model_of(OVERLAY, &different).unwrap();
    let names: Vec<&str> = queries(&model).iter().map(|query| query.rust.as_str()).collect();
    assert_eq!(names, ["ThingActQuery", "ThingGetStateQuery"]);
}

#[test]
fn an_object_in_the_query_travels_member_by_member() {
    let object = DOCUMENT.replacen(
        r#""in": "query", "schema": {"type": "integer", "format": "int32"}"#,
        r##""in": "query", "schema": {"$ref": "#/components/schemas/Bad"}"##,
        1,
    );
    let model = model_of(OVERLAY, &object).unwrap();
    let query = queries(&model)[0];
    let fields: Vec<&str> = query.fields.iter().map(|field| field.wire.as_str()).collect();
    assert_eq!(
        (query.rust.as_str(), fields),
        ("ThingActQuery", vec!["faultCause", "why"])
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
        "t.json:25: schema `Wanted`: member `second`: no schema `Gone`"
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
        "t.json:22: schema `Bad`: member `a_b`: its name in Rust, `a_b`, is that of `aB` too; say \
         `Bad = { names = { a_b = \"..\" } }` under [types]"
    );
}

#[test]
fn what_the_reader_does_not_understand_is_named() {
    let broken = DOCUMENT.replace(r#""why": {"type": "string"}"#, r#""why": {"type": "tuple"}"#);
    let error = model_of(OVERLAY, &broken).unwrap_err();
    assert_eq!(
        format!("{error:#}"),
        "t.json:22: schema `Bad`: member `why`: unknown type `tuple`"
    );
}
