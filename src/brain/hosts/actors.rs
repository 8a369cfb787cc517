//! The regions as actors: each one is hosted by a `ractor` actor of its own, all under one supervisor, and
//! each sends to the one behind it (L2).

use std::fmt;
use std::sync::mpsc::{Receiver, channel, sync_channel};
use std::time::Duration;

use amygdala::Amygdala;
use basal_ganglia::BasalGanglia;
use brainstem::Brainstem;
use cerebellum::Cerebellum;
use hippocampus::Hippocampus;
use neocortex::Neocortex;
use prefrontal::Prefrontal;
use ractor::{Actor, ActorCell, ActorRef};
use synapse::{Fault, Input};
use thalamus::Thalamus;
use tokio::runtime::Runtime;
use visual_cortex::VisualCortex;

use super::said::{Halted, Outlet, Said, Wake};
use super::seat::{Host, Mail, Next, Seat};
use super::stage::{Behind, Gathering, Stage};
use super::supervisor::Supervisor;
use super::workbench::Workbench;
use crate::brain::line::{Line, REGIONS};
use crate::brain::params::BrainParams;

/// How long a region may take to end the step that it is at when all are stopped.
const LAST_STEP: Duration = Duration::from_millis(200);

macro_rules! crew {
    ($($at:literal $region:ident: $stage:ty, $in:expr, $out:expr;)*) => {
        /// The actors, one a region.
        struct Crew {
            supervisor: ActorCell,
            $($region: ActorRef<Mail<$stage>>,)*
        }

        impl Crew {
            /// The regions go out; the actors are there.
            fn send_out(&self, line: Line, bench: &Workbench) {
                $(post(&self.$region, Mail::Back(Box::new($in(line.$region))), bench, $at);)*
            }

            /// The regions come home; none where one does not within the time.
            fn bring_home(&self, bench: &Workbench, within: Duration) -> Option<Line> {
                $(
                    let (reply, $region) = sync_channel(1);
                    post(&self.$region, Mail::Home(reply), bench, $at);
                )*
                Some(Line { $($region: $out($region.recv_timeout(within).ok()?),)* })
            }
        }
    };
}

crew! {
    0 brainstem: Brainstem, |brainstem| brainstem, |brainstem| brainstem;
    1 amygdala: Behind<Amygdala>, |region| Behind(region, 1), |seat: Behind<_>| seat.0;
    2 hippocampus: Behind<Hippocampus>, |region| Behind(region, 2), |seat: Behind<_>| seat.0;
    3 neocortex: Behind<Neocortex>, |region| Behind(region, 3), |seat: Behind<_>| seat.0;
    4 visual_cortex: Behind<VisualCortex>, |region| Behind(region, 4), |seat: Behind<_>| seat.0;
    5 thalamus: Behind<Thalamus>, |region| Behind(region, 5), |seat: Behind<_>| seat.0;
    6 basal_ganglia: Behind<BasalGanglia>, |region| Behind(region, 6), |seat: Behind<_>| seat.0;
    7 cerebellum: Behind<Cerebellum>, |region| Behind(region, 7), |seat: Behind<_>| seat.0;
    8 prefrontal: Behind<Prefrontal>, |region| Behind(region, 8), |seat: Behind<_>| seat.0;
}

/// Posts mail to the actor at a place of the line. One that has stopped gets none: its supervisor says why.
fn post<S: Stage>(actor: &ActorRef<Mail<S>>, mail: Mail<S>, bench: &Workbench, at: usize) {
    bench.gauges().regions()[at].sent();
    let _ = actor.cast(mail);
}

/// The regions' actors, and the threads they run on.
pub struct Actors {
    /// None once it is shut down.
    runtime: Option<Runtime>,
    crew: Option<Crew>,
    heard: Receiver<Said>,
    bench: Workbench,
    step_limit: Duration,
    wake: Option<Wake>,
    yields: Option<u64>,
    raised: u64,
}

impl fmt::Debug for Actors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Actors").field("raised", &self.raised).finish_non_exhaustive()
    }
}

impl Actors {
    /// Threads for actors; `wake` is told when there is something to hear.
    ///
    /// # Errors
    /// What the system says where it gives no threads.
    pub fn new(params: &BrainParams, wake: Option<Wake>) -> std::io::Result<Self> {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        let runtime =
            builder.worker_threads(params.workers as usize).thread_name("brain").enable_time().build()?;
        Ok(Self {
            runtime: Some(runtime),
            crew: None,
            heard: channel().1,
            bench: Workbench::default(),
            step_limit: Duration::from_millis(u64::from(params.step_limit_ms)),
            wake,
            yields: None,
            raised: 0,
        })
    }

    /// Actors that give way to each other at random: for tests of sameness.
    #[must_use]
    pub const fn yielding(mut self, seed: u64) -> Self {
        self.yields = Some(seed);
        self
    }

    /// What surrounds the regions' steps.
    pub(in crate::brain) fn set_bench(&mut self, bench: Workbench) {
        self.bench = bench;
    }

    /// How long a step may take.
    pub(in crate::brain) const fn step_limit(&self) -> Duration {
        self.step_limit
    }

