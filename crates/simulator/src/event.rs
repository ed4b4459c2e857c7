//! What can happen in the world by itself, as time goes on.

use crate::{dpu, fault, sms, vcda, vcha, vi_json, vm};
use serde::{Deserialize, Serialize};

/// An event in the queue: one variant per service, with that service's own events inside.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Event {
    /// Of VMware Cloud Director Availability.
    Vcda(vcda::VcdaEvent),
    /// Of the storage monitoring service and its arrays.
    Sms(sms::SmsEvent),
    /// Of a vCenter HA cluster.
    Vcha(vcha::VchaEvent),
    /// Of a host.
    Dpu(dpu::DpuEvent),
    /// Of a task of vCenter.
    Task(vi_json::task::TaskEvent),
    /// Of virtual machines.
    Vm(vm::VmEvent),
    /// Of a condition that a fault rule is about.
    Fault(fault::FaultEvent),
}
