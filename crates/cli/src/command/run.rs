//! `farside run` and `farside cleanup`: preflight, consent, then the run.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::anyhow;
use farside_engine::{Mode, ResolvedPlan, RunId};
use farside_failover::kind::Verdict;
use farside_failover::plan::{Document, PLAIN_NAME, Selection, is_plain_name};
use farside_failover::preflight::Preflight;
use farside_failover::report::exit;
use farside_failover::runs;

use crate::args;
use crate::command::{can_lose_data, check, drive, plan};
use crate::failure::Failure;
use crate::progress::Style;
use crate::{output, place};

/// A run that is asked for.
pub(super) struct Request {
    mode: Mode,
    start: args::Start,
}

impl From<args::Run> for Request {
    fn from(run: args::Run) -> Self {
        Self {
            mode: run.mode.into(),
            start: run.start,
        }
    }
}

impl Request {
    pub(super) fn cleanup(start: args::Start) -> Self {
        Self {
            mode: Mode::Cleanup,
            start,
        }
    }
}

pub(super) async fn run(request: &Request) -> Result<u8, Failure> {
    let document = plan::read(&request.start.plan)?;
    demand_consent(request, &document.name)?;
    let selection = Selection {
        only: request.start.only.clone(),
    };
    if request.start.consent.dry_run {
        return dry_run(request, &document, &selection).await;
    }
    let place = place::open(request.start.watched.place.journal.as_deref(), Some(&document)).await?;
    let (resolved, preflight, world) =
        check::ask(&document, request.mode, &selection, Some(&place.journal)).await?;
    output::note(check::text(&preflight).trim_end());
    // In a disaster what can be saved is saved: blocked items fail on their own and hold nobody else back.
    if preflight.verdict == Verdict::NoGo && request.mode != Mode::Disaster {
        output::note(
            "Nothing was touched. Mend what preflight complains about, or choose items with --only.",
        );
        if request.start.watched.json {
            output::json(&preflight);
        }
        world.close().await;
        return Ok(exit::INCOMPLETE);
    }
    if let Err(refusal) = confirm(request, &preflight, &document.name) {
        world.close().await;
        return Err(refusal);
    }
    let now = drive::now(world.clock().as_ref());
    let id = request
        .start
        .run_id
        .clone()
        .unwrap_or_else(|| format!("{}-{}-{}", document.name, request.mode, now.0));
    let begun = runs::begin(place.journal.as_ref(), RunId::new(id), resolved, now).await;
    let (run, log) = match begun {
        Ok(begun) => begun,
        Err(error) => {
            world.close().await;
            return Err(error.into());
        }
    };
    let style = if request.start.watched.json {
        Style::Json
    } else {
        Style::Human
    };
    drive::to_the_end(run, log, world, &place, Vec::new(), style).await
}

/// Asks the servers and shows what a run would do. Writes nothing, the journal included.
async fn dry_run(request: &Request, document: &Document, selection: &Selection) -> Result<u8, Failure> {
    let place = place::open_if_there(request.start.watched.place.journal.as_deref(), Some(document)).await?;
    let journal = place.as_ref().map(|place| &place.journal);
    let (resolved, preflight, world) = check::ask(document, request.mode, selection, journal).await?;
    world.close().await;
    output::note(check::text(&preflight).trim_end());
    show_dry_run(request, &resolved);
    Ok(if preflight.verdict == Verdict::NoGo {
        exit::INCOMPLETE
    } else {
        exit::DONE
    })
}

/// What must be on the command line: nobody is asked for these.
fn demand_consent(request: &Request, plan: &str) -> Result<(), Failure> {
    let consent = &request.start.consent;
    if let Some(id) = &request.start.run_id
        && !is_plain_name(id)
    {
        return Err(Failure::refused(anyhow!("--run-id {id:?} must be {PLAIN_NAME}")));
    }
    if consent.dry_run {
        return Ok(());
    }
    if let Some(name) = &consent.confirm
        && name != plan
    {
        return Err(Failure::refused(anyhow!(
            "--confirm says {name}, the plan is called {plan}"
        )));
    }
    if can_lose_data(request.mode) && !consent.accept_data_loss {
        return Err(Failure::refused(anyhow!(
            "a {} run can lose or overwrite data and needs --accept-data-loss",
            request.mode
        ))
        .hint(format!(
            "farside check {} --for {} shows what would be lost",
            request.start.plan.display(),
            request.mode
        )));
    }
    if !consent.yes && !output::is_interactive() {
        return Err(Failure::refused(anyhow!(
            "nobody can be asked whether to go on: there is no terminal"
        ))
        .hint("add --yes once you have read what `farside check` says"));
    }
    Ok(())
}

/// Asks the person at the terminal for what the command line leaves open.
fn confirm(request: &Request, preflight: &Preflight, plan: &str) -> Result<(), Failure> {
    let asked = |answer: std::io::Result<String>| {
        answer.map_err(|error| Failure::refused(anyhow!(error).context("no answer")))
    };
    if request.mode == Mode::Disaster && request.start.consent.confirm.is_none() && output::is_interactive() {
        let name = asked(output::ask(
            "This is a disaster recovery. Type the name of the plan to go on: ",
        ))?;
        if name != plan {
            return Err(Failure::refused(anyhow!(
                "that is not the name of the plan; nothing was touched"
            )));
        }
    }
    if !request.start.consent.yes {
        let question = format!(
            "Go on with {} items in mode {}? [y/N] ",
            preflight.items.len(),
            request.mode
        );
        let answer = asked(output::ask(&question))?;
        if !matches!(answer.as_str(), "y" | "Y" | "yes") {
            return Err(Failure::refused(anyhow!("not confirmed; nothing was touched")));
        }
    }
    Ok(())
}

fn show_dry_run(request: &Request, plan: &ResolvedPlan) {
    if request.start.watched.json {
        output::json(&BTreeMap::from([
            ("schema", serde_json::json!("farside.dry-run/1")),
            ("plan", serde_json::json!(plan.name)),
            ("mode", serde_json::json!(plan.mode)),
            (
                "items",
                serde_json::json!(plan.items.iter().map(|item| serde_json::json!({
                "name": item.id, "group": item.group, "kind": item.kind, "skip": item.skip, "note": item.note,
                "depends_on": item.depends_on,
                "actions": item.actions.iter().map(|action| &action.name).collect::<Vec<_>>(),
            })).collect::<Vec<_>>()),
            ),
        ]));
        return;
    }
    let mut text = format!(
        "Plan {} in mode {} would do, group by group:\n",
        plan.name, plan.mode
    );
    let mut group = None;
    for item in &plan.items {
        if group != Some(&item.group) {
            let _ = writeln!(text, "{}", item.group);
            group = Some(&item.group);
        }
        let steps: Vec<&str> = item.actions.iter().map(|action| action.name.as_str()).collect();
        let what = match (&item.skip, steps.is_empty()) {
            (Some(reason), _) => format!("skipped: {reason}"),
            (None, true) => format!("nothing to do: {}", item.note.as_deref().unwrap_or("")),
            (None, false) => steps.join(", then "),
        };
        let _ = writeln!(text, "  {} ({}): {what}", item.id, item.kind);
    }
    output::result(&text);
}
