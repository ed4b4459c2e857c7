//! What the tests of this program keep as usual where its worlds are odd (`farside_simulator::spec::odd_tests`).

use farside_simulator::spec::odd_tests::{Kept, check};

pub(crate) const KEPT: &[Kept] = &[Kept {
    test: "waits::*",
    switches: &["vi_json.cancel_end"],
    why: "the code that a cancelled task ends with; one test plays each reading",
}];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}
