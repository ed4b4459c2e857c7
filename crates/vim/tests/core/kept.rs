//! What the tests of this program keep as usual where its worlds are odd (`farside_simulator::spec::odd_tests`).

use farside_simulator::spec::odd_tests::{Kept, check};

pub(crate) const KEPT: &[Kept] = &[
    Kept {
        test: "waits::*",
        switches: &["vi_json.cancel_end"],
        why: "the code that a cancelled task ends with; one test plays each reading",
    },
    Kept {
        test: "objects::a_method_that_a_release_does_not_have_is_refused_however_it_is_told",
        switches: &["vi_json.unknown_method"],
        why: "it plays each reading",
    },
    Kept {
        test: "service::the_newest_release_that_both_know_is_used",
        switches: &["vcha.hello_needs_session"],
        why: "how often the greeting is sent",
    },
];

#[test]
fn what_is_kept_is_a_switch_of_a_test() {
    check(KEPT);
}
