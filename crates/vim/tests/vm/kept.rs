//! What the tests of this program keep as usual where its worlds are odd (`farside_simulator::spec::odd_tests`).

use farside_simulator::spec::odd_tests::{Kept, check};

pub(crate) const KEPT: &[Kept] = &[
    Kept {
        test: "calls::a_switch_is_reconfigured_with_the_version_that_was_read",
        switches: &["dpu.locks_policy"],
        why: "that its failover policy is changed",
    },
    Kept {
        test: "*",
        switches: &["vasa.providers.corrects_files"],
        why: "the files of recovered machines are those that an update lists; `farside-vasa` knows the others",
    },
    Kept {
        test: "story::volumes_that_go_leave_an_inaccessible_machine",
        switches: &["vm.unreadable_is_invalid", "vm.leaves_with_test"],
        why: "the state that is told of the machine of a test",
    },
    Kept {
        test: "record::of_a_machine_whose_files_are_gone_the_inventory_tells_the_rest",
        switches: &["vm.leaves_with_test"],
        why: "the machine of a test is in the inventory after it",
    },
    Kept {
        test: "calls::a_configuration_is_changed_all_at_once",
        switches: &["vm.refuses_in_task"],
        why: "the fault of a single call",
    },
    Kept {
        test: "calls::a_machine_is_renamed_and_its_files_keep_their_names",
        switches: &["vm.refuses_in_task"],
        why: "the fault of a single call",
    },
    Kept {
        test: "calls::a_running_machine_is_neither_unregistered_nor_deleted",
        switches: &["vm.refuses_in_task"],
        why: "the fault of a single call",
    },
    Kept {
        test: "calls::devices_are_added_and_removed",
        switches: &["vm.refuses_in_task"],
        why: "the fault of a single call",
    },
    Kept {
        test: "cards::a_change_in_between_is_decided_anew_and_a_lost_answer_looked_at",
        switches: &["vm.refuses_in_task"],
        why: "the fault of a single call",
    },
    Kept {
        test: "files::updates_and_registrations_wait_for_the_update_before_them",
        switches: &["vm.refuses_in_task", "vm.while_rewriting"],
        why: "which call is refused",
    },
    Kept {
        test: "files::a_folder_of_another_datacenter_is_named_as_what_is_in_the_way_or_taken",
        switches: &["vm.registers_across_datacenters"],
        why: "whether it is refused",
    },
    Kept {
        test: "recovery::a_machine_that_is_registered_and_of_no_use_is_a_typed_end",
        switches: &["vm.unreadable_is_invalid"],
        why: "the state that is told",
    },
    Kept {
        test: "recovery::of_a_copy_whose_volumes_are_gone_nothing_is_proven",
        switches: &["vm.leaves_with_test"],
        why: "whether it is still in the inventory",
    },
    Kept {
        test: "cards::a_foreign_network_is_no_connection_or_keeps_the_machine_off",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "power::a_replica_that_asks_nothing_starts_and_nothing_is_answered",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "power::a_question_that_nobody_knows_is_shown_and_stands",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "power::an_answer_whose_answer_is_lost_is_looked_at",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "power::the_question_of_a_replica_is_answered_as_told",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "story::single_calls_do_what_the_conveniences_do",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "together::each_machine_has_its_own_outcome",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "power::a_question_that_nobody_knows_is_shown_and_stands",
        switches: &["vm.asks_nothing"],
        why: "a question is asked and answered",
    },
    Kept {
        test: "power::an_answer_whose_answer_is_lost_is_looked_at",
        switches: &["vm.asks_nothing"],
        why: "a question is asked and answered",
    },
    Kept {
        test: "power::the_question_of_a_replica_is_answered_as_told",
        switches: &["vm.asks_nothing"],
        why: "a question is asked and answered",
    },
    Kept {
        test: "recovery::a_question_that_comes_in_spite_of_what_was_said_is_answered_as_it_was",
        switches: &["vm.asks_nothing"],
        why: "a question is asked and answered",
    },
    Kept {
        test: "recovery::what_a_machine_is_can_be_said_before_it_asks_and_taken_back",
        switches: &["vm.ignores_uuid_action"],
        why: "no question is asked",
    },
    Kept {
        test: "story::a_planned_failover_by_hand",
        switches: &["vm.asks_nothing"],
        why: "a question is asked and answered",
    },
    Kept {
        test: "story::single_calls_do_what_the_conveniences_do",
        switches: &["vm.asks_nothing"],
        why: "a question is asked and answered",
    },
    Kept {
        test: "together::each_machine_has_its_own_outcome",
        switches: &["vm.asks_nothing"],
        why: "a question is asked and answered",
    },
    Kept {
        test: "recovery::*",
        switches: &["vm.refuses_foreign_networks"],
        why: "the replica starts with the card of its source",
    },
    Kept {
        test: "recovery::a_disk_that_nobody_replicates_is_named_and_removed_only_when_asked_for",
        switches: &["vm.asks_nothing"],
        why: "a question is asked and answered",
    },
];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}
