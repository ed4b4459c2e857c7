use serde_json::json;

use super::*;
use crate::random::Random;
use crate::testing::BLANK_OPERATION;
use crate::testing::operations::{READ, WRITE, call};

const LOG_INS: [Operation; 4] = [
    Operation {
        id: "SessionManager_LoginByToken",
        ..BLANK_OPERATION
    },
    Operation {
        id: "SessionManager_CloneSession",
        ..BLANK_OPERATION
    },
    Operation {
        id: "Cis.Session_create",
        ..BLANK_OPERATION
    },
    Operation {
        id: "sessions.login",
        ..BLANK_OPERATION
    },
];

#[test]
fn a_rule_matches_by_operation_and_target_or_their_beginnings() {
    let cut = || FaultAction::CutBeforeSending;
    let read = call(&READ);
    for (rule, matches) in [
        (FaultRule::any(cut()), true),
        (FaultRule::new("readThing", cut()), true),
        (FaultRule::new("read*", cut()), true),
        (FaultRule::new("*", cut()), true),
        (FaultRule::new("read", cut()), false),
        (FaultRule::new("readThings", cut()), false),
        (FaultRule::new("start*", cut()), false),
        (FaultRule::any(cut()).on("thing 1"), true),
        (FaultRule::any(cut()).on("thing*"), true),
        (FaultRule::any(cut()).on("thing"), false),
        (FaultRule::new("readThing", cut()).on("thing 2"), false),
    ] {
        assert_eq!(rule.matches(&read), matches, "{rule:?}");
    }
}

#[test]
fn nth_and_every_pick_calls_by_their_number() {
    let due = |rule: &FaultRule| (1..=8).filter(|nth| rule.is_due(*nth)).collect::<Vec<_>>();
    let rule = FaultRule::any(FaultAction::DropAnswer);
    assert_eq!(due(&rule), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert_eq!(due(&rule.clone().from_nth(3)), [3, 4, 5, 6, 7, 8]);
    assert_eq!(due(&rule.clone().every(3)), [1, 4, 7]);
    assert_eq!(due(&rule.from_nth(2).every(3)), [2, 5, 8]);
}

#[test]
fn counts_end_a_rule_and_all_does_not() {
    assert_eq!(FaultCount::default(), FaultCount::Times(1));
    assert!(FaultCount::Times(2).allows(1) && !FaultCount::Times(2).allows(2));
    assert!(FaultCount::All.allows(u32::MAX) && !FaultCount::Times(0).allows(0));
}

#[test]
fn dice_hit_about_as_often_as_they_should() {
    let hits = |share: f64| {
        let (dice, probability) = (Random::new(1), Probability::new(share).unwrap());
        (0..10_000).filter(|_| probability.hits(dice.next())).count()
    };
    assert_eq!((hits(0.0), hits(1.0)), (0, 10_000));
    assert!((2_300..2_700).contains(&hits(0.25)), "{}", hits(0.25));
    for outside in [-0.1, 1.1, f64::NAN] {
        assert_eq!(Probability::new(outside), None);
    }
}

#[test]
fn the_log_ins_of_the_services_are_known() {
    for operation in &LOG_INS {
        assert_eq!(
            FaultAction::EndSession.opened_by(operation),
            Some(true),
            "{}",
            operation.id
        );
    }
    assert_eq!(FaultAction::EndSession.opened_by(&READ), Some(false));
    assert_eq!(FaultAction::DropAnswer.opened_by(&LOG_INS[0]), None);
    let own = FaultAction::EndSessionUntil {
        login: Pattern::new("start*"),
    };
    assert_eq!(
        (own.opened_by(&WRITE), own.opened_by(&LOG_INS[0])),
        (Some(true), Some(false))
    );
}

#[test]
fn every_rule_reads_from_json_and_toml_and_prints_as_it_was_read() {
    let refuse = json!({"status": 503, "body": {"code": "Busy", "args": [1]}, "retry_after": 2});
    let actions = [
        json!("drop_answer"),
        json!({"delay": {"ms": 1500, "request": true}}),
        json!("cut_before_sending"),
        json!({"cut_while_sending": {"reached": true}}),
        json!({"refuse": refuse}),
        json!("end_session"),
        json!({"end_session_until": {"login": "logIn*"}}),
    ];
    for action in actions {
        let rule = json!({
            "operation": "a*", "target": "b", "nth": 2, "every": 3, "probability": 0.5, "seed": 9, "count": "all",
            "do": action,
        });
        let read: FaultRule = serde_json::from_value(rule.clone()).unwrap();
        assert_eq!(serde_json::to_value(&read).unwrap(), rule);
        let toml: toml::Value = serde_json::from_value(rule).unwrap();
        let from_toml: FaultRule = toml::from_str(&toml.to_string_of_table()).unwrap();
        assert_eq!(from_toml, read);
    }
}

/// The workspace's `toml` only reads, so the text of a table is written here: a member per line.
trait TableText {
    fn to_string_of_table(&self) -> String;
}

impl TableText for toml::Value {
    fn to_string_of_table(&self) -> String {
        let members = self.as_table().unwrap().iter();
        members
            .map(|(name, value)| format!("{name} = {}\n", inline(value)))
            .collect()
    }
}

fn inline(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => format!("{text:?}"),
        toml::Value::Integer(number) => number.to_string(),
        toml::Value::Float(number) => format!("{number:?}"),
        toml::Value::Boolean(truth) => truth.to_string(),
        toml::Value::Datetime(time) => time.to_string(),
        toml::Value::Array(elements) => {
            let elements: Vec<String> = elements.iter().map(inline).collect();
            format!("[{}]", elements.join(", "))
        }
        toml::Value::Table(members) => {
            let members: Vec<String> = members
                .iter()
                .map(|(name, value)| format!("{name} = {}", inline(value)))
                .collect();
            format!("{{ {} }}", members.join(", "))
        }
    }
}

