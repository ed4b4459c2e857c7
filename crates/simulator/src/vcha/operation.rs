//! The operations of the REST services, one after the other.

use serde_json::{Value, json};

use super::error::{RestError, answer};
use super::request;
use super::session;
use super::site::Site;
use super::spec::{Deployment, Mode};
use super::task::{self, Wanted};
use super::view;
use super::work::{self, Form, Work};
use crate::endpoint::Session;
use crate::exchange::{Answer, Request};
use crate::service::Incoming;
use crate::shape::Shape;
use crate::world::World;

/// The body of a request, checked; no body at all stands for an empty one.
pub(super) fn body(request: &Request, shape: &Shape) -> Result<Value, RestError> {
    let body = if request.body.is_empty() {
        json!({})
    } else {
        serde_json::from_slice(&request.body)
            .map_err(|_| RestError::invalid_argument("The body is not JSON."))?
    };
    shape.check(&body)?;
    Ok(body)
}

/// An operation that needs a session, within it.
pub(super) fn handle(
    world: &mut World,
    incoming: &Incoming<'_>,
    session: &Session,
) -> Result<Answer, RestError> {
    let vcenter = incoming.endpoint;
    if incoming.operation.starts_with("Cis.Tasks_") && world.vcha.tasks_away(vcenter, world.core.now_ms()) {
        return Err(RestError::tasks_away());
    }
    match incoming.operation {
        "Vcenter.System_hello" => session::hello(world, incoming),
        "Cis.Session_get" => Ok(session::get(world, session)),
        "Cis.Session_delete" => Ok(session::delete(world, incoming)),
        "Cis.Tasks_get" => {
            let wanted = Wanted::of_query(&incoming.request.query_pairs())?;
            let key = (vcenter.to_owned(), incoming.param(0).to_owned());
            let task = world.vcha.tasks.get(&key).ok_or_else(task::unknown)?;
            Ok(answer(200, &task.info(&world.core, &world.vcha.spec, wanted)))
        }
        "Cis.Tasks_list" => {
            let body = body(incoming.request, &task::LIST)?;
            Ok(answer(200, &task::list(world, vcenter, &body)?))
        }
        "Cis.Tasks_cancel" => {
            body(incoming.request, &Shape::Object(&[]))?;
            work::cancel(world, vcenter, incoming.param(0))?;
            Ok(Answer::empty(204))
        }
        _ => on_cluster(world, incoming, session),
    }
}

fn on_cluster(world: &mut World, incoming: &Incoming<'_>, session: &Session) -> Result<Answer, RestError> {
    let Some(site) = world.vcha.sites.get(incoming.endpoint) else {
        return Err(RestError::not_simulated(incoming.operation));
    };
    let spec = &world.vcha.spec;
    let with = |shape: &Shape| body(incoming.request, shape);
    let read = |value: Value| Ok(answer(200, &value));
    let work = match incoming.operation {
        "Vcenter.Vcha.Cluster_get" => {
            let body = with(&request::GET)?;
            let partial = body["partial"] == json!(true);
            if !partial {
                request::check_credentials(spec, &body)?;
            }
            return read(view::info(site, spec, partial));
        }
        "Vcenter.Vcha.Cluster.Active_get" => {
            let body = with(&request::GET)?;
            let partial = body["partial"] == json!(true);
            if !partial {
                request::check_credentials(spec, &body)?;
                request::check_active_vm(spec)?;
            }
            return read(view::active(site, spec, partial));
        }
        "Vcenter.Vcha.Cluster.Mode_get" => {
            let none = || RestError::not_allowed("sim.vcha.none", "No cluster is configured.");
            return read(json!({"mode": site.cluster().ok_or_else(none)?.mode}));
        }
        "Vcenter.Vcha.Cluster.DeploymentType_get" => {
            let deployment = site.cluster().map(|cluster| cluster.deployment);
            let deployment = deployment.map_or_else(|| json!("NONE"), |deployment| json!(deployment));
            return read(json!({"deployment_type": deployment}));
        }
        "Vcenter.Vcha.Operations_get" => return read(view::operations(site, spec)),
        "Vcenter.Vcha.Cluster.Passive_check" => {
            let there = site.cluster().is_some_and(|cluster| cluster.passive().up);
            return check(world, incoming, site, there);
        }
        "Vcenter.Vcha.Cluster.Witness_check" => {
            let there = site.cluster().is_some_and(|cluster| cluster.witness.up);
            return check(world, incoming, site, there);
        }
        _ => work_of(world, incoming, site)?,
    };
    let (vcenter, ticket) = (incoming.endpoint, incoming.ticket);
    let task = work::begin(world, vcenter, &session.user, work, Form::Rest, ticket)?;
    Ok(answer(202, &json!(task)))
}

