//! Watching properties: `WaitForUpdatesEx` with all its rules (VI JSON wire rules 10.2).

use std::time::Duration;

use farside_models_vim::{
    CreateFilterRequest, PropertyFilterSpec, UpdateSet, WaitForUpdatesExRequest, WaitOptions,
};
use farside_transport::CallError;
use farside_wire::Fault;
use futures_util::{Stream, stream};

use crate::client::VimClient;
use crate::collector::PropertyCollector;
use crate::object::ManagedObject as _;
use crate::task::is_unknown_object;

/// How long the server is to wait at most, unless said.
const WAIT: Duration = Duration::from_secs(30);

/// What a wait at a collector came to.
#[derive(Debug)]
pub(crate) enum Waited {
    /// There is news. All values come with it if it is the first since the beginning.
    News { set: UpdateSet, from_start: bool },
    /// There is none.
    Nothing,
    /// The collector is gone, with all filters.
    Lost,
}

/// A collector of one's own, and the version up to which its updates are known.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) collector: PropertyCollector,
    version: String,
    /// A wait of ours may go on at the server.
    waiting: bool,
}

impl Watch {
    /// Makes a collector that nobody else waits at. If the answer is lost, one may have been made whose id nobody knows, and no call
    /// lists collectors: it has no filters, and goes with the session.
    pub(crate) async fn open(client: &VimClient) -> Result<Self, CallError> {
        let own = client
            .property_collector()
            .await?
            .create_property_collector()
            .await?;
        Ok(Self {
            collector: PropertyCollector::of(client, own),
            version: String::new(),
            waiting: false,
        })
    }

    /// Destroys a collector that is not of use, with its filters.
    pub(crate) async fn give_up(self) {
        // One that cannot be destroyed goes with the session.
        let _ = self.collector.destroy().await;
    }

    /// Waits once. A wait that was dropped or whose answer was lost is cancelled first, since one at a time may wait; what it
    /// would have told comes again, as its version was never given back.
    pub(crate) async fn wait(&mut self, options: WaitOptions) -> Result<Waited, CallError> {
        let answer = async {
            if self.waiting {
                self.collector.cancel_wait_for_updates().await?;
            }
            self.waiting = true;
            let request = WaitForUpdatesExRequest::default()
                .with_version(self.version.as_str())
                .with_options(options);
            self.collector.wait_for_updates_ex(&request).await
        };
        let error = match answer.await {
            Ok(set) => {
                self.waiting = false;
                return Ok(match set {
                    Some(set) => {
                        let from_start = self.version.is_empty();
                        self.version.clone_from(&set.version);
                        Waited::News { set, from_start }
                    }
                    None => Waited::Nothing,
                });
            }
            Err(error) => error,
        };
        match error.fault().map(Fault::type_name) {
            // Only once: without a version it cannot be the wrong one.
            Some("InvalidCollectorVersion") if !self.version.is_empty() => {
                self.waiting = false;
                self.version.clear();
                Ok(Waited::Nothing)
            }
            Some("RequestCanceled") => Ok(Waited::Lost),
            Some(_) if error.fault().is_some_and(is_unknown_object) => Ok(Waited::Lost),
            _ => Err(error),
        }
    }
}

/// What changed since the last one.
#[derive(Debug)]
#[non_exhaustive]
pub struct Update {
    /// The changes. While it is `truncated`, more of them come with the next update.
    pub set: UpdateSet,
    /// All values come anew from here on: at the beginning, and after the server has lost what it knew of this watch, by
    /// a restart or with the session. What is not told of again has gone.
    pub from_start: bool,
}

/// A watch over properties, from [`VimClient::updates`].
#[derive(Debug)]
#[must_use]
pub struct Updates {
    client: VimClient,
    specs: Vec<PropertyFilterSpec>,
    partial: bool,
    wait: Duration,
    most: Option<i32>,
    watch: Option<Watch>,
}

impl VimClient {
    /// Watches what these filters select. Nothing is sent before the first [`Updates::next`].
    pub fn updates(&self, specs: Vec<PropertyFilterSpec>) -> Updates {
        Updates {
            client: self.clone(),
            specs,
            partial: false,
            wait: WAIT,
            most: None,
            watch: None,
        }
    }
}

impl Updates {
    /// Has changes within a property told by themselves, with their full paths.
    pub fn partial(mut self) -> Self {
        self.partial = true;
        self
    }

    /// Sets how long the server waits in one call, in whole seconds; half a minute unless said.
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait;
        self
    }

    /// Sets how many objects one update may tell of.
    pub fn most_objects(mut self, most: u32) -> Self {
        self.most = i32::try_from(most.max(1)).ok();
        self
    }

    /// Waits for the next update, however long that takes.
    ///
    /// It hands back the version, asks again when a wait ran out, begins anew after `InvalidCollectorVersion`, and makes
    /// collector and filters anew when the session or the server has lost them. It uses a collector of its own, so that it
    /// disturbs nobody who waits.
    ///
    /// # Errors
    /// [`CallError`], for instance of a lost connection: call again, and nothing is missed. Where the answer to the making of a
    /// collector or a filter was lost, an empty collector, or one with its filters, may stay at the server until the session
    /// ends: a caller who calls again without a pause can make many of them.
    ///
    /// # Cancel safety
    /// Dropped, it loses nothing: the next call tells it.
    pub async fn next(&mut self) -> Result<Update, CallError> {
        loop {
            let watch = match &mut self.watch {
                Some(watch) => watch,
                None => {
                    let watch = Watch::open(&self.client).await?;
                    for spec in &self.specs {
                        let filter = CreateFilterRequest::new(spec.clone(), self.partial);
                        if let Err(error) = watch.collector.create_filter(&filter).await {
                            watch.give_up().await;
                            return Err(error);
                        }
                    }
                    self.watch.insert(watch)
                }
            };
            let seconds = i32::try_from(self.wait.as_secs()).unwrap_or(i32::MAX);
            let mut options = WaitOptions::default().with_max_wait_seconds(seconds);
            if let Some(most) = self.most {
                options = options.with_max_object_updates(most);
            }
            match watch.wait(options).await? {
                Waited::News { set, from_start } => return Ok(Update { set, from_start }),
                Waited::Nothing => {}
                Waited::Lost => self.watch = None,
            }
        }
    }

    /// The updates as a stream, which never ends. After an error it goes on where it was.
    pub fn into_stream(self) -> impl Stream<Item = Result<Update, CallError>> + Send {
        stream::unfold(self, |mut updates| async move {
            Some((updates.next().await, updates))
        })
    }

    /// Destroys the collector at the server, with its filters. Otherwise it lasts until the session ends.
    ///
    /// # Errors
    /// [`CallError`]; the collector then goes with the session.
    pub async fn close(self) -> Result<(), CallError> {
        match self.watch {
            Some(watch) => watch.collector.destroy().await,
            None => Ok(()),
        }
    }
}
