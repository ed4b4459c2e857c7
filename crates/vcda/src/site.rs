//! Sites, and the state of the service itself.

use farside_models_vcda::{AboutInfo, CloudHealthInfo, CloudSite, PairCloudSiteData, operation};
use farside_transport::{CallError, RemoteOperation};
use farside_wire::{Query, RawJson};

use crate::client::VcdaClient;
use crate::list::{Undecodable, item};
use crate::task::Finished;
use crate::version::ApiVersion;

impl VcdaClient {
    /// The sites that the service knows, its own among them, with versions and errors of communication. Documented in 4.7
    /// (operation `sites.list`). They come at once, without pages. An item's id is the short name of its site.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn sites(&self) -> Result<Vec<Result<CloudSite, Undecodable>>, CallError> {
        let ask = self.ask(&operation::SITES_LIST, "the sites", &[], &Query::new());
        let sites: Vec<RawJson> = self.read(ask).await?;
        Ok(sites.iter().map(item).collect())
    }

    /// Starts pairing the service with another site; for providers (operation `sites.pair`).
    ///
    /// Inferred from client code for 4.7: no page about the call was read, so that neither its errors nor what its task brings
    /// are known.
    ///
    /// # Errors
    /// [`CallError`]; where its effect is unknown the pairing may have begun: the list of sites shows it.
    pub async fn start_pairing(
        &self,
        data: &PairCloudSiteData,
    ) -> Result<RemoteOperation<Finished<RawJson>>, CallError> {
        let target = format!("site {}", data.site.as_deref().unwrap_or_default());
        self.begin(self.ask_with(&operation::SITES_PAIR, target, &[], &Query::new(), data))
            .await
    }

    /// The vCenter sites that the service knows, as raw JSON (operation `sites.vcenterSites`).
    ///
    /// Inferred: known from client code of the time of 3.0 only; the members of a site are not documented.
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn vcenter_sites(&self) -> Result<Vec<RawJson>, CallError> {
        let ask = self.ask(
            &operation::SITES_VCENTER_SITES,
            "the vCenter sites",
            &[],
            &Query::new(),
        );
        self.read(ask).await
    }

    /// Product and build of the service. Documented in 3.5, by its name only (operation `diagnostics.about`).
    ///
    /// # Errors
    /// [`CallError`]; nothing has changed.
    pub async fn about(&self) -> Result<AboutInfo, CallError> {
        let ask = self.ask(&operation::DIAGNOSTICS_ABOUT, "the service", &[], &Query::new());
        self.read(ask).await
    }

    /// Starts a check of the service's health, whose result has an error for each part that is not well (operation
    /// `diagnostics.health`). It is a task, not an instant read; nothing changes by it.
    ///
    /// Documented in 4.2, 4.5 and 4.7. Up to version 4.5 it is asked for with a GET, from 4.7 on with a POST. Of 4.6 no page
    /// was read; it is asked with a POST (VCDA wire rules 15).
    ///
    /// # Errors
    /// [`CallError`]; at most one check more is running.
    pub async fn start_health_check(&self) -> Result<RemoteOperation<Finished<CloudHealthInfo>>, CallError> {
        let mut ask = self.ask(&operation::DIAGNOSTICS_HEALTH, "the service", &[], &Query::new());
        if self.api_version() < ApiVersion::POSTS_HEALTH {
            *ask.request.method_mut() = http::Method::GET;
        }
        self.begin(ask).await
    }
}
