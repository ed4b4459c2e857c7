//! What the tests of this program keep as usual where its worlds are odd (`farside_simulator::spec::odd_tests`).

use farside_simulator::spec::odd_tests::{Kept, check};

pub(crate) const KEPT: &[Kept] = &[
    Kept {
        test: "dpu::the_uplinks_move_after_the_answer",
        switches: &["dpu.moves_at_once"],
        why: "the uplinks between the answer and the move",
    },
    Kept {
        test: "readings::a_request_that_meets_a_lost_host_is_unknown_and_names_the_fault",
        switches: &["dpu.lost_host"],
        why: "it plays each reading",
    },
    Kept {
        test: "readings::a_release_without_the_method_is_named_however_it_says_so",
        switches: &["vi_json.unknown_method"],
        why: "it plays each reading",
    },
];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}
