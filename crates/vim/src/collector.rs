//! The property collector and its filters.

use std::time::Duration;

use farside_models_vim::operation::{
    PROPERTY_COLLECTOR_CANCEL_RETRIEVE_PROPERTIES_EX, PROPERTY_COLLECTOR_CANCEL_WAIT_FOR_UPDATES,
    PROPERTY_COLLECTOR_CHECK_FOR_UPDATES, PROPERTY_COLLECTOR_CONTINUE_RETRIEVE_PROPERTIES_EX,
    PROPERTY_COLLECTOR_CREATE_FILTER, PROPERTY_COLLECTOR_CREATE_PROPERTY_COLLECTOR,
    PROPERTY_COLLECTOR_DESTROY_PROPERTY_COLLECTOR, PROPERTY_COLLECTOR_GET_FILTER,
    PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES, PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX,
    PROPERTY_COLLECTOR_WAIT_FOR_UPDATES, PROPERTY_COLLECTOR_WAIT_FOR_UPDATES_EX,
    PROPERTY_FILTER_DESTROY_PROPERTY_FILTER, PROPERTY_FILTER_GET_PARTIAL_UPDATES, PROPERTY_FILTER_GET_SPEC,
};
use farside_models_vim::{
    CancelRetrievePropertiesExRequest, CheckForUpdatesRequest, ContinueRetrievePropertiesExRequest,
    CreateFilterRequest, ObjectContent, PropertyFilterSpec, RetrievePropertiesExRequest,
    RetrievePropertiesRequest, RetrieveResult, UpdateSet, WaitForUpdatesExRequest, WaitForUpdatesRequest,
};
use farside_transport::CallError;
use farside_wire::ManagedObjectReference;

use crate::invocation::Invocation;
use crate::object::ManagedObject as _;

/// What a wait takes beyond the time that the server may wait: the way there and back, and a server with much to tell.
const WAIT_MARGIN: Duration = Duration::from_secs(30);

/// How long the server waits where the caller does not say (VI JSON names no limit).
const LONGEST_WAIT: Duration = Duration::from_secs(1_800);

crate::managed_object! {
    /// Reads and watches properties: [`VimClient::property_collector`](crate::VimClient::property_collector) is the session's
    /// default one. Only one call may wait at a collector at a time.
    pub struct PropertyCollector = "PropertyCollector";
    /// A filter of a collector: which properties of which objects are watched. It belongs to the session.
    pub struct PropertyFilter = "PropertyFilter";
}

crate::methods! {
    PropertyCollector {
        /// Reads properties of objects, the first page of them. [`VimClient::properties`](crate::VimClient::properties) reads all.
        read retrieve_properties_ex(request: &RetrievePropertiesExRequest) -> optional RetrieveResult
            = PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES_EX;
        /// Reads the next page.
        read continue_retrieve_properties_ex(request: &ContinueRetrievePropertiesExRequest) -> optional RetrieveResult
            = PROPERTY_COLLECTOR_CONTINUE_RETRIEVE_PROPERTIES_EX;
        /// Discards the pages that were not fetched.
        read cancel_retrieve_properties_ex(request: &CancelRetrievePropertiesExRequest) -> nothing
            = PROPERTY_COLLECTOR_CANCEL_RETRIEVE_PROPERTIES_EX;
        /// Reads properties of objects without pages; superseded by [`PropertyCollector::retrieve_properties_ex`].
        read retrieve_properties(request: &RetrievePropertiesRequest) -> list ObjectContent = PROPERTY_COLLECTOR_RETRIEVE_PROPERTIES;
        /// Makes a filter whose changes are told from then on, and answers a reference for [`PropertyFilter`].
        act create_filter(request: &CreateFilterRequest) -> value ManagedObjectReference = PROPERTY_COLLECTOR_CREATE_FILTER;
        /// Makes a collector of the session's own, with its own filters and versions. One whose id was lost with an answer cannot
        /// be found, and goes with the session.
        act create_property_collector() -> value ManagedObjectReference = PROPERTY_COLLECTOR_CREATE_PROPERTY_COLLECTOR;
        /// Destroys a collector that was made, with its filters; who waits at it gets `RequestCanceled`.
        act destroy() -> nothing = PROPERTY_COLLECTOR_DESTROY_PROPERTY_COLLECTOR;
        /// Reads what has changed since a version, without waiting; superseded by `wait_for_updates_ex` with zero seconds.
        read check_for_updates(request: &CheckForUpdatesRequest) -> optional UpdateSet = PROPERTY_COLLECTOR_CHECK_FOR_UPDATES;
        /// Makes calls that wait in this session end with `RequestCanceled`.
        read cancel_wait_for_updates() -> nothing = PROPERTY_COLLECTOR_CANCEL_WAIT_FOR_UPDATES;
        /// Reads the filters of the collector.
        read filters() -> list ManagedObjectReference = PROPERTY_COLLECTOR_GET_FILTER;
    }
}

impl PropertyCollector {
    /// Waits until something changes, and reads what has changed since a version: everything for none. `None` when the
    /// time was up. One call of [`PROPERTY_COLLECTOR_WAIT_FOR_UPDATES_EX`], which is given the server's time to wait and half
    /// a minute more. [`VimClient::updates`](crate::VimClient::updates) keeps all rules of it.
    ///
    /// # Errors
    /// [`CallError`]. `InvalidCollectorVersion`: begin again without a version; `RequestCanceled`: the wait was cancelled, or
    /// the collector or the session has ended.
    ///
    /// # Cancel safety
    /// A dropped future leaves the server waiting, and what it would have told comes again for the same version.
    pub async fn wait_for_updates_ex(
        &self,
        request: &WaitForUpdatesExRequest,
    ) -> Result<Option<UpdateSet>, CallError> {
        let seconds = request
            .options
            .as_ref()
            .and_then(|options| options.max_wait_seconds);
        let wait = seconds.map_or(LONGEST_WAIT, |seconds| {
            Duration::from_secs(u64::try_from(seconds).unwrap_or_default())
        });
        let call = Invocation::new(&PROPERTY_COLLECTOR_WAIT_FOR_UPDATES_EX, self.id())
            .target(self.reference().to_string())
            .body(request)
            .deadline(wait.saturating_add(WAIT_MARGIN));
        self.client().optional(call).await
    }

    /// Waits without an end of the server's own until something changes; given up after half an hour. Superseded by
    /// [`PropertyCollector::wait_for_updates_ex`]. One call of [`PROPERTY_COLLECTOR_WAIT_FOR_UPDATES`].
    ///
    /// # Errors
    /// As [`PropertyCollector::wait_for_updates_ex`].
    ///
    /// # Cancel safety
    /// As [`PropertyCollector::wait_for_updates_ex`].
    pub async fn wait_for_updates(&self, request: &WaitForUpdatesRequest) -> Result<UpdateSet, CallError> {
        let call = Invocation::new(&PROPERTY_COLLECTOR_WAIT_FOR_UPDATES, self.id())
            .target(self.reference().to_string())
            .body(request)
            .deadline(LONGEST_WAIT);
        self.client().value(call).await
    }
}

crate::methods! {
    PropertyFilter {
        /// Destroys the filter: its objects are not watched any more.
        act destroy() -> nothing = PROPERTY_FILTER_DESTROY_PROPERTY_FILTER;
        /// Reads whether changes within a property are told by themselves.
        read partial_updates() -> value bool = PROPERTY_FILTER_GET_PARTIAL_UPDATES;
        /// Reads what the filter was made with.
        read spec() -> value PropertyFilterSpec = PROPERTY_FILTER_GET_SPEC;
    }
}
