//! `farside check`: preflight.

use std::fmt::Write as _;
use std::sync::Arc;

use farside_engine::{Mode, ResolvedPlan};
use farside_failover::connection::{Connections, HttpsConnector};
use farside_failover::kind::{self, Verdict};
use farside_failover::plan::{Document, Selection, resolve};
use farside_failover::preflight::Preflight;
use farside_failover::report::{exit, first_names, together};
use farside_failover::runs::History;
use farside_journal::Journal;
use farside_transport::{Clock, SystemClock};

use crate::args;
use crate::command::plan;
use crate::failure::Failure;
use crate::{output, place};

pub(super) async fn run(check: &args::Check) -> Result<u8, Failure> {
    let document = plan::read(&check.plan)?;
    let place = place::open_if_there(check.place.journal.as_deref(), Some(&document)).await?;
    let selection = Selection {
        only: check.only.clone(),
    };
    let journal = place.as_ref().map(|place| &place.journal);
    let (_, preflight, world) = ask(&document, check.mode.into(), &selection, journal).await?;
    world.close().await;
    if check.json {
        output::json(&preflight);
    } else {
        output::result(&text(&preflight));
    }
    Ok(if preflight.verdict == Verdict::NoGo {
        exit::INCOMPLETE
    } else {
        exit::DONE
    })
}

/// Resolves the plan and asks the servers; the connections can be used for the run.
pub(super) async fn ask(
    document: &Document,
    mode: Mode,
    selection: &Selection,
    journal: Option<&Arc<dyn Journal>>,
) -> Result<(ResolvedPlan, Preflight, Arc<Connections>), Failure> {
    let kinds = kind::standard();
    let history = match journal {
        Some(journal) => History::read(journal).await?,
        None => History::default(),
    };
    for error in history.unreadable() {
        output::note(&format!("warning: {}", output::chain(error)));
    }
    let earlier = |locks: &[farside_engine::LockKey]| history.earlier(locks);
    let resolved = resolve(document, &kinds, mode, selection, &earlier)?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let world = Arc::new(Connections::new(
        document.endpoints.clone(),
        document.forbidden(mode),
        Arc::new(HttpsConnector),
        clock,
    ));
    let preflight = Preflight::run(&resolved, &kinds, &world, &earlier).await;
    Ok((resolved, preflight, world))
}

/// The complaints, the losses and the verdict.
pub(super) fn text(preflight: &Preflight) -> String {
    let mut text = String::new();
    let complaints = preflight.complaints();
    let complaints = together(complaints.map(|(item, condition)| (item.name.as_str(), condition)));
    let mut complaints = complaints.into_iter().peekable();
    while let Some((condition, names)) = complaints.next() {
        let word = match condition.verdict {
            Verdict::Go => "ok",
            Verdict::Warning => "warning",
            Verdict::NoGo => "NO-GO",
        };
        let _ = writeln!(
            text,
            "{word:<8} {}: {}: {}",
            first_names(&names),
            condition.name,
            condition.value
        );
        // A hint that the next complaint has too is given below the last of them.
        let goes_on = complaints
            .peek()
            .is_some_and(|(next, _)| next.hint == condition.hint);
        if let Some(hint) = condition.hint.as_ref().filter(|_| !goes_on) {
            let _ = writeln!(text, "         {hint}");
        }
    }
    let notes = preflight.items.iter();
    let notes = notes.filter_map(|item| {
        let note = item.note.as_deref()?;
        Some((item.name.as_str(), (item.skipped, note)))
    });
    for ((skipped, note), names) in together(notes) {
        let word = if skipped { "skipped" } else { "note" };
        let _ = writeln!(text, "{word:<8} {}: {note}", first_names(&names));
    }
    let losses: Vec<_> = preflight.losses().collect();
    if !losses.is_empty() {
        let _ = writeln!(text, "Would be lost or overwritten:");
        for (name, loss) in losses {
            let _ = writeln!(text, "         {name}: {loss}");
        }
    }
    let (mut ready, mut warned, mut blocked, mut skipped) = (0, 0, 0, 0);
    for item in &preflight.items {
        match item.verdict {
            Verdict::Go if item.skipped => skipped += 1,
            Verdict::Go => ready += 1,
            Verdict::Warning => warned += 1,
            Verdict::NoGo => blocked += 1,
        }
    }
    let skipped = match skipped {
        0 => String::new(),
        some => format!(", {some} skipped"),
    };
    let verdict = match preflight.verdict {
        Verdict::Go => "GO",
        Verdict::Warning => "GO, with warnings",
        Verdict::NoGo => "NO-GO",
    };
    let _ = writeln!(
        text,
        "Preflight of plan {}, mode {}: {verdict}.\n{ready} ready, {warned} with warnings, {blocked} blocked{skipped}.",
        preflight.plan, preflight.mode
    );
    text
}
