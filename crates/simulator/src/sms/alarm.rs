//! Alarms of a provider: those that were raised, and those that follow from how its groups are.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::body;
use super::provider::Provider;
use super::spec::AlarmSpec;
use super::{INTERVAL_MS, Sms, array};
use crate::core::Core;
use crate::shape::{Shape, optional, required};
use crate::vi_json::fault::Fault;
use crate::vi_json::request::ROOT_TYPE;
use crate::vi_json::value::{boxed, date_time};

/// Without a replica newer than this the target of a group raises an alarm, in milliseconds.
const LAG_MS: i64 = 2 * INTERVAL_MS;

/// The ids of alarms about groups begin above those that were raised.
const LAG_IDS: i64 = 100_000;

/// The parameters of `QueryActiveAlarm`.
pub(super) static FILTER: Shape = Shape::Object(&[
    ROOT_TYPE,
    optional(
        "alarmFilter",
        Shape::Object(&[
            required("_typeName", Shape::OneOf(&["AlarmFilter"])),
            optional("alarmStatus", Shape::OneOf(&["Red", "Green", "Yellow"])),
            optional("alarmType", Shape::Text),
            optional("entityType", Shape::Text),
            optional("entityId", Shape::List(&Shape::Boxed)),
            optional("pageMarker", Shape::Text),
        ]),
    ),
]);

/// An alarm that was raised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Alarm {
    id: i64,
    told: AlarmSpec,
    at_ms: i64,
}

impl Provider {
    /// Raises an alarm.
    pub(super) fn raise(&mut self, told: &AlarmSpec, at_ms: i64) {
        let id = self.alarms.last().map_or(1, |last| last.id + 1);
        self.alarms.push(Alarm {
            id,
            told: told.clone(),
            at_ms,
        });
    }
}

/// `QueryActiveAlarm`.
pub(super) fn query(sms: &Sms, core: &Core, provider: &Provider, body: &Value) -> Result<Value, Fault> {
    let filter = body.get("alarmFilter").unwrap_or(&Value::Null);
    let text = |name: &str| filter.get(name).and_then(Value::as_str);
    let wanted = entities(filter)?;
    if let Some(kind) = text("entityType") {
        for id in &wanted {
            is_known(sms, provider, kind, id)?;
        }
    }
    let fits = |alarm: &Value| {
        let is = |name: &str, member: &str| text(name).is_none_or(|wanted| alarm[member] == wanted);
        is("alarmStatus", "status")
            && is("alarmType", "alarmType")
            && is("entityType", "objectType")
            && (wanted.is_empty() || wanted.contains(&alarm["alarmObject"]))
    };
    let mut alarms = all(sms, core, provider);
    alarms.retain(fits);
    let from = match text("pageMarker") {
        None => 0,
        Some(marker) => offset(marker, alarms.len()).ok_or_else(|| {
            Fault::invalid_argument(Some("alarmFilter.pageMarker"), "There is no such page.")
        })?,
    };
    let size = sms.spec.alarms_per_page.max(1) as usize;
    let to = alarms.len().min(from + size);
    if alarms.is_empty() {
        return Ok(Value::Null);
    }
    let mut result = json!({"_typeName": "AlarmResult", "storageAlarm": alarms[from..to]});
    if to < alarms.len() {
        result["pageMarker"] = json!(format!("alarms-{to}"));
    }
    Ok(result)
}

fn offset(marker: &str, length: usize) -> Option<usize> {
    let from = marker.strip_prefix("alarms-")?.parse().ok()?;
    (from < length).then_some(from)
}

/// The ids that a filter names; they need the type of what they are ids of.
fn entities(filter: &Value) -> Result<Vec<Value>, Fault> {
    let ids = filter.get("entityId").and_then(Value::as_array);
    let ids: Vec<Value> = ids.cloned().unwrap_or_default();
    if !ids.is_empty() && filter.get("entityType").and_then(Value::as_str).is_none() {
        return Err(Fault::invalid_argument(
            Some("alarmFilter.entityType"),
            "Ids need the type of their entity.",
        ));
    }
    for id in ids.iter().filter(|id| id["_typeName"] == "ReplicationGroupId") {
        body::GROUP_ID.check(id)?;
    }
    Ok(ids)
}

fn is_known(sms: &Sms, provider: &Provider, kind: &str, id: &Value) -> Result<(), Fault> {
    let known = if kind == "ReplicationGroupEntity" {
        body::named(id).is_some_and(|group| sms.look_up(provider, &group.fault_domain, &group.id).is_ok())
    } else {
        let text = id.get("_value").and_then(Value::as_str);
        let text = text.or_else(|| id.get("id").and_then(Value::as_str));
        text.is_some_and(|text| array::holds(provider, kind, text))
    };
    if known {
        return Ok(());
    }
    Err(Fault::new("NotFound", "The provider knows no such entity."))
}

/// `StorageAlarm` of everything that is wrong, oldest id first.
fn all(sms: &Sms, core: &Core, provider: &Provider) -> Vec<Value> {
    let raised = provider.alarms.iter().map(|alarm| {
        let told = &alarm.told;
        json!({
            "_typeName": "StorageAlarm",
            "alarmId": alarm.id,
            "alarmType": told.alarm_type,
            "objectId": told.entity_id,
            "objectType": told.entity_type,
            "status": told.status,
            "alarmTimeStamp": date_time(core, &provider.vcenter, alarm.at_ms),
            "messageId": told.message_id,
            "alarmObject": boxed("string", json!(told.entity_id)),
        })
    });
    let mut alarms: Vec<Value> = raised.collect();
    for (number, pair) in (0..).zip(sms.pairs.values()) {
        let side = pair.target();
        let lag_ms = pair.pits.last().map(|pit| core.now_ms() - pit.at_ms);
        let late = lag_ms.filter(|lag_ms| *lag_ms > LAG_MS);
        if let Some(lag_ms) = late.filter(|_| pair.sides[side].provider == provider.id) {
            let parameter = |name: &str, value: String| json!({"_typeName": "NameValuePair", "parameterName": name, "parameterValue": value});
            alarms.push(json!({
                "_typeName": "StorageAlarm",
                "alarmId": LAG_IDS + number,
                "alarmType": "ReplicationAlarm",
                "containerId": array::container_id(provider),
                "objectType": "ReplicationGroupEntity",
                "status": "Red",
                "alarmTimeStamp": date_time(core, &provider.vcenter, core.now_ms() - lag_ms + LAG_MS),
                "messageId": "sim.alarm.lag",
                "parameterList": [
                    parameter("group", pair.name.clone()),
                    parameter("lagSeconds", (lag_ms / 1_000).to_string()),
                ],
                "alarmObject": pair.sides[side].group_id(),
            }));
        }
    }
    alarms
}
