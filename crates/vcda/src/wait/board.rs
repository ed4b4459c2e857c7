//! Who waits for what, and the one who asks for all of them.
//!
//! Nobody runs in the background, where the end of a runtime could end the asking unseen: one of those who wait *leads*, which
//! is to ask for all, and the others sleep. Whoever is dropped makes room for the next one, and so does whoever is kept but not polled
//! any more: the others come again in time, and see it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farside_models_vcda::TasksListQuery;
use farside_transport::{CallError, CallErrorKind, Duty, Progress, TaskStatus, Term};
use tokio::sync::Notify;

use super::TaskAt;
use crate::client::VcdaClient;
use crate::id::TaskId;
use crate::list::joined;
use crate::task::{Polled, PolledTask, Task};

/// Before the first look, so that waits that begin together share it.
const GATHERING: Duration = Duration::from_millis(50);
/// The pause after something has happened: a wait has begun, a task has ended.
const SHORTEST_PAUSE: Duration = Duration::from_millis(500);
/// No pause while the service answers is longer.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// No pause after looks that failed is longer.
const LONGEST_OUTAGE_PAUSE: Duration = Duration::from_secs(15);
/// Tasks that one call reads whole: the service's largest page (VCDA wire rules 8).
const PAGE: usize = 100;

/// Who waits for what. Shared by all clones of a client.
#[derive(Debug, Default)]
pub(crate) struct Board {
    state: Mutex<State>,
    arrivals: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// By the id of the work: the task's, and the site whose it is. There may be thousands, so that each is small.
    watched: BTreeMap<Box<str>, Watched>,
    /// To ask for all.
    lead: Duty,
    pace: Pace,
}

impl State {
    /// Has somebody who waits see that nobody leads. Whoever is called up and goes without leading calls up the next one.
    fn call_up(&self) {
        if let (false, Some(watched)) = (self.lead.is_held(), self.watched.values().next()) {
            watched.bell.notify_waiters();
        }
    }
}

#[derive(Debug)]
struct Watched {
    waits: u32,
    /// How often something was shown.
    shown: u32,
    seen: Seen,
    /// Rings when something is shown.
    bell: Arc<Notify>,
}

/// What the board knows of a task.
#[derive(Clone, Debug)]
enum Seen {
    Nothing,
    /// Percent done.
    Running(Option<u8>),
    Ended(Box<TaskStatus>),
    Failed(Box<CallError>),
}

impl Board {
    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is complete when the lock is released, whatever its holder does next.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a wait on the board. One that has seen its task running does not hasten the next look.
    fn enter<'a>(&'a self, work: &'a str, fresh: bool) -> (Place<'a>, Arc<Notify>) {
        let mut state = self.state();
        let watched = state.watched.entry(work.into()).or_insert_with(|| Watched {
            waits: 0,
            shown: 0,
            seen: Seen::Nothing,
            bell: Arc::default(),
        });
        watched.waits += 1;
        let place = Place {
            board: self,
            work,
            shown: watched.shown,
            term: None,
        };
        let bell = Arc::clone(&watched.bell);
        if fresh {
            self.arrivals.notify_one();
        }
        (place, bell)
    }

    /// The tasks to ask about, by site.
    fn asked(&self) -> BTreeMap<Option<String>, Vec<TaskId>> {
        let state = self.state();
        let mut asked: BTreeMap<Option<String>, Vec<TaskId>> = BTreeMap::new();
        for (work, watched) in &state.watched {
            // What is on the board was made of a task and its site.
            if let (false, Ok(at)) = (matches!(watched.seen, Seen::Ended(_)), TaskAt::parse(work)) {
                asked.entry(at.site).or_default().push(at.task);
            }
        }
        asked
    }

    fn show(&self, at: &TaskAt, seen: Seen) {
        if let Some(watched) = self.state().watched.get_mut(at.to_string().as_str()) {
            // Whoever led before may tell late what it has seen. What has ended stays so.
            if matches!(watched.seen, Seen::Ended(_)) && !matches!(seen, Seen::Ended(_)) {
                return;
            }
            watched.seen = seen;
            watched.shown = watched.shown.wrapping_add(1);
            watched.bell.notify_waiters();
        }
    }
}

/// A place on the board; dropping it gives it back.
struct Place<'a> {
    board: &'a Board,
    work: &'a str,
    /// How often something had been shown when it was taken.
    shown: u32,
    /// The lead, if this one has it.
    term: Option<Term>,
}

