//! Looks at groups: one query for each provider and side, whatever the number of groups.

use std::collections::{BTreeMap, BTreeSet};

use farside_engine::{EndpointId, Finding};
use farside_transport::Clock;
use farside_vasa::{
    Group, GroupFault, GroupId, GroupPoints, GroupView, PointQuery, Provider, ReplicationState, VasaClient,
    batch_limit,
};
use futures_util::future::join_all;
use serde_json::json;

use super::judge::{After, Before, after, before, describe, done, reversed_pair};
use super::payload::{Intent, Side, Step, Verb};
use crate::connection::Connections;
use crate::kind::LookRequest;
use crate::kind::answer::explain;

/// What is looked at for one action.
pub(super) struct Job {
    step: Step,
    after: Option<Intent>,
    /// Name of the point in time that a sync makes: unique to run and action.
    point_name: Option<String>,
}

impl Job {
    /// A look before the first call, without a run.
    pub(super) fn first(step: Step) -> Self {
        Self {
            step,
            after: None,
            point_name: None,
        }
    }

    fn read(look: &LookRequest) -> Option<Self> {
        let step: Step = serde_json::from_value(look.payload.clone()).ok()?;
        let after = look.after.clone().map(serde_json::from_value).transpose().ok()?;
        let is_sync = step.verb == Verb::Sync;
        let point_name = is_sync.then(|| format!("farside-{}-{}", look.run, look.action.action + 1));
        Some(Self {
            step,
            after,
            point_name,
        })
    }

    pub(super) fn sides(&self) -> Vec<&Side> {
        match self.step.verb {
            Verb::Reverse { .. } | Verb::Prepare => vec![&self.step.here, &self.step.there],
            Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::FailOver { .. } => {
                vec![&self.step.here]
            }
        }
    }
}

pub(super) async fn look(world: &Connections, looks: &[LookRequest]) -> Vec<Finding> {
    let jobs: Vec<Option<Job>> = looks.iter().map(Job::read).collect();
    let mut wanted = Wanted::default();
    for job in jobs.iter().flatten() {
        for side in job.sides() {
            wanted.add(side, None);
        }
        wanted.add(&job.step.here, job.point_name.as_deref());
    }
    let scene = Scene::of(world, wanted).await;
    let mut findings = Vec::with_capacity(looks.len());
    for (job, look) in jobs.iter().zip(looks) {
        findings.push(match job {
            Some(job) => scene.finding(world.clock().as_ref(), job).await,
            None => unreadable(look.after.is_some()),
        });
    }
    findings
}

fn unreadable(after: bool) -> Finding {
    trouble(
        "the journal's payload cannot be read by this version",
        true,
        after,
    )
}

/// Something that keeps a look from seeing. A final one ends an action, unless a call of it may have happened.
fn trouble(reason: impl Into<String>, is_final: bool, after: bool) -> Finding {
    let reason = reason.into();
    if is_final && !after {
        Finding::Refused { reason }
    } else {
        Finding::Failed { reason }
    }
}

/// A provider at a vCenter, by the plan's names.
type Place = (EndpointId, String);

fn place(side: &Side) -> Place {
    (side.endpoint.clone(), side.provider.clone())
}

/// What is to be asked, place by place.
#[derive(Default)]
pub(super) struct Wanted {
    places: BTreeMap<Place, Asked>,
}

/// What is to be asked of one provider.
#[derive(Default)]
struct Asked {
    groups: BTreeSet<GroupId>,
    /// Groups by the name of the point in time that is looked for.
    points: BTreeMap<String, BTreeSet<GroupId>>,
}

impl Wanted {
    /// A group, and whether it has a point in time of a name.
    pub(super) fn add(&mut self, side: &Side, point_name: Option<&str>) {
        let asked = self.places.entry(place(side)).or_default();
        asked.groups.insert(side.id());
        if let Some(name) = point_name {
            asked.points.entry(name.to_owned()).or_default().insert(side.id());
        }
    }
}

/// What was seen of one provider.
pub(super) struct View {
    pub(super) client: VasaClient,
    pub(super) provider: Provider,
    groups: BTreeMap<GroupId, GroupView>,
    /// Groups that have the point in time of a name.
    points: BTreeSet<(String, GroupId)>,
}

/// Why nothing was seen.
#[derive(Clone, Debug)]
pub(super) struct Unseen {
    pub(super) reason: String,
    is_final: bool,
}

impl Unseen {
    fn now(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_final: false,
        }
    }

    fn for_good(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            is_final: true,
        }
    }

    fn of(error: &farside_transport::CallError) -> Self {
        let Some(fault) = error.fault() else {
            return Self::now(explain(error));
        };
        let reason = format!("{error}: {}", describe(std::slice::from_ref(fault)));
        match GroupFault::of(fault) {
            GroupFault::Inactive { .. } => {
                Self::for_good(format!("{reason}; name that provider in the plan"))
            }
            _ => Self::now(reason),
        }
    }
}

