//! What the tests of this program keep as usual where its worlds are odd (`farside_simulator::spec::odd_tests`).

use farside_simulator::spec::odd_tests::{Kept, check};

pub(crate) const KEPT: &[Kept] = &[
    Kept {
        test: "odd::actions_with_tags_of_their_own_are_all_done_though_tags_may_tell_requests_apart",
        switches: &["vcda.deduplicates", "vcda.refuses_in_task"],
        why: "it plays each reading, and a refusal at the call",
    },
    Kept {
        test: "odd::a_second_test_is_refused_with_any_code_and_the_first_one_stays",
        switches: &["vcda.state_refusal", "vcda.refuses_in_task"],
        why: "it plays each reading itself",
    },
    Kept {
        test: "odd::a_refusal_may_come_in_the_task",
        switches: &["vcda.state_refusal"],
        why: "the code of the error in the task",
    },
    Kept {
        test: "plans::a_plan_is_tested_cleaned_up_and_failed_over",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "odd::work_that_has_ended_when_it_is_answered_is_not_asked_for",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "recovery::a_test_its_cleanup_a_migration_and_a_reversal_end_in_their_states",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "services::a_lost_site_shows_in_the_list_and_in_the_health",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "services::the_version_is_fixed_or_negotiated_and_settles_how_health_is_asked_for",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vapps::a_vapp_is_deleted_and_another_one_protected",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vapps::a_vapp_is_migrated_and_one_that_is_not_ready_as_a_whole_is_refused",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vapps::a_vapp_is_tested_and_failed_over_with_all_it_takes",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vms::a_failover_with_all_it_takes_recovers_as_it_was_told",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vapps::all_vms_of_a_vapp_are_reconfigured_paused_resumed_and_synchronised_together",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vms::a_pause_lets_the_instances_age_until_it_is_resumed_and_synchronised",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vms::a_migration_to_chosen_networks_and_the_way_back",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vms::a_replica_moves_to_other_storage",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vms::a_reconfiguration_changes_what_it_names_and_drops_the_profile",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vms::a_vcenter_site_takes_hardware_and_networks_by_vm",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vms::a_replication_is_deleted_and_its_vm_protected_anew",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "waits::a_wait_outlives_cut_connections_ended_sessions_and_a_server_in_trouble",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "waits::forty_waits_share_one_question_at_a_time",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "waits::suite::*",
        switches: &["vcda.no_results"],
        why: "it looks at the result of the task",
    },
    Kept {
        test: "vapps::a_vapp_is_migrated_and_one_that_is_not_ready_as_a_whole_is_refused",
        switches: &["vcda.refuses_in_task"],
        why: "the refusal of the call",
    },
    Kept {
        test: "vms::a_failover_with_all_it_takes_recovers_as_it_was_told",
        switches: &["vcda.bare_recovery_info", "vcda.unknown_recovery_tag"],
        why: "what `recoveryInfo` tells of the recovered VM",
    },
    Kept {
        test: "vms::a_vcenter_site_takes_hardware_and_networks_by_vm",
        switches: &["vcda.bare_recovery_info", "vcda.unknown_recovery_tag"],
        why: "what `recoveryInfo` tells of the recovered VM",
    },
    Kept {
        test: "plans::a_plan_migrates_waits_at_its_prompt_and_tells_why_it_stops",
        switches: &["vcda.prompt_ends_task"],
        why: "the run waits for its prompt",
    },
    Kept {
        test: "waits::a_failed_task_says_why_and_a_task_that_is_not_there_is_gone",
        switches: &["vcda.needs_extension"],
        why: "the site that is lost refuses no call",
    },
    Kept {
        test: "waits::suite::work_that_fails_brings_its_error",
        switches: &["vcda.needs_extension"],
        why: "the site that is lost refuses no call",
    },
    Kept {
        test: "services::tasks_are_found_by_each_filter",
        switches: &["vcda.no_results"],
        why: "the result of the task is read",
    },
    Kept {
        test: "waits::a_wait_that_is_kept_and_not_polled_holds_nobody_up",
        switches: &["vcda.no_results"],
        why: "the result of the task is read",
    },
];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}
