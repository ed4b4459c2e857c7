//! A world on a clock, shared by its fronts.

use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use farside_transport::Clock;

use crate::exchange::{Handled, Reply, Request};
use crate::transport::SimTransport;
use crate::world::{Resumed, World};

/// How much world time passes at most while nobody else can have the world, in milliseconds, when it is told to pass, or when
/// one that is served has stood still for long.
const PART_MS: i64 = 3_600_000;

/// How the clock drives the world's time: from one moment of both on, so many times as fast.
#[derive(Debug, Clone, Copy)]
struct Pace {
    since: Duration,
    world_ms: i64,
    speed: f64,
}

impl Pace {
    fn world_ms(&self, elapsed: Duration) -> i64 {
        let passed = elapsed.saturating_sub(self.since).mul_f64(self.speed);
        let passed_ms = i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
        self.world_ms.saturating_add(passed_ms)
    }

    fn set_speed(&mut self, speed: f64) {
        if !speed.is_nan() {
            self.speed = speed.clamp(*Simulator::SPEEDS.start(), *Simulator::SPEEDS.end());
        }
    }
}

/// A world whose time is that of a [`Clock`]. Clones share the world.
#[derive(Debug, Clone)]
pub struct Simulator {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Clock>,
    /// Taken after the world, never before.
    pace: Arc<Mutex<Pace>>,
    bell: Arc<Bell>,
    /// How much world time passes at most when somebody wants the world, in milliseconds.
    most_ms: i64,
}

impl Simulator {
    /// How many times as fast as its clock a world may go.
    pub const SPEEDS: RangeInclusive<f64> = 0.1..=1_000.0;

    /// Starts the clock of a world: the world's time goes on from where it stands at this moment of `clock`.
    pub fn new(world: World, clock: Arc<dyn Clock>) -> Self {
        let pace = Pace {
            since: clock.elapsed(),
            world_ms: world.now_ms(),
            speed: 1.0,
        };
        Self {
            world: Arc::new(Mutex::new(world)),
            clock,
            pace: Arc::new(Mutex::new(pace)),
            bell: Arc::default(),
            most_ms: i64::MAX,
        }
    }

    /// Lets the world go on in parts of an hour at most, one for each time that somebody wants it: who does so after the process
    /// stood still for long has it at a time that is not the last one yet, and does not wait for all that happened meanwhile.
    #[cfg(feature = "serve")]
    pub(crate) fn in_parts(mut self) -> Self {
        self.most_ms = PART_MS;
        self
    }

    /// Lets the world's time pass `speed` times as fast as the clock's from the start of the simulator on. What is beyond
    /// [`Self::SPEEDS`] counts as their nearest end; what is no number changes nothing.
    #[must_use]
    pub fn speed(self, speed: f64) -> Self {
        self.paced().set_speed(speed);
        self
    }

    /// Lets the world's time pass at another speed from this moment on, for all clones; [`Self::speed`] says which ones there
    /// are. Answers that are on their way take as long as they would have.
    pub fn set_speed(&self, speed: f64) {
        let _world = self.world();
        let mut pace = self.paced();
        let elapsed = self.clock.elapsed();
        pace.world_ms = pace.world_ms(elapsed);
        pace.since = elapsed;
        pace.set_speed(speed);
    }

