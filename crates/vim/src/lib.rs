//! Client of VI JSON, vCenter's API below `/sdk/vim25`: release, session, service content, properties, and the call that
//! the clients of its parts (host networking, storage replication) are made of.
//!
//! [`VimClient::builder`] takes a transport that sends single calls to one vCenter. Nothing is sent before the first call:
//! it agrees on a release (`hello`), reads the service content and logs in on its way, once for all callers. A session that
//! has died, in whichever disguise, is replaced by the next call.
//!
//! ```
//! use std::sync::Arc;
//! use farside_models_vim::operation::SERVICE_INSTANCE_GET_CONTENT;
//! use farside_models_vcenter::operation::SYSTEM_HELLO;
//! use farside_transport::SystemClock;
//! use farside_transport::testing::{Answer, ScriptedTransport};
//! use farside_vim::VimClient;
//! use farside_wire::Secret;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let server = ScriptedTransport::new().answer(&SYSTEM_HELLO, Answer::json(200, r#"{"api_release": ""}"#));
//! let client = VimClient::builder(Arc::new(server), "operator", Secret::new("secret"), Arc::new(SystemClock::new())).build();
//! let error = client.content().await.unwrap_err();
//! assert!(format!("{:?}", error.kind()).contains("no release"));
//! # });
//! ```
//!
//! | module | what it holds |
//! | --- | --- |
//! | `client` | [`VimClient`], its builder |
//! | `release` | the layer that puts release and base path in front of each call |
//! | `session` | login, header, log-out, and how a dead session looks |
//! | `invocation` | [`Invocation`]: one call of a method or property, and the reading of its answer |
//! | `object` | [`ManagedObject`]: handles; the macros [`managed_object!`] and [`methods!`], by which their plain methods are written |
//! | `service` | [`ServiceInstance`], [`SessionManager`] |
//! | `collector` `updates` | [`PropertyCollector`], [`PropertyFilter`]; [`Updates`]: properties as they change |
//! | `view` | [`ViewManager`], [`ListView`] |
//! | `task` | [`Task`], and tasks as remote work to wait for |
//! | `path` | [`PropertyPath`]: property paths with the types of their values, and reads by them |
//! | `properties` | [`ObjectProperties`]: what the property collector brought |
//! | with feature `container` | |
//! | `container` | [`ContainerView`], [`Entry`]: all objects of a type below another one |
//! | with feature `switch` | |
//! | `switch` | [`DistributedVirtualSwitch`] with its plain methods |
//! | with feature `inventory`, which includes `container` and `switch` | |
//! | `inventory` `search` | paths of objects; [`SearchIndex`], [`TaskManager`] |
//! | `entity` | handles with their plain methods: [`ManagedEntity`], [`Network`], [`HostSystem`] |
//! | with feature `vm`, which is on unless said otherwise and includes `inventory` | |
//! | `vm` | [`VirtualMachine`]: its plain methods; what is known of it, shut down, start, question, readiness, network cards, disks, options, storage policies |
//! | `folder` `registration` | [`Folder`]: registering |
//! | `together` | [`Datacenter`]: machines powered on together; [`ClusterComputeResource`]: recommendations applied |
//! | `datastore` `copy` | [`Datastore`]: files of recovered machines; [`TestCopy`]: a copy that is proven before it is deleted |
//! | `error` `work` | [`WorkError`]: work of more than one call; how it is started and seen to its end |
//!
//! Without features the crate has what all clients of VI JSON need, and a program compiles no more than that.
//!
//! What holds here: every wait has a deadline; a failure before a call went out (release, login) says that the call was not
//! sent; null, an empty body and 204 alike are "no value".

mod client;
mod collector;
#[cfg(feature = "container")]
mod container;
#[cfg(feature = "vm")]
mod copy;
#[cfg(feature = "vm")]
mod datastore;
#[cfg(feature = "inventory")]
mod entity;
#[cfg(feature = "vm")]
mod error;
#[cfg(feature = "vm")]
mod folder;
#[cfg(feature = "inventory")]
mod inventory;
mod invocation;
mod object;
mod path;
mod properties;
#[cfg(feature = "vm")]
mod registration;
mod release;
#[cfg(feature = "inventory")]
mod search;
mod service;
mod session;
#[cfg(feature = "switch")]
mod switch;
mod task;
#[cfg(feature = "vm")]
mod together;
mod updates;
mod view;
#[cfg(feature = "vm")]
mod vm;
#[cfg(feature = "vm")]
mod work;

pub use client::{VimClient, VimClientBuilder};
pub use collector::{PropertyCollector, PropertyFilter};
#[cfg(feature = "container")]
pub use container::{ContainerView, Entry};
#[cfg(feature = "vm")]
pub use copy::{Discarded, TestCopy};
#[cfg(feature = "vm")]
pub use datastore::{
    Datastore, FailedFile, Reach, RecoveredVolume, UpdatedFile, UpdatedFiles, registration_path,
    update_request,
};
#[cfg(feature = "inventory")]
pub use entity::{HostSystem, ManagedEntity, Network};
#[cfg(feature = "vm")]
pub use error::{WorkError, WorkErrorKind};
#[cfg(feature = "vm")]
pub use folder::{Folder, NotRegistered};
pub use invocation::Invocation;
pub use object::ManagedObject;
pub use path::PropertyPath;
pub use properties::ObjectProperties;
#[cfg(feature = "vm")]
pub use registration::TakenUp;
pub use release::{KNOWN_RELEASES, ReleaseChoice};
#[cfg(feature = "inventory")]
pub use search::{SearchIndex, TaskManager};
pub use service::{ServiceInstance, SessionManager};
#[cfg(feature = "switch")]
pub use switch::DistributedVirtualSwitch;
pub use task::{Task, VIM_TASK, VimTasks, no_result, result_of};
#[cfg(feature = "vm")]
pub use together::{ClusterComputeResource, Datacenter, StartedTogether};
pub use updates::{Update, Updates};
pub use view::{ListView, ViewManager};
#[cfg(feature = "vm")]
pub use vm::{
    ByWhat, Card, CardChange, Connection, Disk, Guest, InventoryRecord, MovedOrCopied, NetworkBacking,
    Policies, Policy, Presence, Readiness, RecordedAttribute, RecordedCard, RecordedPermission,
    RecordedPlace, ShutDown, Started, VirtualMachine, card_spec, choice, policy_spec, removal_spec,
};

/// What the macros of this crate write into others.
#[doc(hidden)]
pub mod macros {
    pub use farside_transport::{CallError, RemoteOperation};
    pub use farside_wire::ManagedObjectReference;
}

/// The example of the README.
#[doc = include_str!("../README.md")]
#[cfg(all(doctest, feature = "vm"))]
struct Readme;