impl Place<'_> {
    /// Takes the lead if it can be had. One that was taken over by another wait is gone.
    fn lead(&mut self, now: Duration) -> Option<Term> {
        let lead = &mut self.board.state().lead;
        self.term = self
            .term
            .filter(|&term| lead.is_held_in(term))
            .or_else(|| lead.take(now));
        self.term
    }

    /// What is known other than `last`. An error that was on the board already was told, or came of a look that was made
    /// before this wait began.
    fn news(&self, last: Option<Progress>) -> Option<Result<TaskStatus, CallError>> {
        let state = self.board.state();
        let watched = state.watched.get(self.work)?;
        match &watched.seen {
            Seen::Running(progress) if last.map(|last| last.percent) != Some(*progress) => {
                Some(Ok(TaskStatus::Running { progress: *progress }))
            }
            Seen::Ended(status) => Some(Ok(TaskStatus::clone(status))),
            Seen::Failed(error) if watched.shown != self.shown => Some(Err(CallError::clone(error))),
            Seen::Nothing | Seen::Running(_) | Seen::Failed(_) => None,
        }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.board.state();
        if let Some(watched) = state.watched.get_mut(self.work) {
            watched.waits -= 1;
            if watched.waits == 0 {
                state.watched.remove(self.work);
            }
        }
        if let Some(term) = self.term {
            state.lead.give_back(term);
        }
        state.call_up();
    }
}

/// Waits until something other than `last` is known of the task of `work`, the id of an
/// [`OperationId`](farside_transport::OperationId) of this service.
///
/// The wait is on the board from the call on. What it holds is held once: there may be thousands.
pub(super) fn news<'a>(
    client: &'a VcdaClient,
    work: &'a str,
    last: Option<Progress>,
) -> impl Future<Output = Result<TaskStatus, CallError>> + Send + 'a {
    let (mut place, bell) = client.board().enter(work, last.is_none());
    async move {
        loop {
            let term = {
                let rung = bell.notified();
                tokio::pin!(rung);
                rung.as_mut().enable();
                if let Some(news) = place.news(last) {
                    return news;
                }
                let Some(term) = place.lead(client.clock().elapsed()) else {
                    rung.await;
                    continue;
                };
                term
            };
            // In a box: there may be thousands who wait, and one of them leads.
            Box::pin(term.work(|note| note(&mut client.board().state().lead), look_at_all(client))).await;
        }
    }
}

/// When the next look is due.
#[derive(Clone, Copy, Debug)]
struct Pace {
    pause: Duration,
    failing: bool,
    /// When the next look is to be made, on the clock.
    due: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self::beginning(Duration::ZERO)
    }
}

impl Pace {
    /// The pace of one who begins to look.
    fn beginning(now: Duration) -> Self {
        Self {
            pause: GATHERING,
            failing: false,
            due: now.saturating_add(GATHERING),
        }
    }

    fn after(&mut self, round: Round, now: Duration) {
        self.pause = match round {
            Round::Failed if !self.failing => SHORTEST_PAUSE * 2,
            Round::Failed => (self.pause * 2).min(LONGEST_OUTAGE_PAUSE),
            Round::Ended => SHORTEST_PAUSE,
            Round::Quiet if self.failing => SHORTEST_PAUSE,
            Round::Quiet => (self.pause + self.pause / 2).clamp(SHORTEST_PAUSE, LONGEST_PAUSE),
        };
        self.failing = matches!(round, Round::Failed);
        self.due = now.saturating_add(self.pause);
    }
}

/// Sleeps until the next look is due. A wait that begins meanwhile hastens it, unless the service is in trouble.
async fn rest(client: &VcdaClient) {
    let (clock, board) = (client.clock(), client.board());
    let pace = {
        let now = clock.elapsed();
        let pace = &mut board.state().pace;
        // Nobody has led since, or whoever did was stopped during a look.
        if pace.due <= now {
            *pace = Pace::beginning(now);
        }
        *pace
    };
    let left = pace.due.saturating_sub(clock.elapsed());
    if pace.failing {
        clock.sleep(left).await;
        return;
    }
    tokio::select! {
        biased;
        () = clock.sleep(left) => return,
        () = board.arrivals.notified() => {}
    }
    let soon = {
        let now = clock.elapsed();
        let pace = &mut board.state().pace;
        pace.due = pace.due.min(now.saturating_add(SHORTEST_PAUSE));
        pace.pause = SHORTEST_PAUSE;
        pace.due.saturating_sub(now)
    };
    clock.sleep(soon).await;
}

/// What a round of looks came to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Round {
    Quiet,
    Ended,
    Failed,
}

/// Asks for the states of all tasks on the board, when that is due.
async fn look_at_all(client: &VcdaClient) {
    rest(client).await;
    let mut round = Round::Quiet;
    for (site, ids) in client.board().asked() {
        round = round.max(ask_site(&client.at_site(site), ids).await);
    }
    let now = client.clock().elapsed();
    client.board().state().pace.after(round, now);
}

/// Asks one site. A question that it refuses as a whole is asked again in halves: one id that it cannot read must not
/// end the waits for others.
async fn ask_site(client: &VcdaClient, ids: Vec<TaskId>) -> Round {
    let mut round = Round::Quiet;
    let mut questions = vec![ids];
    while let Some(mut ids) = questions.pop() {
        match client.poll_rows(&ids).await {
            Ok((_, polled)) => round = round.max(spread(client, ids, polled).await),
            Err(error) if is_too_much(&error) && ids.len() > 1 => {
                let half = ids.split_off(ids.len() / 2);
                questions.push(half);
                questions.push(ids);
            }
            Err(error) if is_too_much(&error) => {
                for id in &ids {
                    round = round.max(ask_alone(client, id, None).await);
                }
            }
            Err(error) => {
                tracing::debug!(tasks = ids.len(), error.type = error.kind().name(), "the states of tasks cannot be read");
                tell(client, &ids, &error);
                round = Round::Failed;
            }
        }
    }
    round
}

