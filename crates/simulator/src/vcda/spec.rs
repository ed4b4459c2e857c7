//! What the sites of a world are like, with a switch for each reading that the sources leave open.

use serde::{Deserialize, Serialize};

/// The sites of a world.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct VcdaSpec {
    /// A call about a site that the session is not extended to is refused as if there were no session, with
    /// `NotAuthenticated`; otherwise with `RemoteAuthenticationFailure`.
    pub missing_extension_is_not_authenticated: bool,
}
