//! The region: modalities in, fused state out.

use market::Instruments;
use synapse::random::seed_for;
use synapse::{Action, Fault, Fused, FusedState, Modality, Perceived, Recall, Region};

use crate::NAME;
use crate::layout::{Layout, MEMORY};
use crate::price;
use crate::projection::Projection;

market::params! {
    /// How large the fused state is.
    pub struct ThalamusParams in "thalamus" {
        /// Numbers in the fused state; never fewer than go in.
        width: usize = 128, "numbers", 1.0, 4096.0;
    }
}

/// The thalamus. It remembers nothing, as long as no window of the price stream is fused.
#[derive(Debug, Clone)]
pub struct Thalamus {
    layout: Layout,
    projection: Projection,
    instruments: Instruments,
}

impl Thalamus {
    /// A relay whose projection is drawn from the seed of the run.
    ///
    /// # Panics
    /// If the layout is not one of [`Layout::new`].
    #[must_use]
    pub fn new(params: ThalamusParams, layout: Layout, run_seed: u64, instruments: Instruments) -> Self {
        assert_eq!(layout, Layout::new(layout.vision), "a layout of other modalities");
        let width = params.width.max(layout.width());
        let projection = Projection::seeded(seed_for(run_seed, NAME), layout.width(), width);
        Self { layout, projection, instruments }
    }

    /// Numbers in the fused state.
    #[must_use]
    pub fn width(&self) -> usize {
        self.projection.outputs()
    }

    /// The weights w on the fused state of a rule over the concatenation, one number a place of the
    /// [`Layout`]: w · h = rule · [v; t; s; m].
    ///
    /// # Panics
    /// If the rule is of another width.
    #[must_use]
    pub fn embed(&self, rule: &[f32]) -> Vec<f32> {
        let mut w = vec![0.0; self.width()];
        self.projection.project(rule, &mut w);
        w
    }

    fn fuse(&self, perceived: &Perceived) -> Result<FusedState, Fault> {
        let (sensed, v) = (perceived.sensed(), &perceived.percept.v);
        let mut absent = Vec::new();
        let mut x = vec![0.0; self.layout.width()];
        if v.is_empty() {
            absent.push(Modality::Vision);
        } else if v.len() == self.layout.vision {
            x[self.layout.range(Modality::Vision)].copy_from_slice(v);
        } else {
            let expected = self.layout.vision;
            return Err(Fault::new(NAME, format!("a percept of {} numbers, not {expected}", v.len())));
        }
        let instrument = self.instruments.get(sensed.instrument);
        price::write(sensed, instrument, &mut x[self.layout.range(Modality::Price)]);
        absent.push(Modality::Text);
        if perceived.recalled.schemas == 0 {
            absent.push(Modality::Memory);
        } else {
            write_memory(&perceived.recalled.recall, &mut x[self.layout.range(Modality::Memory)]);
        }
        let h = self.embed(&x).into_boxed_slice();
        match h.iter().position(|h| !h.is_finite()) {
            Some(at) => Err(Fault::new(NAME, format!("number {at} of the fused state is {}", h[at]))),
            None => Ok(FusedState { h, absent }),
        }
    }
}

/// Writes [`MEMORY`] of each action; what is unknown is 0.
fn write_memory(recall: &[Recall; Action::COUNT], m: &mut [f32]) {
    for (recall, m) in recall.iter().zip(m.chunks_exact_mut(MEMORY.len())) {
        let known = [recall.reward_bp, recall.reward_std_bp, Some(recall.confidence)];
        m.copy_from_slice(&known.map(|number| number.unwrap_or(0.0)));
    }
}

impl Region for Thalamus {
    type In = Perceived;
    type Out = Fused;
    type State = ();
    const NAME: &'static str = NAME;

    fn step(&mut self, perceived: Perceived) -> Result<Fused, Fault> {
        self.peek(perceived)
    }

    fn peek(&self, perceived: Perceived) -> Result<Fused, Fault> {
        let state = self.fuse(&perceived)?;
        Ok(Fused { perceived, state })
    }

    fn state(&self) -> &() {
        &()
    }

    fn set_state(&mut self, (): ()) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::price::PRICE;
    use market::features::Feature;
    use proptest::prelude::*;
    use scenes::{instrument, instruments, sensed};
    use synapse::{SampleKind, Sensed, Startle};

    const VISION: usize = 5;

    fn thalamus(run_seed: u64) -> Thalamus {
        Thalamus::new(ThalamusParams::default(), Layout::new(VISION), run_seed, instruments(1, &instrument()))
    }

    /// A sample with this percept, and as many schemas to recall from.
    fn perceived(sensed: Sensed, v: Vec<f32>, recall: [Recall; 3], schemas: u32) -> Perceived {
        let mut perceived = scenes::perceived(sensed);
        perceived.percept.v = v.into();
        perceived.recalled.recall = recall;
        perceived.recalled.schemas = schemas;
        perceived
    }

    fn dot(a: &[f32], b: &[f32]) -> f64 {
        a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
    }