fn status(error: &CallError) -> Option<u16> {
    error.status().map(|status| status.as_u16())
}

/// Whether a smaller question may be answered.
fn is_too_much(error: &CallError) -> bool {
    matches!(error.kind(), CallErrorKind::TooLarge { .. }) || matches!(status(error), Some(400 | 413 | 414))
}

/// Shows each wait what the answer says of its task, and reads those that have ended. A task that is missing is asked for
/// alone if it may be the one of a row that cannot be read.
async fn spread(client: &VcdaClient, ids: Vec<TaskId>, polled: Polled) -> Round {
    let Polled {
        tasks: mut rows,
        unread,
    } = polled;
    if let Some(error) = &unread {
        tracing::debug!(error = %error, "the state of a task cannot be read");
    }
    let mut alone = Vec::new();
    let mut ended = Vec::new();
    let mut round = Round::Quiet;
    for id in ids {
        match rows.remove(&id) {
            None if unread.is_some() => alone.push(id),
            None => {
                show(client, &id, Seen::Ended(Box::new(TaskStatus::Gone)));
                round = Round::Ended;
            }
            Some(row) if row.is_running() => {
                show(client, &id, Seen::Running(row.progress));
            }
            Some(row) => ended.push((id, row)),
        }
    }
    // Not kept while the ended ones are read: there may be thousands that go on.
    drop(rows);
    for page in ended.chunks(PAGE) {
        round = round.max(read_whole(client, page).await);
    }
    for id in alone {
        round = round.max(ask_alone(client, &id, None).await);
    }
    round
}

/// Reads tasks that have ended, for their results and errors.
async fn read_whole(client: &VcdaClient, ended: &[(TaskId, PolledTask)]) -> Round {
    let query = TasksListQuery::default()
        .with_ids(joined(ended.iter().map(|(id, _)| id)))
        .with_limit(i64::try_from(PAGE).unwrap_or(i64::MAX));
    let mut found = BTreeMap::new();
    match client.raw_tasks(&query).await {
        Ok(page) => {
            for raw in &page.items {
                // What cannot be read here is read alone, so that the wait learns what is wrong with it.
                if let Ok(task) = raw.decode::<Task>() {
                    found.insert(task.id().clone(), task.status(raw));
                }
            }
        }
        Err(error) if is_too_much(&error) => {}
        Err(error) => {
            let ids: Vec<TaskId> = ended.iter().map(|(id, _)| id.clone()).collect();
            tell(client, &ids, &error);
            return Round::Failed;
        }
    }
    let mut round = Round::Ended;
    for (id, row) in ended {
        match found.remove(id) {
            Some(TaskStatus::Running { .. }) | None => {
                round = round.max(ask_alone(client, id, Some(row)).await);
            }
            Some(status) => show(client, id, Seen::Ended(Box::new(status))),
        }
    }
    round
}

/// Asks for one task with a call of its own; `row` is what the shared look said of it.
async fn ask_alone(client: &VcdaClient, id: &TaskId, row: Option<&PolledTask>) -> Round {
    match look(client, id).await {
        Ok(Some(TaskStatus::Running { progress })) => {
            show(client, id, Seen::Running(progress));
            Round::Quiet
        }
        Ok(Some(status)) => {
            show(client, id, Seen::Ended(Box::new(status)));
            Round::Ended
        }
        Ok(None) => {
            let status = row.map_or(TaskStatus::Gone, |row| row.status(id));
            show(client, id, Seen::Ended(Box::new(status)));
            Round::Ended
        }
        Err(error) => {
            tell(client, std::slice::from_ref(id), &error);
            Round::Failed
        }
    }
}

/// Looks at one task; `None` if the site says itself that it does not know it, or cannot read its id. The page of a proxy, as it
/// comes while the service starts anew, says nothing about the task.
pub(super) async fn look(client: &VcdaClient, id: &TaskId) -> Result<Option<TaskStatus>, CallError> {
    match client.whole_task(id).await {
        Ok((whole, task)) => Ok(Some(task.status(&whole))),
        Err(error) if matches!(status(&error), Some(400 | 404)) && error.service_error().is_some() => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn show(client: &VcdaClient, id: &TaskId, seen: Seen) {
    let at = TaskAt {
        site: client.frame().site.clone(),
        task: id.clone(),
    };
    client.board().show(&at, seen);
}

fn tell(client: &VcdaClient, ids: &[TaskId], error: &CallError) {
    for id in ids {
        show(client, id, Seen::Failed(Box::new(error.clone())));
    }
}
