//! The region: the code of each candidate action (26).

use serde::{Deserialize, Serialize};
use synapse::random::seed_for;
use synapse::{Action, Appraised, Encoded, Fault, Region};

use crate::NAME;
use crate::inputs::{CONTEXT, Moment, STATE, read};
use crate::projection::{Projection, Shape, dense_code};

market::params! {
    /// How moments are coded, and what is kept of them.
    pub struct HippocampusParams in "hippocampus" {
        /// Numbers in a code.
        codes: u32 = 256, "", 8.0, 65_536.0;
        /// Regular samples after which the outcome of a decision is measured.
        horizon: u32 = 4, "samples", 1.0, 100_000.0;
    }
}

/// What the hippocampus remembers on the line: nothing. The projection follows from the run's seed,
/// and experiences are the encoder's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {}

/// The hippocampus: separation.
#[derive(Debug, Clone)]
pub struct Hippocampus {
    projection: Projection,
    state: State,
}

impl Hippocampus {
    /// A hippocampus whose fixed projection is drawn from the run's seed.
    pub fn new(params: HippocampusParams, seed: u64) -> Self {
        let shape = Shape {
            state: STATE.len(),
            actions: Action::COUNT,
            context: CONTEXT.len(),
            codes: params.codes as usize,
        };
        let projection = Projection::seeded(shape, seed_for(seed, "hippocampus.projection"));
        Self { projection, state: State {} }
    }

    /// The dense code of each action in a moment; empty where a feature it needs is absent.
    ///
    /// # Errors
    /// A [`Fault`] where the projection of finite numbers is not finite.
    pub fn codes(&self, moment: &Moment<'_>) -> Result<[Box<[f32]>; Action::COUNT], Fault> {
        let Some(activation) = self.activation(moment)? else { return Ok(Default::default()) };
        Ok(Action::ALL.map(|action| self.candidate(&activation, action)))
    }

    /// The dense code of one action, which is one of [`Hippocampus::codes`]; `None` where that is empty.
    ///
    /// # Errors
    /// As [`Hippocampus::codes`].
    pub fn code(&self, moment: &Moment<'_>, action: Action) -> Result<Option<Box<[f32]>>, Fault> {
        Ok(self.activation(moment)?.map(|activation| self.candidate(&activation, action)))
    }

    fn candidate(&self, activation: &[f32], action: Action) -> Box<[f32]> {
        dense_code(self.projection.with_action(activation, action.index()))
    }

    /// W[s; c], to which each action adds its column.
    fn activation(&self, moment: &Moment<'_>) -> Result<Option<Vec<f32>>, Fault> {
        let Some((state, context)) = read(&STATE, moment).zip(read(&CONTEXT, moment)) else {
            return Ok(None);
        };
        let activation = self.projection.activation(&state, &context);
        if !activation.iter().all(|x| x.is_finite()) {
            return Err(Fault::new(NAME, format!("no finite code of {state:?} in {context:?}")));
        }
        Ok(Some(activation))
    }
}

impl Region for Hippocampus {
    type In = Appraised;
    type Out = Encoded;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, appraised: Appraised) -> Result<Encoded, Fault> {
        self.peek(appraised)
    }

    fn peek(&self, appraised: Appraised) -> Result<Encoded, Fault> {
        let codes = self.codes(&Moment::from(&appraised.sensed))?;
        Ok(Encoded { appraised: Box::new(appraised), codes })
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }
}
