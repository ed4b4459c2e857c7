use super::*;
use crate::spec::WorldSpec;

fn seen<'a>(endpoint: &'a str, objects: &'a [String]) -> CallSeen<'a> {
    CallSeen {
        now_ms: 0,
        service: ServiceName::Vcda,
        endpoint,
        operation: "vmReplications.failover",
        objects,
    }
}

fn judge(faults: &mut Faults, object: &str) -> Option<FaultAction> {
    let objects = [object.to_owned()];
    let verdict = faults.judge(seen("west", &objects), |_| 0);
    verdict.map(|verdict| verdict.action)
}

#[test]
fn a_rule_hits_the_calls_from_its_nth_on_as_often_as_it_says() {
    let mut faults = Faults::default();
    faults.add(
        FaultRule::new("vmReplications.fail*", FaultAction::Cut)
            .on("vm/*")
            .from_nth(2)
            .times(Some(2)),
    );
    assert_eq!(judge(&mut faults, "other/1"), None);
    let verdicts: Vec<bool> = (0..4).map(|_| judge(&mut faults, "vm/1").is_some()).collect();
    assert_eq!(verdicts, [false, true, true, false]);
    assert_eq!((faults.active()[0].matched, faults.active()[0].hits), (4, 2));
}

#[test]
fn a_rule_without_end_goes_on_until_it_is_removed() {
    let mut faults = Faults::default();
    let id = faults.add(
        FaultRule::new("vmReplications.failover", FaultAction::Cut)
            .at("west")
            .times(None),
    );
    assert!((0..5).all(|_| judge(&mut faults, "x").is_some()));
    assert_eq!(faults.judge(seen("east", &[]), |_| 0), None);
    assert!(faults.remove(id).is_some());
    assert_eq!(faults.remove(id), None);
    assert_eq!(judge(&mut faults, "x"), None);
}

#[test]
fn a_rule_of_one_service_and_one_stretch_of_time_hits_nothing_else() {
    let mut faults = Faults::default();
    let rule = FaultRule::any(FaultAction::Cut).of(ServiceName::Sms).times(None);
    faults.add(rule.between(10, Some(20)));
    let mut hit = |service, now_ms| {
        let call = CallSeen {
            now_ms,
            service,
            ..seen("vc-east", &[])
        };
        faults.judge(call, |_| 0).is_some()
    };
    assert!(hit(ServiceName::Sms, 10) && hit(ServiceName::Sms, 19));
    assert!(!hit(ServiceName::Sms, 9) && !hit(ServiceName::Sms, 20));
    assert!(!hit(ServiceName::Vim, 10));
}

#[test]
fn a_rule_with_a_probability_hits_that_part_of_the_calls_the_same_ones_each_time() {
    let hits = |seed: u64| {
        let mut world = WorldSpec::pair(seed).groups(0).build();
        let rule = FaultRule::new("vmReplications.failover", FaultAction::Cut).times(None);
        world.add_fault(rule.with_probability(0.3)).unwrap();
        let call = |_: i32| world.core.judge(seen("west", &[])).is_some();
        (0..1_000).map(call).collect::<Vec<bool>>()
    };
    let first = hits(1);
    let count = first.iter().filter(|hit| **hit).count();
    assert!((250..350).contains(&count), "{count}");
    assert_eq!(first, hits(1));
    assert_ne!(first, hits(2));
}

#[test]
fn what_is_drawn_for_one_object_does_not_depend_on_calls_about_others() {
    let hits = |others: &[&str]| {
        let mut world = WorldSpec::pair(5).groups(0).build();
        let rule = FaultRule::new("vmReplications.failover", FaultAction::Cut).times(None);
        world.add_fault(rule.with_probability(0.5)).unwrap();
        let mut hit = |object: &str| world.core.judge(seen("west", &[object.to_owned()])).is_some();
        for other in others {
            hit(other);
        }
        (0..20).map(|_| hit("a")).collect::<Vec<bool>>()
    };
    assert_eq!(hits(&[]), hits(&["b", "c", "b"]));
}