    fn paced(&self) -> MutexGuard<'_, Pace> {
        self.pace.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, brought up to this moment. Do not hold it across an await.
    ///
    /// Requests whose answers are still to come are looked at again once it is let go.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let world = self.lock();
        self.bell.ring();
        world
    }

    /// The world, without telling anybody.
    fn lock(&self) -> MutexGuard<'_, World> {
        // A panic in another holder leaves the world readable: every change is complete when the lock is released.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let world_ms = self.paced().world_ms(self.clock.elapsed());
        let most_ms = world.now_ms().saturating_add(self.most_ms);
        world.advance_to(world_ms.min(most_ms));
        world
    }

    /// Lets so much world time pass at once, in milliseconds; what is due in it happens, in order. Answers that are on their
    /// way take as long as they would have.
    ///
    /// It passes in parts of an hour at most: others have the world in between, at a time that is not the last one yet.
    pub fn advance(&self, ms: u32) {
        let mut left_ms = i64::from(ms);
        loop {
            let part_ms = left_ms.min(PART_MS);
            {
                let mut pace = self.paced();
                pace.world_ms = pace.world_ms.saturating_add(part_ms);
            }
            drop(self.world());
            left_ms -= part_ms;
            if left_ms == 0 {
                return;
            }
            // Whoever waits for the world goes first.
            std::thread::yield_now();
        }
    }

    /// Goes on with another world, at the time at which that stands, for all clones. All connections are closed.
    #[cfg(feature = "serve")]
    pub(crate) fn replace(&self, mut world: World) {
        {
            let mut held = self.lock();
            world.follow(&held);
            let mut pace = self.paced();
            pace.since = self.clock.elapsed();
            pace.world_ms = world.now_ms();
            *held = world;
        }
        self.bell.ring();
    }

    /// Handles a request that arrives at an endpoint at this moment.
    pub fn handle(&self, endpoint: &str, request: &Request) -> Handled {
        self.world().handle(endpoint, request)
    }

    /// Waits for the answer of a request that was parked.
    pub(crate) async fn parked(&self, request: u64) -> Reply {
        let abandoned = Abandons {
            simulator: self,
            request,
        };
        loop {
            let heard = self.bell.rung();
            let resumed = self.lock().resume(request);
            match resumed {
                Resumed::Reply(reply) => {
                    drop(abandoned);
                    return reply;
                }
                Resumed::Later { at_most_ms } => {
                    // Without an event ahead, a day is as good as for ever.
                    let pause = self.real(at_most_ms.unwrap_or(86_400_000).max(1));
                    let asleep = self.clock.sleep(pause);
                    either(asleep, self.bell.after(heard)).await;
                }
            }
        }
    }

    /// The world for somebody who only watches, and so gives nobody a reason to look again.
    #[cfg(feature = "serve")]
    pub(crate) fn look(&self) -> MutexGuard<'_, World> {
        self.lock()
    }

    /// How often somebody has had the world.
    #[cfg(feature = "serve")]
    pub(crate) fn stirs(&self) -> u64 {
        self.bell.rung()
    }

    /// Resolves when somebody has had the world more often than that.
    #[cfg(feature = "serve")]
    pub(crate) fn stirred(&self, heard: u64) -> impl Future<Output = ()> + Send + '_ {
        self.bell.after(heard)
    }

    /// A transport to one endpoint, in process.
    pub fn transport(&self, endpoint: &str) -> SimTransport {
        SimTransport::new(self.clone(), endpoint)
    }

    /// A stretch of world time on the clock.
    pub(crate) fn real(&self, world_ms: i64) -> Duration {
        Duration::from_millis(u64::try_from(world_ms).unwrap_or(0)).div_f64(self.pace())
    }

    /// The clock.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// How many times as fast as the clock's the world's time passes.
    pub fn pace(&self) -> f64 {
        self.paced().speed
    }
}

/// Forgets a parked request when nobody waits for its answer any more.
struct Abandons<'a> {
    simulator: &'a Simulator,
    request: u64,
}

impl Drop for Abandons<'_> {
    fn drop(&mut self) {
        self.simulator.lock().abandon(self.request);
    }
}

/// Tells those who wait that somebody has had the world.
#[derive(Debug, Default)]
struct Bell {
    state: Mutex<(u64, Vec<Waker>)>,
}

impl Bell {
    fn state(&self) -> MutexGuard<'_, (u64, Vec<Waker>)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ring(&self) {
        let wakers = {
            let mut state = self.state();
            state.0 += 1;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How often it has rung.
    fn rung(&self) -> u64 {
        self.state().0
    }

    /// Resolves when it has rung more often than that.
    fn after(&self, heard: u64) -> impl Future<Output = ()> + Send + '_ {
        std::future::poll_fn(move |context| {
            let mut state = self.state();
            if state.0 > heard {
                return Poll::Ready(());
            }
            state.1.push(context.waker().clone());
            Poll::Pending
        })
    }
}