/// What was seen of all providers.
pub(super) struct Scene {
    views: BTreeMap<Place, Result<View, Unseen>>,
}

impl Scene {
    /// Asks all vCenters side by side.
    pub(super) async fn of(world: &Connections, wanted: Wanted) -> Self {
        let endpoints: BTreeSet<EndpointId> = wanted
            .places
            .keys()
            .map(|(endpoint, _)| endpoint.clone())
            .collect();
        let asked = endpoints.into_iter().map(|endpoint| {
            let places = wanted
                .places
                .iter()
                .filter(|((at, _), _)| *at == endpoint)
                .collect::<Vec<_>>();
            async move {
                let site = site(world, &endpoint).await;
                let views = places.into_iter().map(|(place, asked)| {
                    let site = &site;
                    async move {
                        let view = match site {
                            Ok((client, providers)) => view(client, providers, place, asked).await,
                            Err(unseen) => Err(unseen.clone()),
                        };
                        (place.clone(), view)
                    }
                });
                join_all(views).await
            }
        });
        let views = join_all(asked).await.into_iter().flatten().collect();
        Self { views }
    }

    /// What was seen of the provider of a side.
    pub(super) fn view(&self, side: &Side) -> Result<&View, Unseen> {
        match self.views.get(&place(side)) {
            Some(Ok(view)) => Ok(view),
            Some(Err(unseen)) => Err(unseen.clone()),
            None => Err(Unseen::now("it was not asked")),
        }
    }

    /// A group, or why it cannot be seen.
    pub(super) fn group(&self, side: &Side) -> Result<&Group, Unseen> {
        match self.view(side)?.groups.get(&side.id()) {
            Some(GroupView::Known(group)) => Ok(group),
            Some(GroupView::Failed { faults }) => {
                let reason = format!("{side}: {}", describe(faults));
                let is_final = faults.iter().map(GroupFault::of).any(|fault| {
                    matches!(
                        fault,
                        GroupFault::NotFound | GroupFault::WrongEnd | GroupFault::Inactive { .. }
                    )
                });
                Err(if is_final {
                    Unseen::for_good(format!("{reason}; correct the plan"))
                } else {
                    Unseen::now(reason)
                })
            }
            Some(GroupView::Missing) | None => Err(Unseen::now(format!(
                "{side}: the provider's answer does not mention it"
            ))),
        }
    }

    /// What the groups' states say about an action.
    pub(super) async fn finding(&self, clock: &dyn Clock, job: &Job) -> Finding {
        let seen = self
            .view(&job.step.here)
            .and_then(|view| Ok((view, self.group(&job.step.here)?)));
        match (seen, &job.after) {
            (Ok((view, group)), None) => self.before(clock, job, view, group),
            (Ok((view, group)), Some(intent)) => {
                let point = job
                    .point_name
                    .as_ref()
                    .is_some_and(|name| view.has_point(name, &group.id));
                let age_ms = clock.now().unix_millis().saturating_sub(intent.at_ms);
                match after(job.step.verb, &group.state, point, age_ms) {
                    After::Done => done(
                        &job.step,
                        group,
                        Some("its answer was lost; the group shows that it worked".to_owned()),
                    ),
                    After::Reversed => reversed(
                        &job.step,
                        group,
                        "its answer was lost; the group shows that it worked",
                    ),
                    After::CannotTell(reason) => Finding::CannotTell {
                        reason: format!("{} is {}: {reason}", job.step.here, group.state),
                        seen: group.state.to_string(),
                    },
                    After::Wait(reason) => Finding::NotYet {
                        reason: reason.to_owned(),
                    },
                }
            }
            (Err(unseen), None) => trouble(unseen.reason, unseen.is_final, false),
            (Err(unseen), Some(intent)) => match self.renamed(job, intent).await {
                Some(finding) => finding,
                None => trouble(unseen.reason, unseen.is_final, true),
            },
        }
    }

    fn before(&self, clock: &dyn Clock, job: &Job, view: &View, here: &Group) -> Finding {
        let step = &job.step;
        if let Some(name) = &job.point_name
            && view.has_point(name, &here.id)
        {
            return done(
                step,
                here,
                Some(format!("the point in time {name} is there already")),
            );
        }
        let there = match step.verb {
            Verb::Reverse { .. } => match self.group(&step.there) {
                Ok(there) => Some(there),
                Err(unseen) => return trouble(unseen.reason, unseen.is_final, false),
            },
            // What the other side says settles a prepare that is done; it is not needed for one that is not.
            Verb::Prepare => self.group(&step.there).ok(),
            Verb::TestStart | Verb::TestStop | Verb::Sync | Verb::FailOver { .. } => None,
        };
        match before(step, here, there) {
            Before::Ready => Finding::Ready {
                intent: json!(Intent {
                    provider: view.provider.id.clone(),
                    point_name: job.point_name.clone(),
                    group_name: here.name.clone(),
                    devices: here.devices.len(),
                    at_ms: clock.now().unix_millis(),
                }),
                limit: batch_limit(&view.provider.info),
            },
            Before::Done(what) => done(step, here, Some(what)),
            Before::Reversed => reversed(
                step,
                here,
                "the replicator has reversed it by itself; nothing was sent",
            ),
            Before::Refused(reason) => Finding::Refused { reason },
        }
    }

