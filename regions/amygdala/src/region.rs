//! The region: each sample is appraised against what is normal for its instrument (R6).

use market::Instruments;
use serde::{Deserialize, Serialize};
use synapse::{Appraised, CommandKind, Fault, Notice, NoticeKind, Region, Sensed, Threat};

use crate::NAME;
use crate::drawdown::Drawdown;
use crate::fear::{Fear, Scene};
use crate::params::{AmygdalaParams, UnsoundParams};

/// What the amygdala remembers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// Equity is the account's, so its peak is too.
    account: Drawdown,
    /// By instrument, in rank order.
    fears: Vec<Fear>,
}

/// The amygdala: fear.
#[derive(Debug, Clone)]
pub struct Amygdala {
    params: AmygdalaParams,
    instruments: Instruments,
    state: State,
}

impl Amygdala {
    /// An amygdala that knows nothing yet of these instruments.
    ///
    /// # Errors
    /// [`UnsoundParams`] where the parameters do not go together.
    pub fn new(params: AmygdalaParams, instruments: Instruments) -> Result<Self, UnsoundParams> {
        params.check()?;
        let fears = instruments.iter().map(|_| Fear::new(&params)).collect();
        let state = State { account: Drawdown::default(), fears };
        Ok(Self { params, instruments, state })
    }

    fn unknown(sensed: &Sensed) -> Fault {
        Fault::new(NAME, format!("instrument {} is not known", sensed.instrument.0))
    }
}

/// Appraises a regular sample: score, then update.
fn appraise(fear: &mut Fear, account: &mut Drawdown, scene: Scene<'_>) -> Threat {
    let findings = fear.read(account, scene);
    let begins = fear.fold(&findings, scene.params);
    fear.threat(&findings, begins, scene.params)
}

impl Region for Amygdala {
    type In = Sensed;
    type Out = Appraised;
    type State = State;
    const NAME: &'static str = NAME;

    fn step(&mut self, sensed: Sensed) -> Result<Appraised, Fault> {
        if !sensed.is_regular() {
            return self.peek(sensed);
        }
        let Some(fear) = self.state.fears.get_mut(sensed.instrument.index()) else {
            return Err(Self::unknown(&sensed));
        };
        let facts = self.instruments.get(sensed.instrument);
        let scene = Scene { sensed: &sensed, facts, params: &self.params };
        let threat = appraise(fear, &mut self.state.account, scene);
        Ok(Appraised { sensed, threat })
    }

    /// An operator who arms has seen the loss: drawdown is counted from there on.
    fn notice(&mut self, notice: &Notice) -> Result<(), Fault> {
        if let NoticeKind::Command(command) = &notice.kind
            && command.kind == CommandKind::Arm
        {
            self.state.account.accept();
        }
        Ok(())
    }

    /// A copy remembers instead. Of a startle, which teaches nothing, it reads the signals; counts and
    /// trip stay those of the memory.
    fn peek(&self, sensed: Sensed) -> Result<Appraised, Fault> {
        let Some(fear) = self.state.fears.get(sensed.instrument.index()) else {
            return Err(Self::unknown(&sensed));
        };
        let (mut copy, mut account) = (fear.clone(), self.state.account);
        let facts = self.instruments.get(sensed.instrument);
        let scene = Scene { sensed: &sensed, facts, params: &self.params };
        let threat = if sensed.is_regular() {
            appraise(&mut copy, &mut account, scene)
        } else {
            fear.threat(&copy.read(&mut account, scene), false, &self.params)
        };
        Ok(Appraised { sensed, threat })
    }

    fn state(&self) -> &State {
        &self.state
    }

    fn set_state(&mut self, state: State) {
        self.state = state;
    }
}
