//! What a transport says of an answer beyond it.

/// What a transport that makes answers up says of one, as an extension of the [`http::Response`]: which switches of a simulated world
/// made it another than usual. A recording has it behind what the call was about, as `, odd: ` and the remark; nothing else looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark(pub String);
