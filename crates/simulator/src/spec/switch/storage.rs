//! The switches of arrays, policies and virtual machines.

use super::{Switch, chosen, some_seconds};
use crate::sms::{
    AfterPrepare, AfterReverse, CorrectsFiles, FilePaths, OtherProvider, ProviderSpec, ResultForm, VolumeIds,
};
use crate::spec::WorldSpec;
use crate::vm::{ChoiceNames, Ports, WhileRewriting};

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

/// Those of arrays, policies and virtual machines.
pub(super) const STORAGE: &[Switch] = &[
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
    Switch {
        name: "vasa.providers.corrects_files",
        rule: "vVol 3.4.2, inferred",
        usual: "files on recovered volumes name those of the source until they are rewritten",
        odd: "the array corrects them; an update lists them in no list, as updated, or as failed",
        on: |spec, draw| {
            let kinds = [
                CorrectsFiles::Unlisted,
                CorrectsFiles::Listed,
                CorrectsFiles::Failed,
            ];
            for provider in &mut spec.vasa.providers {
                provider.corrects_files = chosen(draw, kinds);
            }
        },
    },
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
    Switch {
        name: "vm.while_rewriting",
        rule: "vVol 3.4.6, inferred",
        usual: "a datastore whose files are rewritten refuses further rewriting, and registers machines",
        odd: "it refuses registrations as well, or nothing",
        on: |spec, draw| {
            let kinds = [
                WhileRewriting::RefusesRegistrations,
                WhileRewriting::RefusesNothing,
            ];
            spec.vm.while_rewriting = chosen(draw, kinds);
        },
    },
    flag!(
        vm.registers_across_datacenters,
        "vVol 4.1, inferred",
        "a folder of another datacenter than that of the datastore: `NotSupported`",
        "the machine is registered there"
    ),
    flag!(
        vm.unreadable_is_invalid,
        "vVol 4.4, inferred",
        "a machine whose files cannot be read is `inaccessible`",
        "it is `invalid`"
    ),
    flag!(
        vm.leaves_with_test,
        "vVol 8.6, inferred",
        "machines on a test that is ended under them stay in the inventory",
        "they leave it"
    ),
    flag!(
        vm.wants_whole_devices,
        "vVol 5.2, inferred",
        "what an edit of a device leaves out stays",
        "it is refused"
    ),
    Switch {
        name: "vm.ports",
        rule: "vVol 5.2, inferred",
        usual: "a card gets a port at once, and one that is named for another port group is passed over",
        odd: "such a name is refused, or the port comes when the machine starts",
        on: |spec, draw| spec.vm.ports = chosen(draw, [Ports::AtStart, Ports::AtOnceUnnamed]),
    },
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
];
