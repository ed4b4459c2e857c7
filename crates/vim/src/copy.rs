//! Test copies: proven to be what was registered, and only then deleted.

use std::time::Duration;

use farside_transport::{CallError, Deadline, WaitErrorKind};
use serde::{Deserialize, Serialize};

use crate::client::VimClient;
use crate::error::{WorkError, WorkErrorKind};
use crate::object::ManagedObject;
use crate::task::{is_unknown_object, no_result};
use crate::vm::{ShutDown, VirtualMachine, goes_on};
use crate::work::{Time, run};

/// What is read to see whether a machine is there.
const NAME: &[&str] = &[VirtualMachine::NAME.as_str()];

/// What a test copy is known by when it is to be deleted: the vCenter and the file by which it was registered. To be kept from
/// when it is registered on, for instance in a journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestCopy {
    /// `about.instanceUuid` of the vCenter.
    pub vcenter: String,
    /// The configuration file, in datastore form.
    pub path: String,
}

/// What became of a test copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discarded {
    /// It was deleted with its files.
    Deleted,
    /// It was not in the inventory any more.
    WasGone,
}

impl TestCopy {
    /// The copy whose file this is, at the vCenter of this client. Nothing is said about whether it is registered.
    ///
    /// # Errors
    /// [`CallError`] of reading the service content.
    pub async fn at(client: &VimClient, path: impl Into<String>) -> Result<Self, CallError> {
        let about = &client.content().await?.about;
        Ok(Self {
            vcenter: about.instance_uuid.clone().unwrap_or_default(),
            path: path.into(),
        })
    }
}

impl VirtualMachine {
    /// Deletes a test copy with its files: it is proven to be that copy, switched off, proven again, deleted, and seen gone.
    /// Volumes of snapshots go as well, which the end of a test demands; stop the test when all copies are gone. (`PowerOffVM_Task`,
    /// `Destroy_Task`; vVol recovery rules 8.5.)
    ///
    /// # Errors
    /// [`WorkErrorKind::NotTheCopy`] if the machine has another file, none that can be read, or is at another vCenter: nothing
    /// was done with it. Of a machine whose volumes are gone nothing can be proven: take it out of the inventory by
    /// [`VirtualMachine::unregister`]. Otherwise [`WorkErrorKind::Call`], [`WorkErrorKind::Wait`], [`WorkErrorKind::Late`]: it may
    /// be off, and may be deleted. Call again: one that is gone is told as such.
    ///
    /// # Cancel safety
    /// A dropped future leaves a task that runs as it is.
    pub async fn discard(
        &self,
        copy: &TestCopy,
        off: ShutDown,
        limit: Duration,
    ) -> Result<Discarded, WorkError> {
        let discarded = self.prove_and_destroy(copy, off, limit).await;
        discarded.map_err(|kind| kind.about("deleting the test copy", self.reference()))
    }

    async fn prove_and_destroy(
        &self,
        copy: &TestCopy,
        off: ShutDown,
        limit: Duration,
    ) -> Result<Discarded, WorkErrorKind> {
        if !self
            .is_there_as(copy, Time::of(self.client(), "told", limit))
            .await?
        {
            return Ok(Discarded::WasGone);
        }
        self.go_off(off).await?;
        let time = Time::of(self.client(), "deleted", limit);
        if !self.is_there_as(copy, time).await? {
            return Ok(Discarded::WasGone);
        }
        match run(self.client(), time, || self.destroy()).await {
            Ok(()) => {}
            Err(kind) if goes_on(&kind) => {}
            Err(kind) => return Err(kind),
        }
        self.wait_gone(time.deadline, time).await?;
        Ok(Discarded::Deleted)
    }

    /// `false` if no such machine is in the inventory; an error if it is another one than the copy.
    async fn is_there_as(&self, copy: &TestCopy, time: Time) -> Result<bool, WorkErrorKind> {
        let client = self.client();
        let here = time.within(client, TestCopy::at(client, &copy.path)).await?;
        let another = |found| WorkErrorKind::NotTheCopy {
            wanted: Box::new(copy.clone()),
            found,
        };
        // That another vCenter does not have it says nothing, and one that does not tell which it is can be another.
        if here.vcenter.is_empty() || here.vcenter != copy.vcenter {
            return Err(another(None));
        }
        let seen = match time
            .within(client, self.look(&[Self::CONFIG_FILE.as_str()]))
            .await
        {
            Ok(seen) => seen,
            Err(kind) if kind.fault().is_some_and(is_unknown_object) => return Ok(false),
            Err(kind) => return Err(kind),
        };
        let Some(seen) = seen else { return Ok(false) };
        let property = Self::CONFIG_FILE.as_str();
        let found = seen.at(Self::CONFIG_FILE);
        let found = found.map_err(|source| WorkErrorKind::Unreadable { property, source })?;
        if found.as_ref() == Some(&copy.path) {
            return Ok(true);
        }
        Err(another(found))
    }

    /// Waits until it is not in the inventory any more.
    async fn wait_gone(&self, deadline: Deadline, time: Time) -> Result<(), WorkErrorKind> {
        let never = self.watch(NAME, |_| None, no_result);
        match self.wait_for(deadline, &never).await {
            Ok(_) => Err(time.late()),
            Err(WorkErrorKind::Wait(error)) if matches!(error.kind(), WaitErrorKind::Gone) => Ok(()),
            Err(kind) => Err(kind),
        }
    }
}