    /// The weighted number of one place of the concatenation, read off the fused state.
    fn read(thalamus: &Thalamus, fused: &Fused, place: usize) -> f64 {
        let mut rule = vec![0.0; thalamus.layout.width()];
        rule[place] = 1.0;
        dot(&thalamus.embed(&rule), &fused.state.h)
    }

    #[test]
    fn a_narrow_state_is_as_wide_as_what_goes_in() {
        let layout = Layout::new(300);
        let narrow = Thalamus::new(ThalamusParams { width: 1 }, layout, 1, instruments(1, &instrument()));
        assert_eq!(narrow.width(), layout.width());
        assert_eq!(thalamus(1).width(), 128);
    }

    #[test]
    fn what_is_absent_is_told() {
        let mut thalamus = thalamus(1);
        let mut absent = |v: usize, schemas| {
            let message = perceived(sensed(), vec![0.5; v], Default::default(), schemas);
            thalamus.step(message).map(|fused| fused.state.absent)
        };
        assert_eq!(absent(0, 0), Ok(vec![Modality::Vision, Modality::Text, Modality::Memory]));
        assert_eq!(absent(VISION, 0), Ok(vec![Modality::Text, Modality::Memory]));
        assert_eq!(absent(VISION, 3), Ok(vec![Modality::Text]));
    }

    #[test]
    fn every_modality_reaches_the_state() {
        let mut thalamus = thalamus(7);
        let mut sample = sensed();
        sample.features[Feature::Imbalance1] = Some(0.75);
        let mut recall: [Recall; 3] = Default::default();
        recall[1] = Recall { reward_bp: Some(-2.0), confidence: 0.5, ..Recall::default() };
        let v = vec![0.1, 0.2, 0.3, 0.4, 0.5];
        let fused = thalamus.step(perceived(sample, v, recall, 9)).expect("a state");
        let layout = thalamus.layout;
        let imbalance = layout.price_index("imbalance_1").expect("a price number");
        let memory = layout.range(Modality::Memory).start;
        for (place, want) in
            [(3, 0.4), (imbalance, 0.75), (memory + 3, -2.0), (memory + 5, 0.5), (memory, 0.0)]
        {
            let got = read(&thalamus, &fused, place);
            assert!((got - want).abs() < 1e-4, "place {place}: {got} against {want}");
        }
    }

    #[test]
    fn what_breaks_the_state_is_a_fault() {
        let mut thalamus = thalamus(1);
        let mut fault = |v: Vec<f32>, recall| thalamus.step(perceived(sensed(), v, recall, 1)).err();
        assert!(fault(vec![0.0; VISION + 1], Default::default()).is_some());
        assert!(fault(vec![f32::NAN; VISION], Default::default()).is_some());
        let certain = Recall { reward_bp: Some(f32::INFINITY), ..Recall::default() };
        assert!(fault(vec![0.0; VISION], [certain, Recall::default(), Recall::default()]).is_some());
        assert!(fault(vec![0.0; VISION], Default::default()).is_none());
    }

    #[test]
    fn a_snapshot_restores() {
        let mut thalamus = thalamus(1);
        let bytes = thalamus.snapshot();
        assert_eq!(thalamus.restore(&bytes), Ok(()));
        assert!(thalamus.restore(&[1]).is_err());
    }

    proptest! {
        #[test]
        fn peeking_is_stepping_and_nothing_is_remembered(
            seed: u64,
            v in prop::collection::vec(-1.0f32..1.0, VISION),
            features in prop::collection::vec(prop::option::of(any::<f32>()), 14),
            startled: bool,
        ) {
            let mut thalamus = thalamus(seed);
            let mut sample = sensed();
            sample.features.0.copy_from_slice(&features);
            if startled {
                sample.kind = SampleKind::Startle(Startle::Gap);
            }
            let message = perceived(sample, v, Default::default(), 0);
            let before = thalamus.digest();
            let peeked = thalamus.peek(message.clone());
            let stepped = thalamus.step(message);
            prop_assert!(stepped.is_ok());
            prop_assert_eq!(peeked, stepped);
            prop_assert_eq!(thalamus.digest(), before);
        }

        #[test]
        fn a_rule_reads_the_same_from_the_state(
            seed: u64,
            rule in prop::collection::vec(-3.0f32..3.0, VISION + PRICE.len() + 9),
            v in prop::collection::vec(-1.0f32..1.0, VISION),
            imbalance in -1.0f32..1.0,
        ) {
            let mut thalamus = thalamus(seed);
            let mut sample = sensed();
            sample.features[Feature::Imbalance1] = Some(imbalance);
            let mut x = v.clone();
            x.resize(thalamus.layout.width(), 0.0);
            price::write(&sample, &instrument(), &mut x[VISION..VISION + PRICE.len()]);
            let fused = thalamus.step(perceived(sample, v, Default::default(), 0)).expect("a state");
            let size = dot(&rule, &rule).sqrt() * dot(&x, &x).sqrt();
            let read = dot(&thalamus.embed(&rule), &fused.state.h);
            prop_assert!((read - dot(&rule, &x)).abs() <= 2e-6 * size);
        }
    }
}
