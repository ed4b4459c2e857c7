//! What the tests of this program keep as usual where its worlds are odd (`farside_simulator::spec::odd_tests`).

use farside_simulator::spec::odd_tests::{Kept, check};

pub(crate) const KEPT: &[Kept] = &[
    Kept {
        test: "readings::a_greeting_that_needs_a_session_is_sent_again_within_one",
        switches: &["vcha.hello_needs_session"],
        why: "it plays each reading",
    },
    Kept {
        test: "readings::a_second_request_for_a_busy_cluster_is_unknown_with_either_status",
        switches: &[
            "vcha.omits_error_types",
            "vcha.runtime_statuses",
            "vcha.refuses_in_task",
            "vcha.joins_failover",
        ],
        why: "it plays each type and status of a refusal at the call",
    },
    Kept {
        test: "readings::a_session_that_outlives_the_switch_is_gone_on_with",
        switches: &["vcha.keeps_sessions"],
        why: "it plays each reading",
    },
    Kept {
        test: "readings::what_the_server_does_not_know_is_gone_also_where_the_error_names_no_type",
        switches: &["vcha.after_switch"],
        why: "that the task is gone",
    },
    Kept {
        test: "operations::lost_nodes_are_checked_for_and_made_anew",
        switches: &["vcha.omits_error_types"],
        why: "the type of an error is read",
    },
    Kept {
        test: "operations::tasks_are_read_and_listed_by_all_that_tells_them_apart",
        switches: &["vcha.omits_error_types"],
        why: "the type of an error is read",
    },
    Kept {
        test: "tasks::a_deployment_is_cancelled_and_ends_with_that",
        switches: &["vcha.omits_error_types"],
        why: "the type of an error is read",
    },
    Kept {
        test: "tasks::a_failover_cannot_be_cancelled_and_a_wish_may_come_to_nothing",
        switches: &["vcha.omits_error_types"],
        why: "the type of an error tells why",
    },
    Kept {
        test: "waits::cancelled_work_ends_with_an_error",
        switches: &["vcha.omits_error_types"],
        why: "the type of an error is read",
    },
    Kept {
        test: "waits::waits_side_by_side_do_not_mix_up_their_work",
        switches: &["vcha.runtime_statuses"],
        why: "all work that fails does so with one type of error",
    },
    Kept {
        test: "client::a_failover_changes_the_roles_and_takes_session_and_task_with_it",
        switches: &["vcha.old_node_answers_ms", "vcha.after_switch"],
        why: "the former node is silent at once, and the task is gone",
    },
    Kept {
        test: "client::the_cluster_is_degraded_after_a_switch_and_healthy_later",
        switches: &["vcha.old_node_answers_ms"],
        why: "it reads once, when the other node serves",
    },
    Kept {
        test: "client::a_failover_changes_the_roles_and_takes_session_and_task_with_it",
        switches: &["vcha.runtime_statuses"],
        why: "the task is looked at as soon as the other node serves",
    },
    Kept {
        test: "operations::the_greeting_agrees_on_a_release_without_a_session",
        switches: &["vcha.hello_needs_session"],
        why: "that it needs none",
    },
    Kept {
        test: "sessions::after_a_switch_calls_go_on_in_another_session",
        switches: &["vcha.keeps_sessions"],
        why: "that the first one is lost",
    },
    Kept {
        test: "client::a_disabled_cluster_says_so_and_refuses",
        switches: &["vcha.refuses_in_task"],
        why: "where the refusal comes",
    },
    Kept {
        test: "failover::a_refusal_is_told_from_the_call_or_from_the_task",
        switches: &["vcha.refuses_in_task"],
        why: "where the refusal comes",
    },
    Kept {
        test: "operations::the_mode_is_changed_and_a_change_without_a_way_is_refused",
        switches: &["vcha.refuses_in_task"],
        why: "where the refusal comes",
    },
    Kept {
        test: "failover::a_switch_that_fails_midway_is_told_once_it_has_settled",
        switches: &["vcha.after_switch"],
        why: "the reason is told by the task alone",
    },
    Kept {
        test: "client::a_healthy_cluster_is_ready",
        switches: &["vcha.omits_allowed"],
        why: "the member is there",
    },
    Kept {
        test: "operations::a_full_read_needs_whoever_manages_the_machines_to_be_trusted",
        switches: &["vcha.wants_sha1"],
        why: "the thumbprint of the error is sent back",
    },
    Kept {
        test: "operations::a_cluster_is_deployed_and_removed_with_its_machines",
        switches: &["vcha.plain_operations"],
        why: "tasks are told apart by the name of their operation",
    },
    Kept {
        test: "operations::tasks_are_read_and_listed_by_all_that_tells_them_apart",
        switches: &["vcha.plain_operations"],
        why: "tasks are told apart by the name of their operation",
    },
    Kept {
        test: "operations::the_mode_is_changed_and_a_change_without_a_way_is_refused",
        switches: &["vcha.plain_operations"],
        why: "tasks are told apart by the name of their operation",
    },
    Kept {
        test: "tasks::a_deployment_is_cancelled_and_ends_with_that",
        switches: &["vcha.reasons_in_result", "vcha.ignores_cancel"],
        why: "how cancelled work ends",
    },
    Kept {
        test: "waits::cancelled_work_ends_with_an_error",
        switches: &["vcha.reasons_in_result", "vcha.ignores_cancel"],
        why: "how cancelled work ends",
    },
    Kept {
        test: "operations::lost_nodes_are_checked_for_and_made_anew",
        switches: &["vcha.tells_little"],
        why: "the warning of a lost node is read",
    },
    Kept {
        test: "operations::tasks_are_read_and_listed_by_all_that_tells_them_apart",
        switches: &["vcha.tells_little"],
        why: "the user of a task is read",
    },
];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}
