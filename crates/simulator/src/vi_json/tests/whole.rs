//! Everything that can be read of an object, held against the type tables and the schema: no value lacks what its type
//! requires, or has what its type does not know.

use serde_json::{Value, json};

use super::{EAST, ask, bench, retrieve};
use crate::dpu::HostTrouble;
use crate::testbench::{Bench, Schema};
use crate::vi_json::object::Object;
use crate::vi_json::types::{self, Member};

/// Members that the simulator does not fill although their types require it, as nobody reads them from there.
const PARTIAL: &[&str] = &["HostConfigInfo"];

fn conforms(place: &str, member: Member, value: &Value) {
    if member.array {
        let items = value
            .as_array()
            .unwrap_or_else(|| panic!("{place} is no array: {value}"));
        let one = Member {
            array: false,
            ..member
        };
        items.iter().for_each(|item| conforms(place, one, item));
        return;
    }
    let fits = match member.type_name {
        "boolean" => value.is_boolean(),
        "byte" | "short" | "int" | "long" => value.is_i64() || value.is_u64(),
        "float" | "double" => value.is_number(),
        "anyType" => true,
        other if types::is_data(other) || other == "ManagedObjectReference" => {
            return whole(place, other, value);
        }
        _ => value.is_string(),
    };
    assert!(fits, "{place} is no {}: {value}", member.type_name);
}

/// An object of a data type has its name, what its type requires, and nothing that its type does not know.
fn whole(place: &str, declared: &str, value: &Value) {
    let own = value["_typeName"]
        .as_str()
        .unwrap_or_else(|| panic!("{place} has no type: {value}"));
    assert!(types::is_a(own, declared), "{place} is a {own} and no {declared}");
    if own == "ManagedObjectReference" {
        assert!(
            value["type"].is_string() && value["value"].is_string(),
            "{place}: {value}"
        );
        return;
    }
    for (name, inner) in value
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| *name != "_typeName")
    {
        let member = types::member(own, name).unwrap_or_else(|| panic!("{place}: {own} has no {name}"));
        conforms(&format!("{place}.{name}"), member, inner);
    }
    let required = types::members(own).filter(|member| !member.optional && !PARTIAL.contains(&own));
    for member in required {
        assert!(
            !value[member.name].is_null(),
            "{place}: {own} lacks {}",
            member.name
        );
    }
}

/// Reads all that the simulator knows of an object, with GET and with the collector.
fn read(bench: &mut Bench, schema: &Schema, mo_id: &str) {
    let object = Object::find(&bench.world, EAST, mo_id).unwrap();
    let type_name = object.type_name;
    let mut read = Vec::new();
    for member in types::members(type_name) {
        let Some(value) = object.property(&bench.world, member.name) else {
            continue;
        };
        let place = format!("{mo_id}.{}", member.name);
        if value.is_null() {
            assert!(member.optional, "{place} is required and unset");
        } else {
            conforms(&place, member, &value);
        }
        if types::is_partial(member.type_name) {
            continue;
        }
        let got = bench.get(EAST, &format!("/{type_name}/{mo_id}/{}", member.name));
        // Some are listed as not simulated where they are read by themselves.
        if got.value()["_typeName"] != "NotImplemented" {
            assert_eq!((got.status, &got.value()), (200, &value), "{place}");
            schema.check("", &got.value());
        }
        if !value.is_null() {
            read.push(member.name);
        }
    }
    assert!(!read.is_empty(), "nothing is known of {mo_id}");
    let mut body = retrieve(type_name, &[(type_name, mo_id)], &[], json!({}));
    body["specSet"][0]["propSet"][0]["all"] = json!(true);
    let answer = ask(bench, &body);
    assert_eq!(answer.status, 200, "{}", answer.value());
    schema.check("", &answer.value());
    let set = answer.value()["objects"][0]["propSet"].clone();
    let mut names: Vec<&str> = set
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["name"].as_str())
        .collect();
    names.sort_unstable();
    read.sort_unstable();
    assert_eq!(names, read, "{mo_id}");
}

#[test]
fn every_property_that_is_answered_is_whole() {
    let schema = Schema::read("vi-json/vi-json.json");
    let troubles = [
        None,
        Some(HostTrouble::NotOffloaded),
        Some(HostTrouble::StandbyDown),
        Some(HostTrouble::PartialMaintenance),
        Some(HostTrouble::Disconnected),
    ];
    for trouble in troubles {
        let mut bench = bench();
        if let Some(trouble) = trouble {
            bench.world.hosts_mut().set_trouble("host-11", trouble, true);
        }
        for mo_id in ["host-11", "networkSystem-11", "dvs-11"] {
            read(&mut bench, &schema, mo_id);
        }
    }
    let mut bench = bench();
    let all = bench.world.inventory.ids(EAST);
    assert!(all.len() > 15);
    for mo_id in all {
        read(&mut bench, &schema, &mo_id);
    }
}

#[test]
fn the_content_and_the_session_are_whole() {
    let schema = Schema::read("vi-json/vi-json.json");
    let mut bench = bench();
    let content = bench
        .get(EAST, "/ServiceInstance/ServiceInstance/content")
        .value();
    assert_eq!(content["_typeName"], "ServiceContent");
    schema.check("", &content);
    whole("content", "ServiceContent", &content);
    let (user, password) = bench.credentials(EAST);
    let session = super::login(&mut bench, &user, &password).value();
    schema.check("", &session);
    whole("session", "UserSession", &session);
}
