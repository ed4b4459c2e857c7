//! The answers of the wire fixtures, for the unit tests.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;

/// The body of the answer in a fixture of the vCenter models, such as `vcha/cluster-get-full`.
pub(crate) fn answer<T: DeserializeOwned>(name: &str) -> T {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models-vcenter/tests/fixtures")
        .join(format!("{name}.json"));
    let mut fixture: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    // From text, as from a server: raw members are kept as they stand there.
    serde_json::from_str(&fixture["response"]["body"].take().to_string()).unwrap()
}
