//! A document with whatever the dialect allows: what comes out of it is checked in, and compiled here.
//!
//! `UPDATE_GOLDEN=1 cargo test -p xtask --test oddities` writes it.

use std::path::{Path, PathBuf};

use farside_wire::{DataType, Method, Object, Repeat};
use xtask::codegen;

#[expect(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "a module for somebody's library, of which a test uses little"
)]
#[path = "fixtures/oddities/generated/mod.rs"]
mod generated;

use generated::{ByRoom, DimRequest, Effect, Filter, Flicker, HouseLampsFindRequest, LampKind, State};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/oddities")
}

fn arguments(out: PathBuf) -> codegen::Args {
    codegen::Args {
        foreign: codegen::Foreign {
            from: Some(folder().join("lamps.yaml")),
            operations: Some(folder().join("operations.toml")),
        },
        out: Some(out),
        docs: true,
        ..codegen::Args::default()
    }
}

#[test]
fn generated_module_is_fresh() {
    let check = std::env::var_os("UPDATE_GOLDEN").is_none();
    let arguments = codegen::Args {
        check,
        ..arguments(folder().join("generated"))
    };
    codegen::run(&arguments).unwrap();
}

#[test]
fn without_docs_no_prose_is_taken_over() {
    let out = std::env::temp_dir().join(format!("xtask-oddities-{}", std::process::id()));
    let arguments = codegen::Args {
        docs: false,
        ..arguments(out.clone())
    };
    codegen::run(&arguments).unwrap();
    let mut files = 0;
    for path in files_below(&out) {
        let text = std::fs::read_to_string(&path).unwrap();
        for prose in [
            "Dims",
            "What a lamp does",
            "What is seen",
            "At most so many",
            "For the log",
        ] {
            assert!(!text.contains(prose), "{} has {prose:?}", path.display());
        }
        files += 1;
    }
    std::fs::remove_dir_all(&out).unwrap();
    assert!(files > 3);
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("the folder can be listed") {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            found.extend(files_below(&path));
        } else {
            found.push(path);
        }
    }
    found
}

#[test]
fn operations_are_described_as_the_document_has_them() {
    let dim = generated::operation::LAMP_DIM_TASK;
    assert_eq!(
        (dim.method, dim.path, dim.query),
        (Method::Post, "/Lamp/{moId}/Dim_Task", "")
    );
    assert_eq!((dim.repeat, dim.anonymous), (Repeat::OnlyIfNeverSent, false));
    let state = generated::operation::LAMP_GET_STATE;
    assert_eq!((state.repeat, state.anonymous), (Repeat::Harmless, true));
    let find = generated::operation::HOUSE_LAMPS_FIND;
    assert_eq!((find.path, find.query), ("/houses/{house}/lamps", "action=find"));
    let name = generated::operation::HOUSE_LAMPS_NAME;
    assert_eq!(
        (name.path, name.query),
        ("/houses/{house}/lamps", "action=name&quiet=true")
    );
}

#[test]
fn values_survive_reading_and_writing() {
    let text = r#"{"_typeName":"LampState","kind":"on","name":"n","wattInUse":5000000000,"serial":"AQI=","colour":[-1,32767],"twin":{"_typeName":"LampState","kind":"later","children":[]},"children":[],"notes":{"b":"1","a":"2"},"anything":[{}],"value":{"_typeName":"string","_value":"x"},"type":"t","surprise":null}"#;
    let state: State = serde_json::from_str(text).unwrap();
    assert_eq!(state.kind, LampKind::On);
    assert!(matches!(state.twin.as_ref().unwrap().kind, LampKind::Unknown(_)));
    let written: serde_json::Value = serde_json::from_str(&serde_json::to_string(&state).unwrap()).unwrap();
    assert_eq!(written, serde_json::from_str::<serde_json::Value>(text).unwrap());
}

#[test]
fn requests_are_built_with_what_is_required() {
    let flicker = Flicker::new(2.5).with_label("party");
    let mut request = DimRequest::new(40, vec![0.5]);
    request.effect = Some(Object::new(&flicker));
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(
        text,
        r#"{"percent":40,"steps":[0.5],"effect":{"_typeName":"Flicker","label":"party","hertz":2.5}}"#
    );
    let effect: Object<Effect> = request.effect.unwrap();
    assert_eq!(effect.downcast::<Flicker>().unwrap().unwrap(), flicker);
    assert_eq!(Effect::descendants(), ["Flicker"]);

    let find = HouseLampsFindRequest::new(Filter::from(ByRoom::new("attic"))).with_limit(3);
    let text = serde_json::to_string(&find).unwrap();
    assert_eq!(text, r#"{"filter":{"by":"room","room":"attic"},"limit":3}"#);
}

#[test]
fn a_query_travels_as_the_document_says() {
    let query = generated::HouseLampsFindQuery::default()
        .with_kinds(vec![LampKind::On, LampKind::TwoWords])
        .with_rooms(vec!["a".to_owned(), "b".to_owned()]);
    let operation = generated::operation::HOUSE_LAMPS_FIND;
    let path = operation.path_and_query(&[("house", "7/8")], &query.to_query());
    assert_eq!(
        path,
        "/houses/7%2F8/lamps?action=find&kinds=on&kinds=two%20words&rooms=a,b"
    );
}
