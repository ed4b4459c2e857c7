//! Handles of managed objects, and how their methods are written.
//!
//! A handle is a client and a reference: making one sends nothing. [`managed_object!`](crate::managed_object) defines its
//! type, [`methods!`](crate::methods) its plain methods, each of which is one call of one operation: build, send, read.
//!
//! ```
//! use farside_models_vim::operation::{TASK_CANCEL_TASK, TASK_GET_INFO, TASK_UPDATE_PROGRESS};
//! use farside_models_vim::{TaskInfo, UpdateProgressRequest};
//!
//! farside_vim::managed_object! {
//!     /// A piece of work.
//!     pub struct Work = "Task";
//! }
//!
//! farside_vim::methods! {
//!     Work {
//!         /// Reads how it stands.
//!         read info() -> value TaskInfo = TASK_GET_INFO;
//!         /// Asks it to stop.
//!         act cancel() -> nothing = TASK_CANCEL_TASK;
//!         /// Sets how far it is.
//!         act update_progress(request: &UpdateProgressRequest) -> nothing = TASK_UPDATE_PROGRESS;
//!     }
//! }
//! ```

use std::fmt;

use farside_wire::ManagedObjectReference;

use crate::client::VimClient;

/// A handle of a managed object: which client, and which object there.
pub trait ManagedObject: Clone + fmt::Debug + Send + Sync {
    /// The managed type, as references name it: `VirtualMachine`.
    const TYPE_NAME: &'static str;

    /// A handle of the object that `reference` names. Nothing is sent: whether it is there, and of this type, is seen by
    /// its first call.
    fn of(client: &VimClient, reference: ManagedObjectReference) -> Self;

    /// The client that its calls go through.
    fn client(&self) -> &VimClient;

    /// The object.
    fn reference(&self) -> &ManagedObjectReference;

    /// The object's id, such as `vm-17`.
    fn id(&self) -> &str {
        &self.reference().value
    }
}

impl VimClient {
    /// A handle of an object, from its id. Nothing is sent.
    pub fn object<O: ManagedObject>(&self, id: impl Into<String>) -> O {
        O::of(self, ManagedObjectReference::new(O::TYPE_NAME, id))
    }
}

