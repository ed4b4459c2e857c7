//! A world on a clock, shared by its fronts.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use farside_transport::Clock;

use crate::exchange::{Handled, Request};
use crate::transport::SimTransport;
use crate::world::World;

/// A world whose time is that of a [`Clock`]. Clones share the world.
#[derive(Debug, Clone)]
pub struct Simulator {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Clock>,
    speed: f64,
    start: Duration,
}

impl Simulator {
    /// Starts the clock of a world: its time zero is this moment of `clock`.
    pub fn new(world: World, clock: Arc<dyn Clock>) -> Self {
        let start = clock.elapsed();
        Self {
            world: Arc::new(Mutex::new(world)),
            clock,
            speed: 1.0,
            start,
        }
    }

    /// Lets the world's time pass `speed` times as fast as the clock's; nothing changes unless `speed` is above zero.
    #[must_use]
    pub fn speed(mut self, speed: f64) -> Self {
        if speed.is_finite() && speed > 0.0 {
            self.speed = speed;
        }
        self
    }

    /// The world, brought up to this moment. Do not hold it across an await.
    pub fn world(&self) -> MutexGuard<'_, World> {
        // A panic in another holder leaves the world readable: every change is complete when the lock is released.
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        let elapsed = self
            .clock
            .elapsed()
            .saturating_sub(self.start)
            .mul_f64(self.speed);
        world.advance_to(i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX));
        world
    }

    /// Handles a request that arrives at an endpoint at this moment.
    pub fn handle(&self, endpoint: &str, request: &Request) -> Handled {
        self.world().handle(endpoint, request)
    }

    /// A transport to one endpoint, in process.
    pub fn transport(&self, endpoint: &str) -> SimTransport {
        SimTransport::new(self.clone(), endpoint)
    }

    /// A stretch of world time on the clock.
    pub(crate) fn real(&self, world_ms: i64) -> Duration {
        Duration::from_millis(u64::try_from(world_ms).unwrap_or(0)).div_f64(self.speed)
    }

    /// The clock.
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    /// How many times as fast as the clock's the world's time passes.
    pub fn pace(&self) -> f64 {
        self.speed
    }
}
