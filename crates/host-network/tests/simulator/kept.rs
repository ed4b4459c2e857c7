//! What the tests of this program keep as usual where its worlds are odd (`farside_simulator::spec::odd_tests`).

use farside_simulator::spec::odd_tests::{Kept, check};

pub(crate) const KEPT: &[Kept] = &[Kept {
    test: "dpu::the_uplinks_move_after_the_answer",
    switches: &["dpu.moves_at_once"],
    why: "the uplinks between the answer and the move",
}];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}
