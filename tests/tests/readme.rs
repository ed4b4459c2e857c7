//! What the README shows is true.

use std::path::Path;

use farside_failover::kind;
use farside_failover::plan::Document;

#[test]
fn the_plan_of_the_readme_is_a_plan() {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```toml\n").expect("a plan in the README");
    let (plan, _) = rest.split_once("```").expect("the end of the plan");
    let kinds = kind::standard();
    let document = Document::parse(Path::new("README.md"), plan, &kinds).expect("a well-formed plan");
    document.check(plan, &kinds).expect("a plan that can be run");
    assert_eq!(document.items.len(), 1);
}
