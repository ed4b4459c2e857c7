//! The switches that play the other reading of what the wire rules mark as inferred, unverified or unknown.
//!
//! A switch is off in the world `pair`; `odd` turns on about half of them, by its seed. COVERAGE.md has the same table, and
//! MARKS.md the marks of the rules with their switches; tests hold them together.

use std::fmt;

use super::WorldSpec;
use crate::dpu::{DpuSpec, LostHost, Refresh, VcenterView};
use crate::vcda::StateRefusal;
use crate::vcha::{AfterSwitch, TaskIds};
use crate::vi_json::{CancelEnd, UnknownMethod};

/// A reading that the sources leave open, and how to play the other one.
#[derive(Clone, Copy)]
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

// After the macro, which it uses.
mod storage;

use self::storage::STORAGE;

/// One of some readings.
fn chosen<T: Copy, const N: usize>(draw: u64, readings: [T; N]) -> T {
    readings[usize::try_from(draw % N as u64).unwrap_or_default()]
}

/// From one to twenty seconds, in milliseconds.
fn some_seconds(draw: u64) -> u32 {
    u32::try_from(draw % 20).map_or(1_000, |seconds| (seconds + 1) * 1_000)
}

/// All switches, by the part of the world that they are about.
pub static SWITCHES: &[Switch] = &joined::<{ SERVICES.len() + STORAGE.len() }>(SERVICES, STORAGE);

/// Two lists as one.
const fn joined<const N: usize>(first: &[Switch], second: &[Switch]) -> [Switch; N] {
    let mut all = [first[0]; N];
    let mut index = 0;
    while index < N {
        all[index] = if index < first.len() {
            first[index]
        } else {
            second[index - first.len()]
        };
        index += 1;
    }
    all
}

/// Those of vCenter, vCenter HA, hosts and VMware Cloud Director Availability.
const SERVICES: &[Switch] = &[
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
        name: "vi_json.unknown_method",
        rule: "VIJ 9.5, DPU 2, inferred",
        usual: "a method that a release does not have is `MethodNotFound`",
        odd: "`InvalidRequest`, or 404 without a body",
        on: |spec, draw| {
            spec.vi_json.unknown_method =
                chosen(draw, [UnknownMethod::NotFound, UnknownMethod::InvalidRequest]);
        },
    },
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
        name: "dpu.lost_host",
        rule: "DPU 2, inferred",
        usual: "a call whose host is lost is `HostNotConnected`",
        odd: "`HostCommunication` or `SystemError`",
        on: |spec, draw| spec.dpu.lost_host = chosen(draw, [LostHost::Communication, LostHost::SystemError]),
    },
    Switch {
        name: "dpu.vcenter_view",
        rule: "DPU 5.2, inferred",
        usual: "vCenter's own view of the uplinks follows a move within a second",
        odd: "a minute later, or not before a refresh",
        on: |spec, draw| spec.dpu.vcenter_view = chosen(draw, [VcenterView::Late, VcenterView::Never]),
    },
    Switch {
        name: "dpu.refresh",
        rule: "DPU 6.1, inferred",
        usual: "a refresh tells vCenter what the host shows anyway",
        odd: "it does nothing, or the host itself does not show a move without it",
        on: |spec, draw| spec.dpu.refresh = chosen(draw, [Refresh::HostLooks, Refresh::Nothing]),
    },
    flag!(
        dpu.locks_policy,
        "DPU 7.3, unknown",
        "the failover policy of a switch that has hosts can be changed",
        "a change is refused"
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
        vcha.runtime_statuses,
        "REST 7",
        "what is busy is 500 `ERROR`; tasks are reached as soon as their vCenter answers",
        "400 `RESOURCE_BUSY`; 400 `RESOURCE_INACCESSIBLE` for a while"
    ),
    flag!(
        vcha.omits_error_types,
        "REST 7",
        "errors name their type",
        "they do not: the status tells it"
    ),
    flag!(
        vcha.hello_needs_session,
        "REST 8, unverified",
        "the greeting needs no session",
        "without one it is 401"
    ),
    flag!(
        vcha.keeps_sessions,
        "REST 9, inferred",
        "sessions are lost with a switch",
        "they live on; what they own is lost"
    ),
    flag!(
        vcha.joins_failover,
        "REST 9, inferred",
        "a failover that is asked for while one runs is refused",
        "it is answered with the task of that one"
    ),
    flag!(
        vcda.failed_login_has_token,
        "VCDA 3, inferred",
        "a failed log-in has no header with a token",
        "it has one, which is good for nothing"
    ),
    flag!(
        vcda.deduplicates,
        "VCDA 10, inferred",
        "an `operationID` is for people",
        "a second request with one, for the same work on the same replication, is answered with the first one's task"
    ),
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
    fn the_page_of_marks_names_each_switch_and_no_other_and_leaves_none_open() {
        const PARTS: [&str; 7] = ["vi_json.", "vasa.", "pbm.", "dpu.", "vcha.", "vm.", "vcda."];
        let page = include_str!("../../MARKS.md");
        let quoted = page.split('`').skip(1).step_by(2);
        let named: BTreeSet<&str> = quoted
            .filter(|text| PARTS.iter().any(|part| text.starts_with(part)))
            .collect();
        let switches: BTreeSet<&str> = SWITCHES.iter().map(|switch| switch.name).collect();
        assert_eq!(named, switches);

        let rows: Vec<&str> = page.lines().filter(|line| line.starts_with('|')).collect();
        let played = rows
            .iter()
            .filter_map(|row| row.trim_end_matches(" |").rsplit(" | ").next());
        let ways = [
            "`",
            "advice",
            "temper",
            "not simulated",
            "every world",
            "---",
            "played by",
        ];
        let strange: Vec<&str> = played
            .filter(|text| !ways.iter().any(|way| text.starts_with(way)))
            .collect();
        assert_eq!((rows.len() > 80, strange), (true, Vec::new()));
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
