//! Recovery plans of the service: what the pages document of them.
//!
//! How a suspended run is resumed, how a prompt is approved, how steps are listed and how reports are read is not
//! documented, so there is no method for it (VCDA wire rules 14).

use farside_models_vcda::{
    NewRecoveryPlanSettings, QueryResult, RecoveryPlanCloneSettings, RecoveryPlanFailoverSettings,
    RecoveryPlanInfo, RecoveryPlansStepsMoveQuery, RecoveryStepInfo, RecoveryStepSettings, operation,
};
use farside_transport::{CallError, RemoteOperation};
use farside_wire::{Operation, Query, RawJson, Read, ReadError, Reader};

use crate::client::{Ask, VcdaClient};
use crate::id::{RecoveryPlanId, RecoveryStepId};
use crate::list::Page;
use crate::task::Finished;

/// The plans, in either form of the answer.
struct Plans {
    items: Vec<RawJson>,
    total: Option<i64>,
}

impl Read for Plans {
    fn read(reader: &mut Reader<'_>) -> Result<Self, ReadError> {
        let raw = RawJson::read(reader)?;
        let bare = raw.get().trim_start().starts_with('[');
        let plans = if bare {
            raw.decode().map(|items| Self { items, total: None })
        } else {
            raw.decode::<QueryResult<RawJson>>()
                .map(|QueryResult { items, total, .. }| Self { items, total })
        };
        plans.map_err(|error| reader.refused(error.reason().to_string()))
    }
}

impl VcdaClient {
    /// The recovery plans (operation `recoveryPlans.list`).
    ///
    /// Inferred: whether the answer is a bare array or a page was not read; both are taken. How a further page would be asked
    /// for is not documented, so there is the first one only: where [`Page::total`] is larger than the number of items, the
    /// service has more plans than it shows.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn recovery_plans(&self) -> Result<Page<RecoveryPlanInfo>, CallError> {
        let ask = self.ask(
            &operation::RECOVERY_PLANS_LIST,
            "the recovery plans",
            &[],
            &Query::new(),
        );
        let Plans { items, total } = self.read(ask).await?;
        Ok(Page::of(&items, total))
    }

    /// Makes a recovery plan without steps, at once (operation `recoveryPlans.create`). `isMigration` settles whether it
    /// is tested and failed over, or migrated.
    ///
    /// The body is documented in 4.7; inferred: no page about the call was read.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the plan may be there: look for its name, which is unique.
    pub async fn create_recovery_plan(
        &self,
        settings: &NewRecoveryPlanSettings,
    ) -> Result<RecoveryPlanInfo, CallError> {
        let name = settings.display_name.as_deref().unwrap_or_default();
        let target = format!("recovery plan {name:?}");
        let operation = &operation::RECOVERY_PLANS_CREATE;
        self.read(self.ask_with(operation, target, &[], &Query::new(), settings))
            .await
    }

    /// The recovery plan of this id. Nothing is sent.
    #[must_use]
    pub fn recovery_plan(&self, id: &RecoveryPlanId) -> RecoveryPlan {
        RecoveryPlan {
            client: self.clone(),
            id: id.clone(),
        }
    }
}

/// A recovery plan of the service.
///
/// None of its operations has the parameter `site`: a plan belongs to the service that is asked. A plan that is not there
/// has no documented error. Dropping a future of a reading method changes nothing; after dropping another one, what was
/// asked for may have been done.
#[derive(Clone, Debug)]
pub struct RecoveryPlan {
    client: VcdaClient,
    id: RecoveryPlanId,
}

impl RecoveryPlan {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &RecoveryPlanId {
        &self.id
    }

    fn target(&self) -> String {
        format!("recovery plan {}", self.id)
    }

    fn ask(&self, operation: &'static Operation) -> Ask {
        let params = [("recoveryPlanId", self.id.as_str())];
        self.client.ask(operation, self.target(), &params, &Query::new())
    }

    fn ask_with(&self, operation: &'static Operation, body: &impl serde::Serialize) -> Ask {
        let params = [("recoveryPlanId", self.id.as_str())];
        self.client
            .ask_with(operation, self.target(), &params, &Query::new(), body)
    }

