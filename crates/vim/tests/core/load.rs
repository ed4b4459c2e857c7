//! Thousands of tasks at once.

use std::time::Duration;

use farside_transport::{OperationId, PollPolicy};
use farside_vim::{VIM_TASK, no_result};
use futures_util::future::join_all;

use crate::support::{EAST, Site};

#[tokio::test(start_paused = true)]
async fn ten_thousand_waits_share_their_looks() {
    all_at_once(10_000).await;
}

async fn all_at_once(tasks: u32) {
    let site = Site::new();
    let client = site.client();
    let ids: Vec<_> = {
        let mut world = site.simulator.world();
        // They end over a minute.
        let started = (0..tasks).map(|number| world.run_task(EAST, 5_000 + number * 6, Ok(None)));
        started
            .map(|task| OperationId::new(VIM_TASK, EAST, task))
            .collect()
    };
    let waits = ids.into_iter().map(|id| {
        let work = client.attach(id, no_result).unwrap();
        let clock = site.clock.clone();
        async move {
            work.until_done(Duration::from_secs(3_600), &*clock, PollPolicy::default())
                .await
        }
    });
    let outcomes = join_all(waits).await;
    assert!(outcomes.iter().all(Result::is_ok));
    let sent = site.simulator.world().calls().totals().attempts;
    let per_task = sent as f64 / f64::from(tasks);
    assert!(per_task < 0.2, "{sent} requests for {tasks} tasks");
}
