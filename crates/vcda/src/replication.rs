//! Replications of VMs and of vApps: what can be asked of both, and of each.

mod vapp;
mod vm;

pub use vapp::VappReplication;
pub use vm::VmReplication;

/// The methods that replications of both kinds have: the operation of the kind, what its task brings, and what of their
/// knowledge differs.
macro_rules! shared_actions {
    (
        result: $Info:ty,
        reads: $get:ident, $networks:ident,
        actions: $reconfigure:ident, $stop:ident, $cleanup:ident, $reverse:ident, $pause:ident, $resume:ident, $sync:ident,
        known: {
            get: $get_known:literal, networks: $networks_known:literal, reconfigure: $reconfigure_known:literal,
            stop: $stop_known:literal, cleanup: $cleanup_known:literal,
            reverse: $reverse_known:literal, pause: $pause_known:literal, resume: $resume_known:literal,
            sync: $sync_known:literal
        }
    ) => {
        /// The replication, as the site that is asked shows it.
        #[doc = $get_known]
        ///
        /// # Errors
        /// [`CallError`], with status 404 where the site has none of this id; nothing has changed.
        pub async fn get(&self) -> Result<$Info, CallError> {
            self.client.read(self.ask(&operation::$get)).await
        }

        /// The networks that were set up for a failover and for a test: to be put, with changes, into the settings of
        /// either.
        #[doc = $networks_known]
        ///
        /// # Errors
        /// [`CallError`]; nothing has changed.
        pub async fn network_settings(&self) -> Result<ReplicationNetworkSettings, CallError> {
            self.client.read(self.ask(&operation::$networks)).await
        }

        /// Starts a change of how it replicates; what is left out stays as it is. `rpo` is in minutes. To give `rpo`,
        /// `quiesced`, `dataConnectionType` or `retentionPolicy` without an SLA profile drops the one that is set (VCDA wire
        /// rules 13).
        #[doc = $reconfigure_known]
        ///
        /// # Errors
        /// [`CallError`]; where its effect is unknown the change may have begun: read the replication.
        pub async fn start_reconfigure(
            &self,
            settings: &C4ReplicationReconfigureSettings,
        ) -> Result<RemoteOperation<Finished<$Info>>, CallError> {
            let ask = self.ask_with(&operation::$reconfigure, settings);
            self.client.begin(ask).await
        }

        /// Starts the removal of the replication. Whether what was recovered from it stays is not documented.
        #[doc = $stop_known]
        ///
        /// # Errors
        /// [`CallError`]; where its effect is unknown the removal may have begun: read the replication.
        pub async fn start_delete(&self) -> Result<RemoteOperation<Finished<$Info>>, CallError> {
            self.client.begin(self.ask(&operation::$stop)).await
        }

        /// Starts the removal of the copies that a test made; only in recovery state `TEST`.
        #[doc = $cleanup_known]
        ///
        /// # Errors
        /// [`CallError`]; where its effect is unknown the removal may have begun: read the recovery state.
        pub async fn start_test_cleanup(&self) -> Result<RemoteOperation<Finished<$Info>>, CallError> {
            self.client.begin(self.ask(&operation::$cleanup)).await
        }

        /// Starts to replicate what was recovered to where it came from; only in recovery state `COMPLETE`. The old source
        /// must be alive: its disks become seeds, and **the original is removed**. Until `optimizeUntil` a shorter way is
        /// possible.
        #[doc = $reverse_known]
        ///
        /// # Errors
        /// [`CallError`]; where its effect is unknown the reversal may have begun and the original may be gone: look for its
        /// task, then read the replication.
        pub async fn start_reverse(&self) -> Result<RemoteOperation<Finished<$Info>>, CallError> {
            self.client.begin(self.ask(&operation::$reverse)).await
        }

        /// Starts a pause: no more data is sent until it is resumed. It can still be failed over, from the instances that it
        /// has (inferred).
        #[doc = $pause_known]
        ///
        /// # Errors
        /// [`CallError`]; where its effect is unknown the pause may have begun: `isPaused` shows it.
        pub async fn start_pause(&self) -> Result<RemoteOperation<Finished<$Info>>, CallError> {
            self.client.begin(self.ask(&operation::$pause)).await
        }

        /// Starts to replicate again after a pause.
        #[doc = $resume_known]
        ///
        /// # Errors
        /// [`CallError`]; where its effect is unknown it may have begun: `isPaused` shows it.
        pub async fn start_resume(&self) -> Result<RemoteOperation<Finished<$Info>>, CallError> {
            self.client.begin(self.ask(&operation::$resume)).await
        }

        /// Starts a synchronisation beside those that the RPO asks for. The source must be alive.
        #[doc = $sync_known]
        ///
        /// # Errors
        /// [`CallError`]; where its effect is unknown it may have begun. Another one does no harm.
        pub async fn start_sync(&self) -> Result<RemoteOperation<Finished<$Info>>, CallError> {
            self.client.begin(self.ask(&operation::$sync)).await
        }

        /// Starts work with settings, unless they are ones that cannot be sent.
        async fn begin_with(
            &self,
            operation: &'static Operation,
            settings: Result<impl serde::Serialize, &'static str>,
        ) -> Result<RemoteOperation<Finished<$Info>>, CallError> {
            match settings {
                Ok(body) => self.client.begin(self.ask_with(operation, &body)).await,
                Err(why) => Err(self.client.unsendable(self.ask(operation), why)),
            }
        }

        fn ask(&self, operation: &'static Operation) -> Ask {
            let params = [("replicationId", self.id.as_str())];
            let query = self.client.site_query();
            self.client.ask(operation, self.target(), &params, &query)
        }

        fn ask_with(&self, operation: &'static Operation, body: &impl serde::Serialize) -> Ask {
            let params = [("replicationId", self.id.as_str())];
            let query = self.client.site_query();
            self.client
                .ask_with(operation, self.target(), &params, &query, body)
        }
    };
}

use shared_actions;
