//! The sleep actor: it sleeps beside the brain, on a thread of its own, while trading goes on.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::runtime::Runtime;

use super::{Night, night};
use crate::config::Config;
use crate::failure::Failure;

/// A night to be slept.
#[derive(Debug)]
pub struct Dream {
    /// The journal's folder.
    pub dir: PathBuf,
    /// The last input that is remembered.
    pub until: u64,
    /// The active configuration.
    pub config: Config,
}

/// What came of a night, and how long it took, s.
pub type Woken = (Result<Night, Failure>, f64);

/// Told when a night is over.
type Done = Box<dyn FnOnce(Woken) + Send>;

impl Dream {
    /// Sleeps it here and now.
    pub fn sleep(&self) -> Woken {
        let began = Instant::now();
        let slept = catch_unwind(AssertUnwindSafe(|| night(&self.dir, self.until, &self.config)));
        let slept = slept.unwrap_or_else(|_| {
            Err(Failure::Internal("sleep panicked, and nothing was learned; the log says where".to_owned()))
        });
        (slept, began.elapsed().as_secs_f64())
    }
}

struct Sleep;

impl Actor for Sleep {
    type Msg = (Dream, Done);
    type State = Arc<AtomicBool>;
    type Arguments = Arc<AtomicBool>;

    async fn pre_start(
        &self,
        _: ActorRef<Self::Msg>,
        asleep: Arc<AtomicBool>,
    ) -> Result<Arc<AtomicBool>, ActorProcessingErr> {
        Ok(asleep)
    }

    async fn handle(
        &self,
        _: ActorRef<Self::Msg>,
        (dream, done): Self::Msg,
        asleep: &mut Arc<AtomicBool>,
    ) -> Result<(), ActorProcessingErr> {
        let woken = dream.sleep();
        asleep.store(false, Ordering::Release);
        done(woken);
        Ok(())
    }
}

/// The thread it sleeps on.
#[derive(Debug)]
pub struct Sleeper {
    /// None once it is shut down.
    runtime: Option<Runtime>,
    actor: ActorRef<(Dream, Done)>,
    asleep: Arc<AtomicBool>,
}

impl Sleeper {
    /// A sleeper that is awake.
    ///
    /// # Errors
    /// [`Failure::Environment`] where the system gives no thread.
    pub fn start() -> Result<Self, Failure> {
        let failed = |what: String| Failure::Environment(format!("no thread to sleep on: {what}"));
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime =
            builder.worker_threads(1).thread_name("sleep").on_thread_start(journal::give_way).build();
        let runtime = runtime.map_err(|e| failed(e.to_string()))?;
        let asleep = Arc::<AtomicBool>::default();
        let spawned = runtime.block_on(Actor::spawn(None, Sleep, Arc::clone(&asleep)));
        let (actor, _) = spawned.map_err(|e| failed(e.to_string()))?;
        Ok(Self { runtime: Some(runtime), actor, asleep })
    }

    /// Begins a night; false where one is under way. `done` is called on the sleeper's thread.
    pub fn begin(&self, dream: Dream, done: impl FnOnce(Woken) + Send + 'static) -> bool {
        !self.asleep.swap(true, Ordering::AcqRel) && self.actor.cast((dream, Box::new(done))).is_ok()
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        self.actor.stop(None);
        // a night that is cut off has changed nothing
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