#[test]
fn what_is_left_out_has_a_default() {
    let rule: FaultRule = toml::from_str(r#"do = "drop_answer""#).unwrap();
    assert_eq!(rule, FaultRule::any(FaultAction::DropAnswer));
    let rule: FaultRule = serde_json::from_str(r#"{"do": {"delay": {"ms": 1}}, "count": null}"#).unwrap();
    assert_eq!(rule.count, FaultCount::All);
    assert_eq!(
        rule.action,
        FaultAction::Delay {
            ms: 1,
            request: false
        }
    );
}

#[test]
fn unknown_names_and_impossible_values_are_refused() {
    for rule in [
        r#"{"do": "drop_answer", "nht": 2}"#,
        r#"{"do": "explode"}"#,
        r#"{"do": {"delay": {"ms": 1, "jitter": 2}}}"#,
        r#"{"do": {"delay": {"ms": -1}}}"#,
        r#"{"do": {"cut_while_sending": {"reach": true}}}"#,
        r#"{"do": {"refuse": {"status": 99}}}"#,
        r#"{"do": {"refuse": {"status": 503, "headers": {}}}}"#,
        r#"{"do": "drop_answer", "nth": 0}"#,
        r#"{"do": "drop_answer", "every": 0}"#,
        r#"{"do": "drop_answer", "probability": 1.5}"#,
        r#"{"do": "drop_answer", "count": "some"}"#,
        r#"{"do": "drop_answer", "count": -1}"#,
        r#"{"do": "drop_answer", "count": 4294967296}"#,
        r#"{"operation": "x"}"#,
    ] {
        assert!(serde_json::from_str::<FaultRule>(rule).is_err(), "{rule}");
        let plan = format!(r#"{{"rules": [{rule}]}}"#);
        assert!(serde_json::from_str::<FaultPlan>(&plan).is_err(), "{plan}");
    }
    assert!(serde_json::from_str::<FaultPlan>(r#"{"rules": [], "seed": 1}"#).is_err());
}