/// Whether a node could be placed; only one that is missing can.
fn check(world: &World, incoming: &Incoming<'_>, site: &Site, there: bool) -> Result<Answer, RestError> {
    let body = body(incoming.request, &request::CHECK)?;
    if there {
        let text = "The cluster has this node already.";
        return Err(RestError::not_allowed("sim.vcha.present", text));
    }
    request::check_credentials(&world.vcha.spec, &body)?;
    request::check_active_vm(&world.vcha.spec)?;
    let placement = request::placement(&body["placement"], "spec.placement")?;
    Ok(answer(200, &view::check(site, placement.host.as_deref())))
}

/// What a call that starts a task asks for.
fn work_of(world: &World, incoming: &Incoming<'_>, site: &Site) -> Result<Work, RestError> {
    let spec = &world.vcha.spec;
    let with = |shape: &Shape| body(incoming.request, shape);
    match incoming.operation {
        super::service::FAILOVER => Ok(Work::FailOver {
            planned: with(&request::FAIL_OVER)?["planned"] == json!(true),
        }),
        "Vcenter.Vcha.Cluster.Mode_set$Task" => {
            let body = with(&request::SET_MODE)?;
            let to = match body["mode"].as_str() {
                Some("ENABLED") => Mode::Enabled,
                Some("DISABLED") => Mode::Disabled,
                _ => Mode::Maintenance,
            };
            Ok(Work::SetMode { to })
        }
        "Vcenter.Vcha.Cluster_deploy$Task" => {
            let body = with(&request::DEPLOY)?;
            let plan = request::deployment(&body)?;
            if plan.deployment == Deployment::Auto {
                request::check_credentials(spec, &body)?;
            }
            Ok(Work::Deploy(Box::new(plan)))
        }
        "Vcenter.Vcha.Cluster_undeploy$Task" => {
            let body = with(&request::UNDEPLOY)?;
            let asked = body["force_delete"] == json!(true) || !body["vms"].is_null();
            if asked || !body["vc_spec"].is_null() {
                request::check_credentials(spec, &body)?;
            }
            let with_machines = request::removal(Some(site), &body)?;
            Ok(Work::Undeploy { with_machines })
        }
        "Vcenter.Vcha.Cluster.Passive_redeploy$Task" => {
            let body = with(&request::REDEPLOY_PASSIVE)?;
            request::check_credentials(spec, &body)?;
            let former = site.cluster().map(|cluster| &cluster.passive().ha);
            Ok(Work::RedeployPassive(Box::new(request::redeployment(
                &body, former,
            )?)))
        }
        "Vcenter.Vcha.Cluster.Witness_redeploy$Task" => {
            let body = with(&request::REDEPLOY_WITNESS)?;
            request::check_credentials(spec, &body)?;
            let former = site.cluster().map(|cluster| &cluster.witness.ha);
            Ok(Work::RedeployWitness(Box::new(request::redeployment(
                &body, former,
            )?)))
        }
        other => Err(RestError::not_simulated(other)),
    }
}
