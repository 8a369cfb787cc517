//! The one actor that hosts any region.

use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::SyncSender;

use ractor::{Actor, ActorProcessingErr, ActorRef};
use synapse::random::seed_for;

use super::gauges::RegionGauge;
use super::said::{Halted, panicked};
use super::stage::Stage;
use super::workbench::Workbench;

/// No more packets than this are passed on together, so that the next region begins meanwhile.
const BATCH_MAX: usize = 64;

/// What a region's actor receives.
pub enum Mail<S: Stage> {
    /// Packets that travel together.
    Batch(Vec<S::In>),
    /// The region is to be given back; nothing is under way.
    Home(SyncSender<S>),
    /// The region is here again.
    Back(Box<S>),
}

/// Where packets go.
pub type Next<T> = Box<dyn FnMut(Vec<T>) + Send>;

/// What an actor works with.
pub struct Seat<S: Stage> {
    /// The region; none while it is at home.
    pub stage: Option<S>,
    /// Its place in the line.
    pub at: usize,
    /// Where packets go.
    pub next: Next<S::Out>,
    /// What surrounds its steps.
    pub bench: Workbench,
    /// Where it gives way to others at random, what that is drawn from.
    pub yields: Option<u64>,
    /// What waits to be passed on.
    pub out: Vec<S::Out>,
    /// Packets so far.
    pub packets: u64,
}

impl<S: Stage> Seat<S> {
    fn gauge(&self) -> &RegionGauge {
        &self.bench.gauges().regions()[self.at]
    }

    /// Gives way, where the seed says so.
    async fn give_way(&mut self) {
        self.packets += 1;
        if let Some(seed) = self.yields
            && seed_for(seed ^ self.packets, self.gauge().name).is_multiple_of(3)
        {
            tokio::task::yield_now().await;
        }
    }

    fn pass(&mut self, packet: S::In) -> Result<(), Halted> {
        let Self { stage, bench, out, at, .. } = self;
        let Some(stage) = stage else { panic!("a packet came while the region was at home") };
        // whoever catches the fault throws this region away
        let passed = catch_unwind(AssertUnwindSafe(|| stage.pass(packet, bench, out)));
        let gauge = &bench.gauges().regions()[*at];
        let panicked = |panic: Box<dyn Any + Send>| Err(panicked(gauge.name, &*panic));
        passed.unwrap_or_else(panicked).map_err(|fault| Halted {
            sequence: gauge.sequence(),
            instrument: gauge.instrument(),
            fault,
            hangs: false,
        })
    }

    fn pass_on(&mut self) {
        if !self.out.is_empty() {
            self.gauge().passed_on(self.out.len());
            (self.next)(std::mem::take(&mut self.out));
        }
    }
}

/// Hosts a region.
pub struct Host<S>(PhantomData<fn() -> S>);

impl<S> Host<S> {
    /// One.
    pub const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Stage> Actor for Host<S> {
    type Msg = Mail<S>;
    type State = Seat<S>;
    type Arguments = Seat<S>;

    async fn pre_start(&self, _: ActorRef<Mail<S>>, seat: Seat<S>) -> Result<Seat<S>, ActorProcessingErr> {
        Ok(seat)
    }

    async fn handle(
        &self,
        _: ActorRef<Mail<S>>,
        mail: Mail<S>,
        seat: &mut Seat<S>,
    ) -> Result<(), ActorProcessingErr> {
        let waiting = seat.gauge().took();
        match mail {
            Mail::Batch(packets) => {
                // behind the brainstem one comes of each
                seat.out.reserve(packets.len().min(BATCH_MAX));
                for packet in packets {
                    seat.give_way().await;
                    seat.pass(packet)?;
                    if seat.out.len() >= BATCH_MAX {
                        seat.pass_on();
                    }
                }
            }
            Mail::Home(reply) => {
                if let Some(stage) = seat.stage.take() {
                    // whoever asked and gave up has no use for it
                    let _ = reply.try_send(stage);
                }
            }
            Mail::Back(stage) => seat.stage = Some(*stage),
        }
        // what waits is passed on together (L4)
        if waiting == 0 {
            seat.pass_on();
        }
        Ok(())
    }
}
