//! What thinks: the regions and what follows from their thoughts, folding one input after the other.
//! Recovery and replay run this; the engine lets inputs overlap where the regions are actors.

use hippocampus::ExperienceEncoder;
use synapse::{Fault, Input};

use super::gate::Gate;
use super::hosts::{Actors, Credits, Halted, Regions, Workbench};
use super::line::Line;
use super::observer::Observer;
use super::spine::{Effects, MindState, Spine};
use super::totals::Totals;

/// The mind.
#[derive(Debug)]
pub struct Mind {
    pub(super) regions: Regions,
    pub(super) spine: Spine,
}

impl Mind {
    /// A mind that has seen nothing.
    pub fn new(line: Line, gate: Gate, encoder: ExperienceEncoder, bench: Workbench) -> Self {
        Self { regions: Regions::new(line, bench), spine: Spine::new(gate, encoder) }
    }

    /// The regions.
    ///
    /// # Panics
    /// If they are out as actors: see [`Mind::settle`].
    pub fn line(&self) -> &Line {
        self.regions.line()
    }

    /// The regions, to be changed in what they do not remember.
    ///
    /// # Panics
    /// As [`Mind::line`].
    pub fn line_mut(&mut self) -> &mut Line {
        self.regions.line_mut()
    }

    /// The regions alone.
    pub fn into_line(self) -> Line {
        self.regions.into_line()
    }

    /// Puts other regions in the place of these, which keep what these remember (R2).
    ///
    /// # Errors
    /// A [`Fault`] where a region cannot take over what its predecessor remembers.
    pub fn set_line(&mut self, line: Line) -> Result<(), Fault> {
        self.settle().map_err(|halted| halted.fault)?;
        self.regions.replace(line)
    }

    /// From here on its regions run as actors, one input at a time.
    pub fn host(&mut self, mut actors: Actors) {
        actors.set_bench(self.regions.bench().clone());
        self.regions.host(actors, Credits::Fixed(1));
    }

    /// Brings its regions home, where they are out as actors.
    ///
    /// # Errors
    /// [`Halted`] where one does not come.
    pub fn settle(&mut self) -> Result<(), Halted> {
        self.regions.bring_home()
    }

    /// What follows from its thoughts.
    pub const fn spine(&self) -> &Spine {
        &self.spine
    }

    /// What it remembers.
    ///
    /// # Panics
    /// If its regions are out as actors: see [`Mind::settle`].
    pub fn state(&self) -> MindState {
        self.spine.state(self.line().state())
    }

    /// Puts back what it remembered.
    ///
    /// # Errors
    /// A [`Fault`] where the state of a region does not decode.
    pub fn restore(&mut self, state: MindState) -> Result<(), Fault> {
        self.regions.restore(&state.line)?;
        let latch = self.line().prefrontal.latch();
        self.spine.restore(state, latch);
        Ok(())
    }

    /// Lets an input pass the line; what comes of it is added to `effects`. A panic of a region is a
    /// fault like any other (S1).
    ///
    /// # Errors
    /// [`Halted`] where a region fails; the mind is then in no state to go on.
    pub fn fold(
        &mut self,
        input: &Input,
        effects: &mut Effects,
        observer: &mut impl Observer,
    ) -> Result<(), Halted> {
        if self.spine.absent().contains(&input.sequence) {
            self.spine.skip(input, effects);
            return Ok(());
        }
        self.regions.offer(input.clone());
        while let Some((input, thought)) = self.regions.wait()? {
            self.spine.conclude(&input, &thought, effects, observer);
        }
        Ok(())
    }

    /// What happened so far.
    pub const fn totals(&self) -> &Totals {
        self.spine.totals()
    }
}
