//! What the sites of a world are like, with a switch for each reading that the sources leave open.

use serde::{Deserialize, Serialize};

/// The sites of a world. A switch that is off plays the reading that COVERAGE.md gives.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct VcdaSpec {
    /// The version that the services speak: `4.6`, `4.7`, or `4.5` and below.
    pub api_version: String,
    /// VMs in each vApp replication.
    pub vms_per_vapp: u32,
    /// How many of the replications, the first ones, lead to a vCenter site.
    pub vcenter_destinations: u32,
    /// VMs in the east that nothing protects, two to a vApp.
    pub unprotected: u32,
    /// How long a site remembers a task that has ended, in milliseconds; without it, for ever.
    pub task_retention_ms: Option<u32>,
    /// A failed log-in has a header with a token all the same, which is good for nothing.
    pub failed_login_has_token: bool,
    /// A request is answered with the task of an earlier one that had the same `operationID`, was the same operation, and was
    /// about the same replication; it does nothing.
    pub deduplicates: bool,
    /// A call about a site that the session is not extended to is refused as if there were no session, with
    /// `NotAuthenticated`; otherwise with `RemoteAuthenticationFailure`.
    pub missing_extension_is_not_authenticated: bool,
    /// A migration, a reversal and a synchronisation need a session that is extended to the other site.
    pub needs_extension: bool,
    /// What a recovery state does not allow is refused in the task instead of at the call.
    pub refuses_in_task: bool,
    /// How what a recovery state does not allow is refused.
    pub state_refusal: StateRefusal,
    /// Tasks bring no result.
    pub no_results: bool,
    /// A recovered VM is not told: `recoveryInfo` has the state alone.
    pub bare_recovery_info: bool,
    /// `recoveryInfo` has a tag that nobody knows.
    pub unknown_recovery_tag: bool,
    /// The text `null` stands for no recovered vApp.
    pub null_as_text: bool,
    /// Pages of lists tell offset and limit.
    pub echoes_pages: bool,
    /// The bulk poll has no columns but state and id.
    pub few_columns: bool,
    /// Lists of recovery plans are pages instead of arrays.
    pub plans_as_page: bool,
    /// A prompt ends the task of a run of a plan, which is suspended.
    pub prompt_ends_task: bool,
    /// A health check has ended when it is answered.
    pub health_at_once: bool,
    /// A reversal shows as `IN_PROGRESS` while it runs.
    pub reverse_in_progress: bool,
    /// `lastUpdated` of a task is -1 while it runs.
    pub unset_last_updated: bool,
    /// Answers of success are labelled as plain JSON.
    pub plain_media_type: bool,
    /// A card of which a recovery says nothing, or null for its network, is not connected; otherwise it is on the network that is
    /// set up for it.
    pub null_networks_disconnect: bool,
    /// A recovered VM goes with its replication when that is deleted.
    pub stop_deletes_recovered: bool,
}

/// How what a recovery state does not allow is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateRefusal {
    /// 400 `BadRequest`.
    #[default]
    BadRequest,
    /// 409 with a code that names the state, and that no page has.
    Conflict,
    /// 500 `GeneralServerFailure`.
    ServerFailure,
}

impl Default for VcdaSpec {
    fn default() -> Self {
        Self {
            api_version: "4.6".to_owned(),
            vms_per_vapp: 1,
            vcenter_destinations: 0,
            unprotected: 4,
            task_retention_ms: None,
            failed_login_has_token: false,
            deduplicates: false,
            missing_extension_is_not_authenticated: false,
            needs_extension: false,
            refuses_in_task: false,
            state_refusal: StateRefusal::BadRequest,
            no_results: false,
            bare_recovery_info: false,
            unknown_recovery_tag: false,
            null_as_text: false,
            echoes_pages: false,
            few_columns: false,
            plans_as_page: false,
            prompt_ends_task: false,
            health_at_once: false,
            reverse_in_progress: false,
            unset_last_updated: false,
            plain_media_type: false,
            null_networks_disconnect: false,
            stop_deletes_recovered: false,
        }
    }
}

impl VcdaSpec {
    /// All switches but those that ask for another kind of session: every answer is as odd as the sources allow.
    pub fn odd() -> Self {
        Self {
            failed_login_has_token: true,
            refuses_in_task: true,
            state_refusal: StateRefusal::Conflict,
            no_results: true,
            unknown_recovery_tag: true,
            null_as_text: true,
            echoes_pages: true,
            few_columns: true,
            plans_as_page: true,
            prompt_ends_task: true,
            health_at_once: true,
            reverse_in_progress: true,
            unset_last_updated: true,
            plain_media_type: true,
            null_networks_disconnect: true,
            stop_deletes_recovered: true,
            ..Self::default()
        }
    }

    /// Whether the services speak this version or a newer one.
    pub(super) fn speaks(&self, major: u32, minor: u32) -> bool {
        let mut parts = self.api_version.split('.').map(|part| part.parse().unwrap_or(0));
        let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        version >= (major, minor)
    }
}