#[test]
fn a_rule_reads_from_json_and_refuses_unknown_members() {
    let rule: FaultRule = serde_json::from_str(
        r#"{"operation": "failover", "nth": 3, "do": {"refuse": {"status": 503, "body": {"code": "Busy"}}}}"#,
    )
    .unwrap();
    assert_eq!((rule.nth, rule.count), (3, Some(1)));
    assert!(matches!(
        rule.action,
        FaultAction::Refuse {
            status: 503,
            body: Some(_),
            retry_after: None
        }
    ));
    let dropped: FaultRule = serde_json::from_str(r#"{"do": "drop_answer", "count": null}"#).unwrap();
    assert_eq!((dropped.count, dropped.action), (None, FaultAction::DropAnswer));
    let all: FaultRule = serde_json::from_str(r#"{"do": "cut", "count": "all"}"#).unwrap();
    assert_eq!(all.count, None);
    for bad in [
        r#"{"do": "cut", "nht": 2}"#,
        r#"{"do": "explode"}"#,
        r#"{"do": "cut", "count": "some"}"#,
        r#"{"do": "cut", "count": -1}"#,
        r#"{"do": "cut", "service": "vmware"}"#,
    ] {
        assert!(serde_json::from_str::<FaultRule>(bad).is_err(), "{bad}");
    }
}

/// Every kind of rule.
pub(crate) fn all_rules() -> Vec<FaultRule> {
    let actions = [
        FaultAction::DropAnswer,
        FaultAction::CutAnswer { after_bytes: 7 },
        FaultAction::Delay { ms: 5 },
        FaultAction::Refuse {
            status: 503,
            body: Some(serde_json::json!({"code": "Busy", "args": ["a"]})),
            retry_after: Some(3),
        },
        FaultAction::Cut,
        FaultAction::Silence { acted: true },
        FaultAction::EndSessions,
        FaultAction::EndExtensions,
        FaultAction::SetReachable {
            endpoint: "east".to_owned(),
            reachable: false,
        },
        FaultAction::RestartVcenter {
            endpoint: "vc-east".to_owned(),
            outage_ms: 9,
        },
        FaultAction::LoseActiveNode {
            endpoint: "vc-east".to_owned(),
        },
        FaultAction::LoseSite {
            site: "west".to_owned(),
            how: Loss::Refused,
        },
        FaultAction::FillDisk {
            site: "west".to_owned(),
        },
        FaultAction::FlapLink {
            host: "host-11".to_owned(),
            card: "vmnic6".to_owned(),
            down_ms: 1,
            up_ms: 2,
        },
    ];
    let full = FaultRule::new("vmReplications.*", FaultAction::Cut)
        .of(ServiceName::Vcda)
        .at("west")
        .on("vm-replications/*")
        .from_nth(2)
        .times(None)
        .with_probability(0.25)
        .between(1, Some(2));
    let plain = actions.into_iter().map(FaultRule::any);
    plain.chain([full]).collect()
}

#[test]
fn every_rule_is_the_same_after_json() {
    for rule in all_rules() {
        let text = serde_json::to_string(&rule).unwrap();
        assert_eq!(serde_json::from_str::<FaultRule>(&text).unwrap(), rule, "{text}");
    }
}

/// A rule as a file has it.
pub(crate) fn as_toml(rule: &FaultRule) -> String {
    fn inline(value: &serde_json::Value) -> String {
        let Some(members) = value.as_object() else {
            // Texts, numbers, flags and arrays are alike.
            return value.to_string();
        };
        let members = members
            .iter()
            .map(|(name, value)| format!("{name} = {}", inline(value)));
        format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
    }
    let rule = serde_json::to_value(rule).unwrap();
    let members = rule.as_object().unwrap().iter();
    let lines = members.map(|(name, value)| match value {
        // TOML has no `null`.
        serde_json::Value::Null => format!("{name} = \"all\"\n"),
        value => format!("{name} = {}\n", inline(value)),
    });
    lines.fold("[[fault]]\n".to_owned(), |text, line| text + &line)
}

#[test]
fn a_file_has_every_kind_of_rule() {
    for rule in all_rules() {
        let text = as_toml(&rule);
        let read = file::read(&text).unwrap_or_else(|error| panic!("{text}{error}"));
        let read: Vec<FaultRule> = read.into_iter().map(|located| located.rule).collect();
        assert_eq!(read, [rule]);
    }
    let tables = "# With a comment.\n[[fault]]\ndo = \"cut\"\n\n[[fault]]\ndo.flap_link = \
                  { host = \"host-11\", card = \"vmnic6\", down_ms = 1, up_ms = 2 }\n";
    let read = file::read(tables).unwrap();
    assert_eq!((read.len(), read[1].line), (2, 5));
    let flap = all_rules()
        .into_iter()
        .find(|rule| matches!(rule.action, FaultAction::FlapLink { .. }));
    assert_eq!(Some(&read[1].rule), flap.as_ref());
}

#[test]
fn errors_of_a_file_name_the_place_and_what_may_stand_there() {
    for (text, wanted) in [
        (
            "[[fault]]\ndo = \"cut\"\nnht = 2\n",
            "3:1: unknown field `nht`, expected one of `service`, ",
        ),
        (
            "[[fault]]\ndo = \"explode\"\n",
            "2:6: unknown variant `explode`, expected one of `drop_answer`, ",
        ),
        ("[[fault]]\nnth = 2\n", "1:1: missing field `do`"),
        (
            "[[fault]]\ndo = \"cut\"\ncount = \"some\"\n",
            "3:9: invalid value: string \"some\", expected a number of calls, or \"all\"",
        ),
        ("[[fault]]\ndo = \"cut\n", "2:"),
        (
            "[[faults]]\ndo = \"cut\"\n",
            "1:3: unknown field `faults`, expected `fault`",
        ),
    ] {
        let error = file::read(text).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
}

#[test]
fn a_rule_that_does_not_fit_the_world_is_refused_with_what_there_is() {
    let mut world = WorldSpec::pair(1).groups(0).replications(0).build();
    let flap = |host: &str, card: &str, (down_ms, up_ms)| FaultAction::FlapLink {
        host: host.to_owned(),
        card: card.to_owned(),
        down_ms,
        up_ms,
    };
    let site = |site: &str| FaultAction::FillDisk {
        site: site.to_owned(),
    };
    let cut = || FaultRule::new("tasks.get", FaultAction::Cut);
    let refuse = FaultAction::Refuse {
        status: 200,
        body: None,
        retry_after: None,
    };
    let restart = FaultAction::RestartVcenter {
        endpoint: "east".to_owned(),
        outage_ms: 1,
    };
    for (rule, wanted) in [
        (
            FaultRule::new("vmReplications.failovr", FaultAction::Cut),
            "there is no operation \"vmReplications.failovr\"; there are: vmReplications.failover, ",
        ),
        (
            FaultRule::new("failoverReplicationGroup", FaultAction::Cut),
            "there is no operation \"failoverReplicationGroup\"; there are: VasaProvider_FailoverReplicationGroup_Task, ",
        ),
        (
            FaultRule::new("VasaProvidr_*", FaultAction::Cut),
            "there is no operation \"VasaProvidr_*\"; there are: VasaProvider_",
        ),
        (
            FaultRule::any(site("moon")),
            "there is no site \"moon\"; there are: east, west",
        ),
        (
            cut().at("moon"),
            "there is no endpoint \"moon\"; there are: east, vc-east, vc-west, west",
        ),
        (
            FaultRule::any(restart),
            "there is no vCenter \"east\"; there are: vc-east, vc-west",
        ),
        (
            FaultRule::any(FaultAction::LoseActiveNode {
                endpoint: "vc-moon".to_owned(),
            }),
            "there is no vCenter \"vc-moon\"; there are: vc-east, vc-west",
        ),
        (
            FaultRule::any(flap("host-9", "vmnic6", (100, 0))),
            "there is no host \"host-9\"; there are: host-11, ",
        ),
        (
            FaultRule::any(flap("host-11", "vmnic66", (100, 0))),
            "there is no card \"vmnic66\"; there are: vmnic6, ",
        ),
        (
            FaultRule::any(flap("host-11", "vmnic6", (99, 100))),
            "flap_link.down_ms has to be at least 100",
        ),
        (
            FaultRule::any(flap("host-11", "vmnic6", (100, 99))),
            "flap_link.up_ms has to be at least 100, or 0",
        ),
        (
            FaultRule::any(refuse),
            "refuse.status has to be a status from 400 to 599",
        ),
        (cut().from_nth(0), "nth has to be at least 1"),
        (cut().times(Some(0)), "count has to be at least 1"),
        (
            cut().with_probability(1.5),
            "probability has to be above 0 and at most 1",
        ),
        (
            cut().with_probability(f64::NAN),
            "probability has to be above 0 and at most 1",
        ),
        (cut().between(5, Some(5)), "until_ms has to be later than from_ms"),
        (
            cut().lasting(5),
            "for_ms is for lose_site, fill_disk and flap_link only",
        ),
    ] {
        let error = world.add_fault(rule).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{error}");
    }
    assert!(world.faults().active().is_empty());
    let text = "[[fault]]\ndo = \"cut\"\n\n[[fault]]\ndo = { fill_disk = { site = \"moon\" } }\n";
    let error = file::add(&mut world, text).unwrap_err().to_string();
    assert_eq!(error, "4:1: there is no site \"moon\"; there are: east, west");
    assert!(world.faults().active().is_empty());
}

// They matched nothing, and nobody was told.
#[test]
fn a_rule_whose_operation_its_service_or_its_endpoint_lacks_is_refused_with_the_services_that_have_it() {
    let mut world = WorldSpec::pair(1).groups(0).replications(0).build();
    for (rule, wanted) in [
        (
            FaultRule::new("VirtualMachine_PowerOnVM_Task", FaultAction::Cut).of(ServiceName::Vcda),
            "there is no operation \"VirtualMachine_PowerOnVM_Task\" at service vcda; services that have it: vim",
        ),
        (
            FaultRule::new("VasaProvider_*", FaultAction::Cut).of(ServiceName::Vim),
            "there is no operation \"VasaProvider_*\" at service vim; services that have it: sms",
        ),
        (
            FaultRule::new("sessions.*", FaultAction::Cut).at("vc-west"),
            "there is no operation \"sessions.*\" at endpoint \"vc-west\"; services that have it: vcda",
        ),
        (
            FaultRule::any(FaultAction::Cut).of(ServiceName::Sms).at("west"),
            "there is no service sms at endpoint \"west\"; services there: vcda",
        ),
        (
            FaultRule::new("unknown", FaultAction::Cut)
                .of(ServiceName::Vcda)
                .at("vc-west"),
            "there is no operation \"unknown\" of service vcda at endpoint \"vc-west\"; services there: vim, sms, pbm, vcha",
        ),
    ] {
        let error = world.add_fault(rule).unwrap_err().to_string();
        assert_eq!(error, wanted);
    }
    for (service, endpoint) in [
        (ServiceName::Vcda, "west"),
        (ServiceName::Vim, "vc-west"),
        (ServiceName::Pbm, "vc-east"),
    ] {
        let rule = FaultRule::new("unknown", FaultAction::Cut)
            .of(service)
            .at(endpoint);
        assert_eq!(world.check_fault(&rule), Ok(()), "{service}");
    }
}

#[test]
fn a_rule_may_name_whatever_a_call_is_logged_under_and_objects_that_come_later() {
    let mut world = WorldSpec::pair(1).groups(0).replications(0).build();
    for operation in [
        "*",
        "unknown",
        "vmReplications.*",
        "Vcenter.Vcha.Operations_get",
        "Datastore_getSummary",
        "VirtualMachine_PowerOnVM_Task",
        "VasaProvider_FailoverReplicationGroup_Task?checkOnly",
        "PbmProfileProfileManager_*",
    ] {
        let rule = FaultRule::new(operation, FaultAction::Cut).on("vm-replications/none-yet");
        assert_eq!(world.check_fault(&rule), Ok(()), "{operation}");
        world.add_fault(rule).unwrap();
    }
    let text = "[[fault]]\ndo = \"cut\"\n\n[[fault]]\noperation = \"tasks.gets\"\ndo = \"cut\"\n";
    let error = file::add(&mut world, text).unwrap_err().to_string();
    let wanted = "4:1: there is no operation \"tasks.gets\"; there are: tasks.get, ";
    assert!(error.starts_with(wanted), "{error}");
    assert_eq!(world.faults().active().len(), 8);
}

// A time so early panicked, with the world half changed.
#[test]
fn a_condition_of_any_time_is_taken_and_holds_in_that_time() {
    let mut world = WorldSpec::pair(1).groups(0).replications(0).build();
    world.advance_to(1_000);
    let full = FaultRule::any(FaultAction::FillDisk {
        site: "west".to_owned(),
    });
    let holding = |world: &World| {
        let active = world.faults().active().iter();
        active
            .map(|fault| fault.holds_since_ms.is_some())
            .collect::<Vec<_>>()
    };
    world.add_fault(full.clone().between(i64::MIN, None)).unwrap();
    world
        .add_fault(full.clone().between(i64::MAX - 1, Some(i64::MAX)))
        .unwrap();
    world.add_fault(full.between(i64::MIN, Some(-5))).unwrap();
    assert_eq!(holding(&world), [true, false, false]);
    world.advance_to(2_000);
    assert_eq!(holding(&world), [true, false, false]);
}

#[test]
#[should_panic(expected = "there is no operation \"tasks.gets\"; there are: tasks.get, ")]
fn a_rule_that_names_what_there_is_not_is_a_mistake_of_who_adds_it_unseen() {
    let mut world = WorldSpec::pair(1).groups(0).replications(0).build();
    world
        .faults_mut()
        .add(FaultRule::new("tasks.gets", FaultAction::Cut));
}
