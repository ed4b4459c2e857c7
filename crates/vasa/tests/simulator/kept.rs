//! What the tests of this program keep as usual where its worlds are odd (`farside_simulator::spec::odd_tests`).

use farside_simulator::spec::odd_tests::{Kept, check};

pub(crate) const KEPT: &[Kept] = &[
    Kept {
        test: "exactly_once::*",
        switches: &["vasa.*"],
        why: "each case draws the readings of the arrays itself",
    },
    Kept {
        test: "act::a_planned_failover_is_made_and_reversed_once_whatever_its_source_says_of_it",
        switches: &[
            "vasa.after_prepare",
            "vasa.planned_source_stays",
            "vasa.providers.self_reversing",
            "vasa.providers.renames_on_reverse",
        ],
        why: "states and ids before and after the reverse",
    },
    Kept {
        test: "act::a_reverse_without_the_other_array_has_a_typed_end_either_way",
        switches: &[
            "vasa.reverses_alone",
            "vasa.providers.self_reversing",
            "vasa.providers.renames_on_reverse",
        ],
        why: "states and ids before and after the reverse",
    },
    Kept {
        test: "act::the_newest_replica_after_a_reverse_is_told_for_what_it_is",
        switches: &["vasa.after_reverse", "vasa.providers.*"],
        why: "the replicas after the reverse, by the id of before",
    },
    Kept {
        test: "owners::*",
        switches: &["vasa.providers.corrects_files"],
        why: "the files of recovered machines are those that an update lists",
    },
    Kept {
        test: "files::*",
        switches: &["vasa.providers.corrects_files"],
        why: "what an update tells of files",
    },
    Kept {
        test: "files::files_that_an_array_corrects_are_neither_lost_nor_taken_for_rewritten",
        switches: &["vm.hides_volumes"],
        why: "the volumes that a machine names",
    },
    Kept {
        test: "files::volumes_of_snapshots_come_from_the_fresh_look_alone",
        switches: &["vm.hides_volumes"],
        why: "the volumes that a machine names",
    },
    Kept {
        test: "files::after_the_forced_end_of_a_test_what_is_left_of_it_is_told",
        switches: &["vm.leaves_with_test"],
        why: "what is left",
    },
    Kept {
        test: "files::a_group_that_is_told_by_volumes_does_not_stand_for_the_policy",
        switches: &["pbm.no_replication_manager"],
        why: "what the replication manager tells",
    },
    Kept {
        test: "act::groups_whose_call_does_not_go_out_are_sent_again_in_time",
        switches: &["vcha.proxy_pages"],
        why: "a call that a proxy answers may have gone out",
    },
    Kept {
        test: "again::why_a_group_was_put_off_is_told_although_its_last_call_did_not_go_out",
        switches: &["vcha.proxy_pages"],
        why: "a call that a proxy answers may have gone out",
    },
    Kept {
        test: "again::without_an_active_provider_groups_stay_as_they_are",
        switches: &["vasa.other_provider"],
        why: "what the provider said is told; that it says `InactiveProvider`",
    },
    Kept {
        test: "unavailable::a_group_that_a_reverse_has_renamed_is_found_by_its_devices",
        switches: &["vasa.surfaces_ms"],
        why: "the recovered devices that a group shows right after a failover",
    },
    Kept {
        test: "owners::*",
        switches: &["vasa.surfaces_ms"],
        why: "the recovered devices that a group shows right after a failover",
    },
    Kept {
        test: "owners::*",
        switches: &["vm.hides_volumes"],
        why: "disks are found by the volumes that they name",
    },
    Kept {
        test: "owners::of_machines_that_hide_their_volumes_the_home_alone_is_known_and_disks_are_told_to_be_unknown",
        switches: &["vasa.providers.self_reversing"],
        why: "the recovered devices that a group shows between failover and reverse",
    },
    Kept {
        test: "files::ids_of_volumes_are_the_same_however_they_are_written",
        switches: &["vm.hides_volumes"],
        why: "disks are found by the volumes that they name",
    },
    Kept {
        test: "machines::devices_have_the_same_volumes_on_both_sides_and_name_what_was_recovered",
        switches: &["vasa.surfaces_ms"],
        why: "the recovered devices that a group shows right after a failover",
    },
    Kept {
        test: "files::volumes_of_snapshots_come_from_the_fresh_look_alone",
        switches: &["vasa.surfaces_ms"],
        why: "files are rewritten right after a failover, by the single call",
    },
    Kept {
        test: "moves::groups_in_the_wrong_state_and_at_the_wrong_end_fail_alone",
        switches: &["vasa.already_done"],
        why: "the fault of the wrong state",
    },
    Kept {
        test: "moves::a_batch_over_the_limit_is_refused_and_its_parts_are_not",
        switches: &["vasa.refuses_in_task", "vasa.hides_limit"],
        why: "the refusal of the call, with its limit",
    },
    Kept {
        test: "act::groups_of_an_inactive_provider_go_to_the_one_that_is_active",
        switches: &["vasa.hides_active"],
        why: "the fault names the provider to go to",
    },
    Kept {
        test: "points::more_points_than_are_listed_stay_too_many_where_nobody_counts_them",
        switches: &["vasa.hides_limit"],
        why: "the limit that the fault tells",
    },
    Kept {
        test: "moves::after_a_restart_of_its_vcenter_a_task_is_gone_and_the_groups_show_what_became_of_it",
        switches: &["vasa.late_ms", "vasa.providers.self_reversing"],
        why: "one look as soon as the vCenter is back, and the state it shows",
    },
    Kept {
        test: "act::tests_whose_results_are_empty_are_judged_by_the_groups",
        switches: &["vasa.providers.test_results"],
        why: "there is no result",
    },
    Kept {
        test: "moves::a_test_failover_and_its_end",
        switches: &["vasa.providers.test_results"],
        why: "there is no result",
    },
    Kept {
        test: "act::groups_over_the_limit_go_in_as_many_calls_as_it_takes",
        switches: &["vasa.providers.self_reversing"],
        why: "the state after a failover",
    },
    Kept {
        test: "act::a_group_that_is_there_already_has_succeeded_and_says_so",
        switches: &["vasa.providers.self_reversing"],
        why: "the state after a failover",
    },
    Kept {
        test: "moves::a_wait_outlives_the_session_and_broken_connections",
        switches: &["vasa.providers.self_reversing"],
        why: "the state after a failover",
    },
    Kept {
        test: "owners::a_device_that_was_not_recovered_has_no_owner_beside_one_that_was",
        switches: &["vasa.providers.self_reversing"],
        why: "the recovered devices that a group shows between failover and reverse",
    },
    Kept {
        test: "owners::recovered_devices_have_no_owner_until_their_machine_is_registered",
        switches: &["vasa.providers.self_reversing"],
        why: "the recovered devices that a group shows between failover and reverse",
    },
    Kept {
        test: "owners::after_a_reverse_the_devices_of_the_other_side_are_looked_for",
        switches: &["vasa.providers.self_reversing"],
        why: "the recovered devices that a group shows between failover and reverse",
    },
    Kept {
        test: "moves::a_planned_failover_there_and_a_reverse",
        switches: &[
            "vasa.planned_source_stays",
            "vasa.providers.self_reversing",
            "vasa.providers.renames_on_reverse",
        ],
        why: "states and ids before and after the reverse",
    },
    Kept {
        test: "owners::of_the_stale_machine_at_the_old_source_nothing_is_told_once_its_volumes_are_gone",
        switches: &[
            "vasa.providers.self_reversing",
            "vasa.providers.renames_on_reverse",
        ],
        why: "states and ids before and after the reverse",
    },
    Kept {
        test: "act::the_whole_way_there_and_back_with_a_promotion",
        switches: &["vasa.providers.renames_on_reverse"],
        why: "it asks by the ids of before the reverse",
    },
    Kept {
        test: "machines::parts_that_are_left_out_of_the_answer_are_not_in_a_group",
        switches: &["pbm.no_replication_manager"],
        why: "what the replication manager tells",
    },
    Kept {
        test: "machines::policies_tell_the_group_of_each_part_of_a_machine",
        switches: &["pbm.no_replication_manager"],
        why: "what the replication manager tells",
    },
    Kept {
        test: "owners::a_group_is_found_at_its_provider_by_the_id_that_a_policy_names",
        switches: &["pbm.no_replication_manager"],
        why: "what the replication manager tells",
    },
    Kept {
        test: "owners::at_the_source_devices_and_policies_tell_the_same_machines_and_disks",
        switches: &["pbm.no_replication_manager"],
        why: "what the replication manager tells",
    },
    Kept {
        test: "machines::policies_tell_the_group_of_each_part_of_a_machine",
        switches: &["pbm.omits_unreplicated"],
        why: "the entry of a disk without a group",
    },
    Kept {
        test: "act::groups_whose_call_does_not_go_out_are_sent_again_in_time",
        switches: &["vasa.late_ms"],
        why: "the provider takes the call as soon as its vCenter answers again",
    },
    Kept {
        test: "act::groups_whose_call_does_not_go_out_are_sent_again_in_time",
        switches: &["vcha.proxy_pages"],
        why: "calls to a vCenter that does not answer do not go out",
    },
    Kept {
        test: "again::why_a_group_was_put_off_is_told_although_its_last_call_did_not_go_out",
        switches: &["vcha.proxy_pages"],
        why: "calls to a vCenter that does not answer do not go out",
    },
    Kept {
        test: "unavailable::a_group_over_which_the_provider_became_unavailable_is_looked_at_before_it_is_sent_again",
        switches: &["vasa.providers.self_reversing"],
        why: "the state after a failover",
    },
    Kept {
        test: "again::it_takes_no_longer_than_its_time_whatever_stays_without_an_answer",
        switches: &["vasa.*"],
        why: "which calls are made, and how often",
    },
    Kept {
        test: "files::*",
        switches: &["vasa.providers.self_reversing"],
        why: "the recovered devices that a group shows between failover and reverse",
    },
    Kept {
        test: "files::*",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "files::policies_of_the_new_source_are_given_to_home_and_disks_and_read_back",
        switches: &["pbm.no_replication_manager", "pbm.omits_unreplicated"],
        why: "what the replication manager tells, also of a disk without a group",
    },
];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}
