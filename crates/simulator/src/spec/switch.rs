//! The switches that play the other reading of what the wire rules mark as inferred, unverified or unknown.
//!
//! A switch is off in the world `pair`; `odd` turns on about half of them, by its seed. COVERAGE.md has the same table, and
//! MARKS.md the marks of the rules with their switches; tests hold them together.

use std::fmt;

use super::WorldSpec;
use crate::dpu::DpuSpec;
use crate::sms::{AfterPrepare, AfterReverse, FilePaths, OtherProvider, ProviderSpec, ResultForm, VolumeIds};
use crate::vcda::StateRefusal;
use crate::vcha::{AfterSwitch, TaskIds};
use crate::vi_json::CancelEnd;
use crate::vm::ChoiceNames;

/// A reading that the sources leave open, and how to play the other one.
pub struct Switch {
    /// The member of [`WorldSpec`] that it sets, as a file of a world names it: `vcda.null_as_text`. Those below
    /// `vasa.providers` are set for every provider.
    pub name: &'static str,
    /// The wire rule that leaves it open: VIJ, VCDA, REST, DPU, vVol with the section, or the README of the facts.
    pub rule: &'static str,
    /// What is played while it is off.
    pub usual: &'static str,
    /// What is played while it is on.
    pub odd: &'static str,
    on: fn(&mut WorldSpec, u64),
}

impl fmt::Debug for Switch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Switch")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Switch {
    /// Turns the switch on. Where there is more than one other reading, `draw` chooses, whatever number it is.
    pub fn turn_on(&self, spec: &mut WorldSpec, draw: u64) {
        (self.on)(spec, draw);
    }
}

/// A switch that is a flag.
macro_rules! flag {
    ($part:ident.$member:ident, $rule:literal, $usual:literal, $odd:literal) => {
        Switch {
            name: concat!(stringify!($part), ".", stringify!($member)),
            rule: $rule,
            usual: $usual,
            odd: $odd,
            on: |spec, _| spec.$part.$member = true,
        }
    };
}

/// A flag of every provider.
macro_rules! temper {
    ($member:ident, $rule:literal, $usual:literal, $odd:literal) => {
        Switch {
            name: concat!("vasa.providers.", stringify!($member)),
            rule: $rule,
            usual: $usual,
            odd: $odd,
            on: |spec, _| each_provider(spec, |provider| provider.$member = true),
        }
    };
}

fn each_provider(spec: &mut WorldSpec, change: fn(&mut ProviderSpec)) {
    spec.vasa.providers.iter_mut().for_each(change);
}

/// One of some readings.
fn chosen<T: Copy, const N: usize>(draw: u64, readings: [T; N]) -> T {
    readings[usize::try_from(draw % N as u64).unwrap_or_default()]
}

/// From one to twenty seconds, in milliseconds.
fn some_seconds(draw: u64) -> u32 {
    u32::try_from(draw % 20).map_or(1_000, |seconds| (seconds + 1) * 1_000)
}