/// Resolves when one of two futures has.
async fn either(one: impl Future<Output = ()>, other: impl Future<Output = ()>) {
    let (mut one, mut other) = (std::pin::pin!(one), std::pin::pin!(other));
    std::future::poll_fn(|context| {
        if one.as_mut().poll(context).is_ready() || other.as_mut().poll(context).is_ready() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

#[cfg(test)]
mod tests {
    use farside_transport::SystemClock;
    use http::Method;
    use serde_json::json;

    use super::*;
    use crate::spec::WorldSpec;
    use crate::testbench::{BASE, Bench};

    const COLLECTOR: &str = "/PropertyCollector/propertyCollector";

    fn paused() -> Arc<SystemClock> {
        Arc::new(SystemClock::new())
    }

    /// A request that waits for changes of a host, for fifty seconds at most.
    fn waiting(bench: &mut Bench) -> Request {
        let filter = json!({"partialUpdates": false, "spec": {
            "_typeName": "PropertyFilterSpec",
            "propSet": [{"_typeName": "PropertySpec", "type": "HostSystem", "pathSet": ["name"]}],
            "objectSet": [{"_typeName": "ObjectSpec", "skip": false,
                "obj": {"_typeName": "ManagedObjectReference", "type": "HostSystem", "value": "host-11"}}],
        }});
        let made = bench.post("vc-east", &format!("{COLLECTOR}/CreateFilter"), &filter);
        assert_eq!(made.status, 200, "{}", made.value());
        let path = format!("{COLLECTOR}/WaitForUpdatesEx");
        let first = bench.post("vc-east", &path, &json!({"version": ""})).value();
        let options = json!({"_typeName": "WaitOptions", "maxWaitSeconds": 50});
        let body = json!({"version": first["version"], "options": options});
        let request = Request::new(Method::POST, &format!("{BASE}{path}")).json(&body);
        bench.with_session("vc-east", request)
    }

    #[test]
    fn others_have_the_world_while_much_time_passes_at_once() {
        let world = WorldSpec::pair(1).build();
        let simulator = Simulator::new(world, Arc::new(SystemClock::new()));
        let other = simulator.clone();
        let passing = std::thread::spawn(move || other.advance(u32::MAX));
        let between = PART_MS..i64::from(u32::MAX) - PART_MS;
        let mut seen = false;
        while !passing.is_finished() {
            seen |= between.contains(&simulator.world().now_ms());
        }
        passing.join().unwrap();
        assert!(seen, "the world was held until all time had passed");
        assert!(simulator.world().now_ms() >= i64::from(u32::MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn a_parked_request_is_answered_when_the_worlds_time_is_up_at_any_speed() {
        for speed in [0.1, 0.5, 1.0, 10.0, 1_000.0] {
            let mut bench = Bench::new(&WorldSpec::pair(1).groups(0).replications(0));
            let request = waiting(&mut bench);
            let clock = paused();
            let simulator = Simulator::new(bench.world, clock.clone()).speed(speed);
            let Reply::Parked(parked) = simulator.handle("vc-east", &request).reply else {
                panic!("it is not parked");
            };
            let Reply::Answer(answer) = simulator.parked(parked).await else {
                panic!("it is not answered");
            };
            assert_eq!(answer.value(), serde_json::Value::Null);
            // A sleep ends with a whole millisecond of the clock.
            let late = clock
                .elapsed()
                .mul_f64(speed)
                .saturating_sub(Duration::from_secs(50));
            assert!(
                late <= Duration::from_millis(2).mul_f64(speed.max(1.0)),
                "{late:?} late at {speed}"
            );
            assert!(
                clock.elapsed().mul_f64(speed) >= Duration::from_secs(50),
                "early at {speed}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_parked_request_hears_of_a_change_at_any_speed() {
        let mut bench = Bench::new(&WorldSpec::pair(1).groups(0).replications(0));
        let request = waiting(&mut bench);
        let clock = paused();
        let simulator = Simulator::new(bench.world, clock.clone()).speed(100.0);
        let Reply::Parked(parked) = simulator.handle("vc-east", &request).reply else {
            panic!("it is not parked");
        };
        let restart = async {
            clock.sleep(Duration::from_millis(100)).await;
            simulator.world().restart_vcenter("vc-east", 1_000);
        };
        let (reply, ()) = tokio::join!(simulator.parked(parked), restart);
        assert_eq!(reply, Reply::Cut);
        assert!(
            clock.elapsed() < Duration::from_millis(110),
            "{:?}",
            clock.elapsed()
        );
    }

    /// The numbers of requests that wait are those of their world: one of before must not take the answer of another.
    #[cfg(feature = "serve")]
    #[tokio::test(start_paused = true)]
    async fn nobody_waits_any_more_when_another_world_goes_on() {
        let mut bench = Bench::new(&WorldSpec::pair(1).groups(0).replications(0));
        let request = waiting(&mut bench);
        let clock = paused();
        let simulator = Simulator::new(bench.world.clone(), clock.clone());
        let parked = |simulator: &Simulator| match simulator.handle("vc-east", &request).reply {
            Reply::Parked(parked) => parked,
            other => panic!("it is not parked: {other:?}"),
        };
        let first = parked(&simulator);
        clock.sleep(Duration::from_secs(1)).await;
        let replaced = async {
            simulator.replace(bench.world.clone());
            assert_ne!(parked(&simulator), first);
        };
        let (reply, ()) = tokio::join!(simulator.parked(first), replaced);
        assert_eq!(reply, Reply::Cut);
        assert_eq!(simulator.world().now_ms(), bench.world.now_ms());
        clock.sleep(Duration::from_millis(500)).await;
        assert_eq!(simulator.world().now_ms(), bench.world.now_ms() + 500);
    }

    // A process that was stopped for a while held the world for as long as all took that had not happened meanwhile.
    #[cfg(feature = "serve")]
    #[tokio::test(start_paused = true)]
    async fn a_world_that_is_served_makes_up_in_parts_for_the_time_that_it_stood_still() {
        let clock = paused();
        let world = WorldSpec::pair(1).groups(0).replications(0).build();
        let simulator = Simulator::new(world, clock.clone()).speed(1_000.0).in_parts();
        clock.sleep(Duration::from_secs(9)).await;
        assert_eq!(simulator.world().now_ms(), PART_MS);
        simulator.set_speed(1.0);
        assert_eq!(simulator.world().now_ms(), 9_000_000);
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(simulator.world().now_ms(), 9_001_000);
    }

    #[tokio::test(start_paused = true)]
    async fn time_goes_on_from_where_the_world_stands() {
        let mut world = WorldSpec::pair(1).groups(0).replications(0).build();
        world.advance_to(7_000);
        let clock = paused();
        clock.sleep(Duration::from_secs(3)).await;
        let simulator = Simulator::new(world, clock.clone()).speed(2.0);
        assert_eq!(simulator.world().now_ms(), 7_000);
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(simulator.world().now_ms(), 9_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_speed_beyond_its_range_is_the_nearest_one() {
        let paces = [
            (0.0, 0.1),
            (-3.0, 0.1),
            (1e9, 1_000.0),
            (f64::INFINITY, 1_000.0),
            (f64::NAN, 1.0),
        ];
        for (speed, pace) in paces {
            let world = WorldSpec::pair(1).groups(0).replications(0).build();
            assert_eq!(
                Simulator::new(world, paused()).speed(speed).pace().to_bits(),
                f64::to_bits(pace)
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn another_speed_counts_from_the_moment_at_which_it_is_set_for_all_clones() {
        let clock = paused();
        let simulator = Simulator::new(WorldSpec::pair(1).groups(0).build(), clock.clone());
        clock.sleep(Duration::from_secs(2)).await;
        simulator.clone().set_speed(10.0);
        assert_eq!(simulator.world().now_ms(), 2_000);
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(simulator.world().now_ms(), 12_000);
        simulator.advance(500);
        simulator.set_speed(0.5);
        clock.sleep(Duration::from_secs(1)).await;
        assert_eq!(simulator.world().now_ms(), 13_000);
    }
}