    /// The plan, and how far a run of it is: `executionInfo` (operation `recoveryPlans.get`). Inferred: no page about the
    /// call was read.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn get(&self) -> Result<RecoveryPlanInfo, CallError> {
        self.client.read(self.ask(&operation::RECOVERY_PLANS_GET)).await
    }

    /// Deletes the plan, at once. Documented in 4.7 (operation `recoveryPlans.delete`). What becomes of its replications is not
    /// documented.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the plan may be gone: read it.
    pub async fn delete(&self) -> Result<(), CallError> {
        self.client
            .send(self.ask(&operation::RECOVERY_PLANS_DELETE))
            .await
    }

    /// Makes a copy of the plan under another name, at once. Documented in 4.7, for the vSphere flavour (operation
    /// `recoveryPlans.clone`).
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the copy may be there: look for its name, which is unique.
    pub async fn copy(&self, settings: &RecoveryPlanCloneSettings) -> Result<RecoveryPlanInfo, CallError> {
        let ask = self.ask_with(&operation::RECOVERY_PLANS_CLONE, settings);
        self.client.read(ask).await
    }

    /// Adds a step at the end, at once. Documented in 4.7 (operation `recoveryPlans.steps.add`). `delay` is in milliseconds and
    /// counts after the step's work; a `prompt` suspends a run until somebody approves it. How a replication is named in the
    /// step is not documented, so it is raw JSON.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the step may be there, and no operation to list steps is known.
    pub async fn add_step(&self, settings: &RecoveryStepSettings) -> Result<RecoveryStepInfo, CallError> {
        let ask = self.ask_with(&operation::RECOVERY_PLANS_STEPS_ADD, settings);
        self.client.read(ask).await
    }

    /// Moves a step to another place, at once. Documented in 4.7, for the vSphere flavour (operation
    /// `recoveryPlans.steps.move`). What counts as the first place is not documented: the `sequence` of the steps shows it.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the step may have moved. To move it once more to the same place does no
    /// harm.
    pub async fn move_step(
        &self,
        step: &RecoveryStepId,
        new_sequence: i64,
    ) -> Result<RecoveryStepInfo, CallError> {
        let params = [
            ("recoveryPlanId", self.id.as_str()),
            ("recoveryStepId", step.as_str()),
        ];
        let query = RecoveryPlansStepsMoveQuery::default().with_new_sequence(new_sequence);
        let ask = self.client.ask(
            &operation::RECOVERY_PLANS_STEPS_MOVE,
            self.target(),
            &params,
            &query.to_query(),
        );
        self.client.read(ask).await
    }

    async fn run(
        &self,
        operation: &'static Operation,
        validate: Option<bool>,
    ) -> Result<RemoteOperation<Finished<RecoveryPlanInfo>>, CallError> {
        let ask = match validate {
            Some(validate) => {
                let settings = RecoveryPlanFailoverSettings::default().with_validate(validate);
                self.ask_with(operation, &settings)
            }
            None => self.ask(operation),
        };
        self.client.begin(ask).await
    }

    /// Starts the failover of all replications of the plan, step by step; for a plan that is no migration. Documented in 4.6,
    /// and in 4.7 for the vSphere flavour (operation `recoveryPlans.failover`). `validate` is sent since 4.7; with `None` there
    /// is no body, as services before take it.
    ///
    /// A step with a prompt suspends the run, and whether its task then goes on or ends is not documented: follow
    /// `executionInfo` of the plan, not the task alone. There is no operation to end a run.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the run may have begun: `executionInfo` shows it.
    pub async fn start_failover(
        &self,
        validate: Option<bool>,
    ) -> Result<RemoteOperation<Finished<RecoveryPlanInfo>>, CallError> {
        self.run(&operation::RECOVERY_PLANS_FAILOVER, validate).await
    }

    /// Starts the migration of all replications of the plan, step by step; for a plan that is a migration. Documented in 4.7
    /// (operation `recoveryPlans.migrate`). Sources are powered off, and their sites must be alive. The rest is as with
    /// [`RecoveryPlan::start_failover`].
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the run may have begun: `executionInfo` shows it.
    pub async fn start_migrate(
        &self,
        validate: Option<bool>,
    ) -> Result<RemoteOperation<Finished<RecoveryPlanInfo>>, CallError> {
        self.run(&operation::RECOVERY_PLANS_MIGRATE, validate).await
    }

    /// Starts a test failover of all replications of the plan, step by step. Documented in 4.6 and 4.7 (operation
    /// `recoveryPlans.test`). Replication
    /// goes on; the copies stay until they are cleaned up. The rest is as with [`RecoveryPlan::start_failover`].
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the run may have begun: `executionInfo` shows it.
    pub async fn start_test(
        &self,
        validate: Option<bool>,
    ) -> Result<RemoteOperation<Finished<RecoveryPlanInfo>>, CallError> {
        self.run(&operation::RECOVERY_PLANS_TEST, validate).await
    }

    /// Starts removing what a test of the plan has made (operation `recoveryPlans.testCleanup`). Inferred: that it is a
    /// DELETE was read in 4.7 for the vSphere flavour, its path was not.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the removal may have begun: `executionInfo` shows it.
    pub async fn start_test_cleanup(&self) -> Result<RemoteOperation<Finished<RecoveryPlanInfo>>, CallError> {
        self.run(&operation::RECOVERY_PLANS_TEST_CLEANUP, None).await
    }
}