    /// Sends the regions out, to the actors there are, or to new ones.
    pub(in crate::brain) fn send_out(&mut self, line: Line) -> Result<(), Halted> {
        if let Some(crew) = &self.crew {
            crew.send_out(line, &self.bench);
            return Ok(());
        }
        let (said, heard) = channel();
        self.heard = heard;
        let outlet = Outlet { said, wake: self.wake.clone() };
        for gauge in self.bench.gauges().regions() {
            if self.raised > 0 { gauge.restarted() } else { gauge.clear() }
        }
        self.raised += 1;
        let Some(runtime) = &self.runtime else { return Err(stopped("they were shut down")) };
        let raising = raise(line, outlet, &self.bench, self.yields);
        self.crew = Some(runtime.block_on(raising).map_err(|e| stopped(&e.to_string()))?);
        Ok(())
    }

    /// Stops the actors, and with them the regions they have.
    pub(in crate::brain) fn stop(&mut self) {
        // what is said late is not heard
        self.heard = channel().1;
        if let (Some(crew), Some(runtime)) = (self.crew.take(), &self.runtime) {
            // one that hangs is not waited for any longer
            runtime.block_on(crew.supervisor.stop_children_and_wait(None, Some(LAST_STEP)));
            crew.supervisor.stop(None);
        }
    }

    /// Sends inputs on their way.
    pub(in crate::brain) fn send(&self, inputs: Vec<Input>) {
        if let Some(crew) = &self.crew {
            post(&crew.brainstem, Mail::Batch(inputs), &self.bench, 0);
        }
    }

    /// The next that is said; waits for it so long.
    pub(in crate::brain) fn hear(&self, wait: Option<Duration>) -> Option<Said> {
        match wait {
            None => self.heard.try_recv().ok(),
            Some(wait) => self.heard.recv_timeout(wait).ok(),
        }
    }

    /// Brings the regions home; nothing may be under way. The actors stay.
    pub(in crate::brain) fn bring_home(&mut self) -> Result<Line, Halted> {
        let home = self.crew.as_ref().and_then(|crew| crew.bring_home(&self.bench, self.step_limit));
        home.ok_or_else(|| stopped("a region does not come home"))
    }
}

impl Drop for Actors {
    fn drop(&mut self) {
        self.stop();
        // a step that hangs is not waited for
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn stopped(why: &str) -> Halted {
    Halted { sequence: 0, instrument: None, fault: Fault::new("line", why), hangs: false }
}

/// Starts the actors from the last to the first, each knowing the one behind it.
async fn raise(
    line: Line,
    outlet: Outlet,
    bench: &Workbench,
    yields: Option<u64>,
) -> Result<Crew, ractor::SpawnErr> {
    let (supervisor, _) = Actor::spawn(None, Supervisor, outlet.clone()).await?;
    let supervisor = supervisor.get_cell();
    let hands = Hands { supervisor: &supervisor, bench, yields };
    let (mut gathering, at_end) = (Gathering::default(), bench.clone());
    let gather: Next<_> = Box::new(move |packets| {
        let mut thoughts = Vec::with_capacity(packets.len());
        gathering.gather(packets, &at_end, &mut thoughts);
        if !thoughts.is_empty() {
            outlet.say(Said::Thoughts(thoughts));
        }
    });
    let prefrontal = hands.seat(8, Behind(line.prefrontal, 8), gather).await?;
    let cerebellum = hands.before(7, Behind(line.cerebellum, 7), &prefrontal).await?;
    let basal_ganglia = hands.before(6, Behind(line.basal_ganglia, 6), &cerebellum).await?;
    let thalamus = hands.before(5, Behind(line.thalamus, 5), &basal_ganglia).await?;
    let visual_cortex = hands.before(4, Behind(line.visual_cortex, 4), &thalamus).await?;
    let neocortex = hands.before(3, Behind(line.neocortex, 3), &visual_cortex).await?;
    let hippocampus = hands.before(2, Behind(line.hippocampus, 2), &neocortex).await?;
    let amygdala = hands.before(1, Behind(line.amygdala, 1), &hippocampus).await?;
    let brainstem = hands.before(0, line.brainstem, &amygdala).await?;
    debug_assert_eq!(REGIONS.len(), 9);
    Ok(Crew {
        supervisor,
        brainstem,
        amygdala,
        hippocampus,
        neocortex,
        visual_cortex,
        thalamus,
        basal_ganglia,
        cerebellum,
        prefrontal,
    })
}

/// What every actor is started with.
struct Hands<'a> {
    supervisor: &'a ActorCell,
    bench: &'a Workbench,
    yields: Option<u64>,
}

impl Hands<'_> {
    async fn seat<S: Stage>(
        &self,
        at: usize,
        stage: S,
        next: Next<S::Out>,
    ) -> Result<ActorRef<Mail<S>>, ractor::SpawnErr> {
        let (bench, yields) = (self.bench.clone(), self.yields);
        let seat = Seat { stage: Some(stage), at, next, bench, yields, out: Vec::new(), packets: 0 };
        let host = Host::new();
        Ok(Actor::spawn_linked(None, host, seat, self.supervisor.clone()).await?.0)
    }

    async fn before<S, T>(
        &self,
        at: usize,
        stage: S,
        behind: &ActorRef<Mail<T>>,
    ) -> Result<ActorRef<Mail<S>>, ractor::SpawnErr>
    where
        S: Stage,
        T: Stage<In = S::Out>,
    {
        let (bench, behind) = (self.bench.clone(), behind.clone());
        let next: Next<S::Out> = Box::new(move |packets| post(&behind, Mail::Batch(packets), &bench, at + 1));
        self.seat(at, stage, next).await
    }
}