/// Defines handles of managed objects: `pub struct Name = "WireName";`.
///
/// Each has the trait [`ManagedObject`](crate::ManagedObject).
#[macro_export]
macro_rules! managed_object {
    ($($(#[$doc:meta])* pub struct $name:ident = $wire:literal;)*) => {$(
        $(#[$doc])*
        ///
        /// Cloning is cheap. The handle says nothing about whether the object is there.
        #[derive(Clone, Debug)]
        pub struct $name {
            client: $crate::VimClient,
            reference: $crate::macros::ManagedObjectReference,
        }

        impl $crate::ManagedObject for $name {
            const TYPE_NAME: &'static str = $wire;

            fn of(client: &$crate::VimClient, reference: $crate::macros::ManagedObjectReference) -> Self {
                Self { client: client.clone(), reference }
            }

            fn client(&self) -> &$crate::VimClient {
                &self.client
            }

            fn reference(&self) -> &$crate::macros::ManagedObjectReference {
                &self.reference
            }
        }
    )*};
}

/// Writes plain methods of a [`ManagedObject`](crate::ManagedObject).
///
/// `Handle { read name(request: &Request) -> KIND = OPERATION; ... }`, where `read` stands for what changes nothing at the
/// server, `act` for everything else, and `once` for what is not to be sent in another session either
/// ([`Call::once`](farside_transport::Call::once)); the request is left out where the operation takes none, and the kind of
/// answer is
///
/// | kind | the method gives |
/// | --- | --- |
/// | `nothing` | `()`; the body is left unread |
/// | `value T` | `T`; that there is none is an error |
/// | `optional T` | `Option<T>` |
/// | `list T` | `Vec<T>`; empty where there is no value |
/// | `task T` | [`RemoteOperation<T>`](farside_transport::RemoteOperation) of a vim task whose result is a `T`, of kind [`VIM_TASK`](crate::VIM_TASK) |
/// | `task` | the same, where the task has no result |
///
/// Each goes out within the session, also where the operation could be called without one.
///
/// What holds for all of them (errors, what a dropped future leaves behind, and that the operation's own description has the
/// faults, the privilege and the release) is added to the documentation.
#[macro_export]
macro_rules! methods {
    ($handle:ty { $($(#[$doc:meta])* $effect:ident $name:ident($($request:ident: &$type:ty)?) -> $kind:ident $($answer:ty)? = $operation:path;)* }) => {
        impl $handle {$(
            $crate::methods!(@one [$(#[$doc])*] $effect $name [$($request: $type)?] $kind [$($answer)?] $operation);
        )*}
    };
    (@one [$(#[$doc:meta])*] $effect:ident $name:ident $request:tt nothing [] $operation:path) => {
        $crate::methods!(@method [$(#[$doc])*] $effect $name $request [()] nothing [] $operation);
    };
    (@one [$(#[$doc:meta])*] $effect:ident $name:ident $request:tt value [$answer:ty] $operation:path) => {
        $crate::methods!(@method [$(#[$doc])*] $effect $name $request [$answer] value [] $operation);
    };
    (@one [$(#[$doc:meta])*] $effect:ident $name:ident $request:tt optional [$answer:ty] $operation:path) => {
        $crate::methods!(@method [$(#[$doc])*] $effect $name $request [Option<$answer>] optional [] $operation);
    };
    (@one [$(#[$doc:meta])*] $effect:ident $name:ident $request:tt list [$answer:ty] $operation:path) => {
        $crate::methods!(@method [$(#[$doc])*] $effect $name $request [Vec<$answer>] list [] $operation);
    };
    (@one [$(#[$doc:meta])*] $effect:ident $name:ident $request:tt task [] $operation:path) => {
        $crate::methods!(@method [$(#[$doc])*] $effect $name $request
            [$crate::macros::RemoteOperation<()>] start [$crate::no_result] $operation);
    };
    (@one [$(#[$doc:meta])*] $effect:ident $name:ident $request:tt task [$answer:ty] $operation:path) => {
        $crate::methods!(@method [$(#[$doc])*] $effect $name $request
            [$crate::macros::RemoteOperation<$answer>] start [$crate::result_of::<$answer>] $operation);
    };
    (@method [$(#[$doc:meta])*] read $name:ident $request:tt [$answer:ty] $send:ident [$($decode:expr)?] $operation:path) => {
        $crate::methods!(@write [$(#[$doc])*]
            "A dropped future changes nothing at the server." [] $name $request [$answer] $send [$($decode)?] $operation);
    };
    (@method [$(#[$doc:meta])*] act $name:ident $request:tt [$answer:ty] $send:ident [$($decode:expr)?] $operation:path) => {
        $crate::methods!(@write [$(#[$doc])*]
            "A dropped future leaves unknown whether the server has done it." [] $name $request [$answer] $send [$($decode)?] $operation);
    };
    (@method [$(#[$doc:meta])*] once $name:ident $request:tt [$answer:ty] $send:ident [$($decode:expr)?] $operation:path) => {
        $crate::methods!(@write [$(#[$doc])*]
            "A dropped future leaves unknown whether the server has done it." [once] $name $request [$answer] $send [$($decode)?] $operation);
    };
    (@write [$(#[$doc:meta])*] $left:literal [$($once:ident)?] $name:ident [$($request:ident: $type:ty)?] [$answer:ty] $send:ident [$($decode:expr)?] $operation:path) => {
        $(#[$doc])*
        ///
        #[doc = concat!("One call of [`", stringify!($operation), "`], whose description has its faults, privilege and release.")]
        ///
        /// # Errors
        /// [`CallError`](farside_transport::CallError); its effect says what the server can have done.
        ///
        /// # Cancel safety
        #[doc = $left]
        pub async fn $name(&self $(, $request: &$type)?) -> Result<$answer, $crate::macros::CallError> {
            let handle = <Self as $crate::ManagedObject>::reference(self);
            let call = $crate::Invocation::new(&$operation, &handle.value).target(handle.to_string()).with_session();
            $(let call = call.body($request);)?
            $(let call = call.$once();)?
            <Self as $crate::ManagedObject>::client(self).$send(call $(, $decode)?).await
        }
    };
}
