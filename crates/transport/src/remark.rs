//! What a transport says of a call beyond its answer.

use std::sync::{Arc, OnceLock};

/// Where a transport that makes answers up says what it has to say of a call, answered or not: which switches of a simulated world made
/// the answer another than usual. Whoever wants to know puts it among the extensions of the [`http::Request`]; clones share it. A
/// recording has it behind what the call was about, as `, odd: ` and the remark; nothing else looks at it.
#[derive(Clone, Debug, Default)]
pub struct Remark(Arc<OnceLock<String>>);

impl Remark {
    /// Says it; the first one stands.
    pub fn say(&self, remark: String) {
        self.0.get_or_init(|| remark);
    }

    /// What was said.
    #[must_use]
    pub fn said(&self) -> Option<&str> {
        self.0.get().map(String::as_str)
    }
}