    /// A reverse whose answer is lost can have given the group an id that nobody was told: it is then the one source of its
    /// name that replicates to the other side.
    async fn renamed(&self, job: &Job, intent: &Intent) -> Option<Finding> {
        let (Verb::Reverse { .. }, Some(name), Ok(view)) =
            (job.step.verb, &intent.group_name, self.view(&job.step.here))
        else {
            return None;
        };
        let groups = view.client.all_groups(&view.provider.id).await.ok()?;
        let fits = |group: &&Group| {
            group.name.as_ref() == Some(name)
                && group.state == ReplicationState::Source
                && group.id.fault_domain == job.step.here.fault_domain
                && group
                    .peers()
                    .iter()
                    .any(|peer| peer.fault_domain == job.step.there.fault_domain)
        };
        let found: Vec<&Group> = groups.iter().filter(fits).collect();
        match found.as_slice() {
            [group] => Some(reversed(
                &job.step,
                group,
                "its answer was lost; the group was found again by its name",
            )),
            _ => None,
        }
    }
}

impl View {
    fn has_point(&self, name: &str, group: &GroupId) -> bool {
        self.points.contains(&(name.to_owned(), group.clone()))
    }
}

/// A reverse that is done leaves the pair behind as it is afterwards.
fn reversed(step: &Step, group: &Group, what: &str) -> Finding {
    match reversed_pair(&step.here, &step.there, group) {
        Some(pair) => Finding::Done {
            note: Some(what.to_owned()),
            data: json!(pair),
        },
        None => Finding::NotYet {
            reason: format!("{} is reversed and shows no target yet", step.here),
        },
    }
}

async fn site(world: &Connections, endpoint: &EndpointId) -> Result<(VasaClient, Vec<Provider>), Unseen> {
    let vim = world
        .vim(endpoint)
        .await
        .map_err(|error| Unseen::for_good(explain(&error)))?;
    let client = VasaClient::new(vim);
    let providers = client.providers().await.map_err(|error| Unseen::of(&error))?;
    Ok((client, providers))
}

async fn view(
    client: &VasaClient,
    providers: &[Provider],
    (endpoint, name): &Place,
    asked: &Asked,
) -> Result<View, Unseen> {
    let provider = named(providers, endpoint, name)?;
    let ids: Vec<GroupId> = asked.groups.iter().cloned().collect();
    let views = client
        .groups(&provider.id, &ids)
        .await
        .map_err(|error| Unseen::of(&error))?;
    let mut found = BTreeSet::new();
    for (name, ids) in &asked.points {
        let ids: Vec<GroupId> = ids.iter().cloned().collect();
        let answers = client
            .points_in_time(&provider.id, &ids, &PointQuery::named(name))
            .await
            .map_err(|error| Unseen::of(&error))?;
        let present = ids.into_iter().zip(answers).filter(|(_, points)| match points {
            GroupPoints::Points(points) => points.iter().any(|point| point.name == *name),
            GroupPoints::Summary { .. } | GroupPoints::Failed { .. } | GroupPoints::Missing => false,
        });
        found.extend(present.map(|(id, _)| (name.clone(), id)));
    }
    Ok(View {
        client: client.clone(),
        provider: provider.clone(),
        groups: ids.into_iter().zip(views).collect(),
        points: found,
    })
}

/// The one provider of a name that is online.
fn named<'a>(providers: &'a [Provider], endpoint: &EndpointId, name: &str) -> Result<&'a Provider, Unseen> {
    let mut called = providers.iter().filter(|provider| provider.is_called(name));
    match (called.next(), called.next()) {
        (Some(provider), None) if provider.is_online() => Ok(provider),
        (Some(provider), None) => {
            let fault = provider.info.status_fault.as_ref();
            let why = fault.map(|fault| format!(": {}", describe(std::slice::from_ref(fault))));
            Err(Unseen::now(format!(
                "provider {name} at {endpoint} is {}{}",
                provider.info.status.as_deref().unwrap_or("offline"),
                why.unwrap_or_default()
            )))
        }
        (Some(_), Some(_)) => Err(Unseen::for_good(format!(
            "{endpoint} has several providers called {name}; name its uid in the plan"
        ))),
        (None, _) => {
            let known: Vec<&str> = providers
                .iter()
                .map(|provider| provider.info.name.as_str())
                .collect();
            Err(Unseen::for_good(format!(
                "{endpoint} has no provider called {name} (there are: {}); correct the plan, or register it there",
                known.join(", ")
            )))
        }
    }
}