/// All switches, by the part of the world that they are about.
pub static SWITCHES: &[Switch] = &[
    flag!(
        vi_json.omits_type_names,
        "VIJ 5.1, inferred",
        "every object has its `_typeName`",
        "an object of exactly the type that its place declares has none"
    ),
    flag!(
        vi_json.type_names_last,
        "VIJ 5.1",
        "`_typeName` is the first member",
        "it is the last one"
    ),
    flag!(
        vi_json.nulls,
        "VIJ 5.4, inferred",
        "members that are not set are absent",
        "they are `null`"
    ),
    flag!(
        vi_json.null_for_empty,
        "VIJ 4",
        "no value is 200 with an empty body",
        "it is 200 with `null`"
    ),
    flag!(
        vi_json.wraps_faults,
        "VIJ 9.3",
        "a fault in an answer is the fault itself",
        "it comes in a `LocalizedMethodFault`"
    ),
    flag!(
        vi_json.unknown_release_is_fault,
        "VIJ 9.5, inferred",
        "an unknown release is a plain 404",
        "it is `MethodNotFound`"
    ),
    Switch {
        name: "vi_json.cancel_end",
        rule: "VIJ 10.1, inferred",
        usual: "a cancelled task ends with the error `RequestCanceled`",
        odd: "with another one, with none, or with success",
        on: |spec, draw| {
            spec.vi_json.cancel_end = chosen(
                draw,
                [CancelEnd::OtherFault, CancelEnd::NoFault, CancelEnd::GoesOn],
            );
        },
    },
    flag!(
        vasa.already_done,
        "README, unknown",
        "a group that is there already: `InvalidReplicationState`",
        "success with the warning `AlreadyDone`"
    ),
    flag!(
        vasa.busy_names_task,
        "README",
        "`SyncOngoing` for a running sync, `ProviderBusy` for other work",
        "always `SyncOngoing` with the task"
    ),
    flag!(
        vasa.limits_queries,
        "README",
        "queries take any number of groups",
        "`TooMany` for the groups beyond the batch size"
    ),
    flag!(
        vasa.source_stays,
        "vVol 15, unknown",
        "the old source reports `REMOTE_FAILEDOVER` once it can be reached",
        "it reports `SOURCE` until the reverse"
    ),
    flag!(
        vasa.planned_source_stays,
        "vVol 11, inferred",
        "the old source reports `REMOTE_FAILEDOVER` after a planned failover or promotion",
        "it reports `SOURCE` until the reverse"
    ),
    Switch {
        name: "vasa.after_prepare",
        rule: "vVol 11, inferred",
        usual: "a source that was prepared reports `SOURCE`, and can be prepared again",
        odd: "`REMOTE_FAILEDOVER` or `TARGET`, and a second prepare is refused for that",
        on: |spec, draw| {
            spec.vasa.after_prepare = chosen(draw, [AfterPrepare::RemoteFailedOver, AfterPrepare::Target]);
        },
    },
    flag!(
        vasa.reverses_alone,
        "vVol 9.4, inferred",
        "a reverse fails while the other array cannot be reached",
        "it succeeds"
    ),
    Switch {
        name: "vasa.after_reverse",
        rule: "vVol 9.4, inferred",
        usual: "the target of a reverse has no replica before the first copy",
        odd: "it has the replicas of before the failover, or one of the moment of the reverse",
        on: |spec, draw| {
            spec.vasa.after_reverse = chosen(draw, [AfterReverse::OldReplicas, AfterReverse::NewReplica]);
        },
    },
    Switch {
        name: "vasa.file_paths",
        rule: "vVol 3.4.7, inferred",
        usual: "replicators on the hosts write paths from the URL of the datastore on, with a slash in front",
        odd: "without one, from the root of the host on, or in datastore form",
        on: |spec, draw| {
            let forms = [FilePaths::Bare, FilePaths::FromHost, FilePaths::DatastoreForm];
            spec.vasa.file_paths = chosen(draw, forms);
        },
    },
    flag!(
        vasa.refuses_in_task,
        "VIJ 11.3",
        "what refuses a call is its fault",
        "it is the error of its task"
    ),
    flag!(
        vasa.inactive_refuses_call,
        "README, unknown",
        "`InactiveProvider` is that group's entry",
        "it refuses the call"
    ),
    Switch {
        name: "vasa.other_provider",
        rule: "vVol 2.2.3, inferred",
        usual: "a provider says `InactiveProvider` of a group that another one is active for",
        odd: "`InvalidFunctionTarget`, and queries may leave the group out",
        on: |spec, draw| {
            spec.vasa.other_provider = chosen(draw, [OtherProvider::FunctionTarget, OtherProvider::Silent]);
        },
    },
    flag!(
        vasa.hides_active,
        "README",
        "`InactiveProvider` names the active provider",
        "it names none"
    ),
    flag!(
        vasa.hides_limit,
        "README",
        "`TooMany` says how many",
        "it does not"
    ),
    flag!(
        vasa.pauses_in_test,
        "vVol 8.4, unknown",
        "replicas go on arriving during a test",
        "none is made until the test ends"
    ),
    flag!(
        vasa.leftovers_fail_task,
        "vVol 8.6, inferred",
        "volumes in use are the error of their group's entry",
        "they are the error of the task"
    ),
    Switch {
        name: "vasa.late_ms",
        rule: "REST 9, inferred",
        usual: "providers are there as soon as their vCenter answers again",
        odd: "they come some seconds later",
        on: |spec, draw| spec.vasa.late_ms = some_seconds(draw),
    },
    Switch {
        name: "vasa.surfaces_ms",
        rule: "vVol 15, unknown",
        usual: "recovered volumes are there when the work on their group ends",
        odd: "they surface some seconds later",
        on: |spec, draw| spec.vasa.surfaces_ms = some_seconds(draw),
    },
    Switch {
        name: "vasa.volume_ids",
        rule: "vVol 2.2.6, 15, unknown",
        usual: "providers write ids of volumes as virtual machines have them",
        odd: "in capital letters, or without dashes",
        on: |spec, draw| spec.vasa.volume_ids = chosen(draw, [VolumeIds::Capitals, VolumeIds::NoDashes]),
    },
    Switch {
        name: "vasa.result_form",
        rule: "VIJ 11.3, inferred",
        usual: "an array of results comes in a box of its declared type",
        odd: "the box is named after a subtype, or there is none",
        on: |spec, draw| {
            spec.vasa.result_form = chosen(draw, [ResultForm::Bare, ResultForm::Subtype]);
        },
    },
    temper!(
        test_results,
        "README",
        "test failover has no result when all groups succeeded",
        "it has one"
    ),
    temper!(
        self_reversing,
        "vVol 11",
        "a failover ends in `FAILEDOVER`",
        "it also reverses, and ends in `SOURCE`"
    ),
    temper!(
        renames_on_reverse,
        "vVol 9.1",
        "a reverse keeps the ids of groups",
        "both sides get other ones"
    ),
    flag!(
        pbm.no_replication_manager,
        "vVol 2.1.3",
        "the content names a replication manager",
        "it does not"
    ),
    flag!(
        pbm.omits_unreplicated,
        "vVol 2.1.1",
        "an entity that is not replicated has an entry without a group",
        "it has no entry"
    ),
    flag!(
        pbm.tells_unassigned,
        "vVol 9.3, inferred",
        "of a recovered machine without a policy nothing is told",
        "the group of each part is told by its volume"
    ),
    Switch {
        name: "dpu.toggles",
        rule: "DPU 6.5, unknown",
        usual: "a second call without an alias moves back",
        odd: "only the move to the configured standby uplinks can be started",
        on: |spec, _| spec.dpu.toggles = !DpuSpec::default().toggles,
    },
    flag!(
        dpu.moves_at_once,
        "DPU 1.3, inferred",
        "a move goes on after the answer",
        "it has ended by then"
    ),
    flag!(
        dpu.paths_into_subtypes,
        "DPU 5, unknown",
        "a path into a member of a subtype: `InvalidProperty`",
        "it is read"
    ),
    flag!(
        dpu.hides_parameter,
        "DPU 2, inferred",
        "`InvalidArgument` names its parameter",
        "it names none"
    ),
    flag!(
        dpu.moves_back,
        "DPU 6.4, unknown",
        "a switch stays at the DPU that it went to for want of a link",
        "it goes back once the link is there again"
    ),
    flag!(
        dpu.offload_off_is_unset,
        "DPU 7.2, inferred",
        "`networkOffloadSpecId` is `None` where the offload was turned off",
        "it is not set"
    ),
    Switch {
        name: "vcha.old_node_answers_ms",
        rule: "REST 9, inferred",
        usual: "the former node is silent after a switch",
        odd: "it answers as before for some seconds",
        on: |spec, draw| spec.vcha.old_node_answers_ms = some_seconds(draw % 4),
    },
    Switch {
        name: "vcha.after_switch",
        rule: "REST 9, inferred",
        usual: "the task of a failover is gone afterwards",
        odd: "it is there and reads `FAILED` or `SUCCEEDED`",
        on: |spec, draw| {
            spec.vcha.after_switch = chosen(draw, [AfterSwitch::Succeeded, AfterSwitch::Failed]);
        },
    },
    flag!(
        vcha.refuses_in_task,
        "REST 9, unverified",
        "what the state forbids is refused at the call",
        "in the task"
    ),
    flag!(
        vcha.nodes_swap,
        "REST 9, inferred",
        "node1 and node2 keep their places",
        "they change places with their roles"
    ),
    flag!(
        vcha.omits_allowed,
        "REST 9",
        "`manual_failover_allowed` is always there",
        "it is left out while it is true"
    ),
    flag!(
        vcha.partial_is_bare,
        "REST 9, unverified",
        "`partial: true` tells mode, health and roles",
        "it does not"
    ),
    flag!(
        vcha.tells_little,
        "REST 5, 6",
        "optional members are there",
        "those that nobody needs are left out"
    ),
    flag!(
        vcha.wants_sha1,
        "REST 6, unverified",
        "the SHA-256 thumbprint of an error is taken back",
        "only a SHA-1 thumbprint is"
    ),
    Switch {
        name: "vcha.task_ids",
        rule: "REST 5, unverified",
        usual: "ids of tasks are a UUID and the provider",
        odd: "a number, or characters that a path has to encode",
        on: |spec, draw| {
            spec.vcha.task_ids = chosen(draw, [TaskIds::Odd, TaskIds::Short]);
        },
    },
    flag!(
        vcha.plain_operations,
        "REST 5, unverified",
        "a task names its operation with `$task`",
        "without it"
    ),
    flag!(
        vcha.blocks,
        "REST 5",
        "a task goes from `PENDING` to `RUNNING` to its end",
        "it is `BLOCKED` for a while"
    ),
    flag!(
        vcha.reasons_in_result,
        "REST 5",
        "the reason of a failed task is its `error`",
        "it is its `result`"
    ),
    flag!(
        vcha.zero_totals,
        "REST 5, inferred",
        "progress has a total",
        "the total is zero"
    ),
    flag!(
        vcha.ignores_cancel,
        "REST 5",
        "a cancelled deployment ends `CANCELED`",
        "it goes on"
    ),
    flag!(
        vcha.proxy_pages,
        "REST 7, inferred",
        "a vCenter that does not answer refuses connections",
        "a proxy answers 503 with a page"
    ),
    flag!(
        vcha.plain_not_found,
        "REST 2, unverified",
        "no such operation: 404 `OPERATION_NOT_FOUND`",
        "404 without a body"
    ),
    flag!(
        vm.refuses_in_task,
        "vVol 4.3",
        "a refusal for the state of a machine is the fault of the call",
        "it is the error of the task"
    ),
    flag!(
        vm.missing_file_is_not_found,
        "vVol 4.3",
        "a path to no file is `FileNotFound`",
        "it is `NotFound`"
    ),
    flag!(
        vm.refuses_foreign_networks,
        "vVol 5.5, inferred",
        "a card on a network of another vCenter is not connected",
        "its machine cannot be powered on"
    ),
    flag!(
        vm.asks_nothing,
        "vVol 6.1, inferred",
        "a machine at another place asks whether it was moved or copied",
        "it does not ask"
    ),
    flag!(
        vm.ignores_uuid_action,
        "vVol 6.5, 15, inferred",
        "`uuid.action` says it beforehand, and no question comes",
        "the question comes all the same"
    ),
    flag!(
        vm.hides_volumes,
        "vVol 2.2.6, inferred",
        "files and disks of machines name their volumes",
        "they do not: the directory of the configuration file alone tells one"
    ),
    flag!(
        vm.omits_idle_guest,
        "vVol 7.4",
        "a guest that does not run says so",
        "there is no `guest`"
    ),
    Switch {
        name: "vm.choice_names",
        rule: "vVol 6.3, inferred",
        usual: "the labels of choices are names for programs",
        odd: "the summaries are",
        on: |spec, _| spec.vm.choice_names = ChoiceNames::InSummary,
    },
    flag!(
        vcda.missing_extension_is_not_authenticated,
        "VCDA 5, inferred",
        "a missing extension: `RemoteAuthenticationFailure`",
        "`NotAuthenticated`"
    ),
    flag!(
        vcda.needs_extension,
        "VCDA 5, inferred",
        "migrate, reverse and sync need no extension",
        "they need one"
    ),
    flag!(
        vcda.refuses_in_task,
        "VCDA 6, unknown",
        "what a state forbids is refused at the call",
        "in the task"
    ),
    Switch {
        name: "vcda.state_refusal",
        rule: "VCDA 12, unknown",
        usual: "what a state forbids is 400 `BadRequest`",
        odd: "409 with a code of its own, or 500 `GeneralServerFailure`",
        on: |spec, draw| {
            spec.vcda.state_refusal = chosen(draw, [StateRefusal::Conflict, StateRefusal::ServerFailure]);
        },
    },
    flag!(
        vcda.no_results,
        "VCDA 7, inferred",
        "a task brings the replication as it ends",
        "it brings no result"
    ),
    flag!(
        vcda.bare_recovery_info,
        "VCDA 11, inferred",
        "`recoveryInfo` names the recovered VM",
        "it has the state alone"
    ),
    flag!(
        vcda.unknown_recovery_tag,
        "VCDA 11",
        "`recoveryInfo` is tagged `vcd` or `vc`",
        "its tag is one that nobody knows"
    ),
    flag!(
        vcda.null_as_text,
        "VCDA 11",
        "no recovered vApp is `null`",
        "it is the text `null`"
    ),
    flag!(
        vcda.echoes_pages,
        "VCDA 8, unknown",
        "pages tell items and total",
        "offset and limit, too"
    ),
    flag!(
        vcda.few_columns,
        "VCDA 7",
        "the bulk poll has all columns",
        "state and id alone"
    ),
    flag!(
        vcda.plans_as_page,
        "VCDA 14",
        "recovery plans are an array",
        "a page"
    ),
    flag!(
        vcda.prompt_ends_task,
        "VCDA 14, inferred",
        "a prompt keeps the task `RUNNING`",
        "it ends the task"
    ),
    flag!(
        vcda.health_at_once,
        "VCDA 15",
        "a health check takes its time",
        "it has ended when it is answered"
    ),
    flag!(
        vcda.reverse_in_progress,
        "VCDA 11",
        "a reversal shows in its task only",
        "the recovery state is `IN_PROGRESS`"
    ),
    flag!(
        vcda.unset_last_updated,
        "VCDA 7",
        "`lastUpdated` is the time of the last change",
        "it is -1 while the task runs"
    ),
    flag!(
        vcda.plain_media_type,
        "VCDA 2",
        "answers are in the versioned media type",
        "plain JSON"
    ),
    flag!(
        vcda.null_networks_disconnect,
        "VCDA 9, unknown",
        "a card of which a recovery says nothing is on the network that is set up for it",
        "it is not connected"
    ),
    flag!(
        vcda.stop_deletes_recovered,
        "VCDA 11, unknown",
        "a recovered VM stays when its replication is deleted",
        "it goes with it"
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_switch_changes_the_member_that_it_is_named_after_and_no_other() {
        let mut names = BTreeSet::new();
        for switch in SWITCHES {
            assert!(names.insert(switch.name), "{} is there twice", switch.name);
            let usual = serde_json::to_value(WorldSpec::pair(1)).unwrap();
            let mut spec = WorldSpec::pair(1);
            switch.turn_on(&mut spec, 1);
            let odd = serde_json::to_value(&spec).unwrap();
            let member = |whole: &serde_json::Value| {
                let steps = switch.name.split('.');
                steps.fold(whole.clone(), |value, step| {
                    let value = value.get(0).unwrap_or(&value).clone();
                    value
                        .get(step)
                        .unwrap_or_else(|| panic!("no member {}", switch.name))
                        .clone()
                })
            };
            assert_ne!(member(&usual), member(&odd), "{}", switch.name);
            let part = switch.name.split('.').next().unwrap();
            for (name, value) in usual.as_object().unwrap() {
                assert!(
                    name == part || odd[name] == *value,
                    "{} changes {name}",
                    switch.name
                );
            }
        }
    }

    #[test]
    fn every_switch_is_on_in_some_odd_world_and_off_in_another() {
        let odd = |seed| serde_json::to_value(WorldSpec::odd(seed)).unwrap();
        let usual = serde_json::to_value(WorldSpec::pair(0)).unwrap();
        let worlds: Vec<_> = (0..40).map(odd).collect();
        for switch in SWITCHES {
            let pointer = format!(
                "/{}",
                switch
                    .name
                    .replace('.', "/")
                    .replace("providers/", "providers/0/")
            );
            let usual = usual.pointer(&pointer);
            let on = worlds
                .iter()
                .filter(|world| world.pointer(&pointer) != usual)
                .count();
            assert!((1..40).contains(&on), "{} is on in {on} of 40", switch.name);
        }
    }

    #[test]
    fn the_page_of_marks_names_each_switch_and_no_other() {
        const PARTS: [&str; 7] = ["vi_json.", "vasa.", "pbm.", "dpu.", "vcha.", "vm.", "vcda."];
        let page = include_str!("../../MARKS.md");
        let quoted = page.split('`').skip(1).step_by(2);
        let named: BTreeSet<&str> = quoted
            .filter(|text| PARTS.iter().any(|part| text.starts_with(part)))
            .collect();
        let switches: BTreeSet<&str> = SWITCHES.iter().map(|switch| switch.name).collect();
        assert_eq!(named, switches);
    }

    #[test]
    fn the_coverage_page_has_a_row_for_each_switch() {
        let page = include_str!("../../COVERAGE.md");
        for switch in SWITCHES {
            let row = format!(
                "| `{}` | {} | {} | {} |",
                switch.name, switch.rule, switch.usual, switch.odd
            );
            assert!(page.contains(&row), "COVERAGE.md lacks:\n{row}");
        }
    }
}
