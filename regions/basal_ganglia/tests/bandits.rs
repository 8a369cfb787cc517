//! Opponent learning on bandits shows what the literature reports of dopamine, and what it is good for.
//!
//! Every claim is a paired z-test over seeds: a difference within a seed, its mean over seeds in
//! standard errors of that mean, standard normal if there were no difference. What is claimed has to be
//! beyond 3.29, which happens by chance once in 2,000 times (one side). Both sides of a difference meet
//! the same luck.

use basal_ganglia::opal::{Choosing, Dopamine, Learning, Opal};
use synapse::random::{seed_for, uniform};

const SIGNIFICANT: f64 = 3.29;
/// Annealing as in OpAL*.
const ANNEALING: f64 = 500.0;
const DYNAMIC: Dopamine = Dopamine::Dynamic { gain: 20.0, deviations: 1.0 };

/// Two arms and how often each pays.
const RICH: [f64; 2] = [0.8, 0.7];
const LEAN: [f64; 2] = [0.3, 0.2];

/// What an agent draws its choices and a bandit its rewards from.
struct Luck {
    choices: u64,
    rewards: u64,
}

impl Luck {
    fn of(seed: u64) -> Self {
        Self { choices: seed_for(seed, "choices"), rewards: seed_for(seed, "rewards") }
    }

    fn choice(&self, trial: u64, policy: &[f64]) -> usize {
        let mut left = uniform(self.choices, trial);
        let drawn = policy.iter().position(|p| {
            left -= p;
            left <= 0.0
        });
        drawn.unwrap_or(policy.len() - 1)
    }

    fn reward(&self, trial: u64, pays: f64) -> f64 {
        f64::from(u8::from(uniform(self.rewards, trial) <= pays))
    }
}

fn learning(go: f64, no_go: f64) -> Learning {
    Learning { worst: 0.0, best: 1.0, critic: 0.0, go, no_go, annealing: Some(ANNEALING) }
}

fn agent(actions: usize, rate: f64, inverse_temperature: f64, dopamine: Dopamine) -> Opal {
    Opal::new(actions, learning(rate, rate), Choosing { inverse_temperature, dopamine })
}

/// Lets an agent play, and tells how often it took the first arm.
fn play(agent: &mut Opal, pays: &[f64], trials: u64, luck: &Luck) -> f64 {
    let mut first = 0;
    for trial in 0..trials {
        let arm = luck.choice(trial, &agent.policy());
        agent.learn(arm, luck.reward(trial, pays[arm])).expect("a reward");
        first += u32::from(arm == 0);
    }
    f64::from(first) / trials as f64
}

/// The same of an actor that learns from both signs of δ alike, in no proportion to itself, beside the
/// same critic: A += α δ, Act = 2 β A.
fn play_without_opponents(
    rate: f64,
    inverse_temperature: f64,
    pays: &[f64; 2],
    trials: u64,
    luck: &Luck,
) -> f64 {
    let (mut actor, mut critic, mut first) = ([0.0; 2], 0.5, 0);
    for trial in 0..trials {
        let apart: f64 = 2.0 * inverse_temperature * (actor[1] - actor[0]);
        let takes_first = 1.0 / (1.0 + apart.exp());
        let arm = luck.choice(trial, &[takes_first, 1.0 - takes_first]);
        let error = luck.reward(trial, pays[arm]) - critic;
        actor[arm] += rate * error;
        critic += error / (trial as f64 + 3.0);
        first += u32::from(arm == 0);
    }
    f64::from(first) / trials as f64
}

/// The mean of differences, one a seed, and that in its standard errors.
fn paired(seeds: u64, difference: impl Fn(u64) -> f64) -> (f64, f64) {
    let differences: Vec<f64> = (0..seeds).map(difference).collect();
    let n = seeds as f64;
    let mean = differences.iter().sum::<f64>() / n;
    let variance = differences.iter().map(|d| (d - mean) * (d - mean)).sum::<f64>() / (n - 1.0);
    (mean, mean / (variance / n).sqrt())
}

fn assert_above(what: &str, (mean, z): (f64, f64)) {
    println!("{what}: {mean:.4} on average, z = {z:.1}");
    assert!(z > SIGNIFICANT, "{what}: {mean} on average, z = {z}");
}

/// The three pairs of Frank, Seeberger and O'Reilly: A and B pay 80 and 20 times of 100, C and D 70 and
/// 30, E and F 60 and 40. Both of a pair are met equally often, so that what differs is what the actors
/// learned and not what was tried; then A and B are offered against the four others: how much more
/// surely A is chosen than B is avoided.
fn choose_a_over_avoid_b(learning: Learning, dopamine: Dopamine, seed: u64) -> f64 {
    let choosing = Choosing { inverse_temperature: 1.0, dopamine };
    let drives: Vec<[f64; 2]> = [[0.8, 0.2], [0.7, 0.3], [0.6, 0.4]]
        .iter()
        .zip(["AB", "CD", "EF"])
        .map(|(pays, pair)| {
            let mut agent = Opal::new(2, learning, choosing);
            let luck = Luck::of(seed_for(seed, pair));
            for trial in 0..80 {
                let arm = (trial % 2) as usize;
                agent.learn(arm, luck.reward(trial, pays[arm])).expect("a reward");
            }
            let drives = agent.drives();
            [drives[0], drives[1]]
        })
        .collect();
    let [a, b] = drives[0];
    let others = drives[1..].iter().flatten();
    let over = |x: f64, y: f64| 1.0 / (1.0 + (y - x).exp());
    others.map(|&other| over(a, other) - over(other, b)).sum::<f64>() / 4.0
}

/// Frank, Seeberger and O'Reilly 2004, "By carrot or by stick", Science 306: patients on medication,
/// with much dopamine, choose what was good; off it they avoid what was bad.
#[test]
fn much_dopamine_at_choice_finds_the_good_and_little_the_bad() {
    let at = |level: f64| {
        paired(400, |seed| choose_a_over_avoid_b(learning(0.1, 0.1), Dopamine::Fixed(level), seed))
    };
    assert_above("much dopamine", at(0.6));
    let (mean, z) = at(-0.6);
    assert_above("little dopamine", (-mean, -z));
    let (mean, z) = at(0.0);
    assert!(z.abs() < SIGNIFICANT, "both actors alike: {mean} on average, z = {z}");
}

/// The same where dopamine shifts how fast the actors learn: bursts teach Go, dips teach No-Go (Frank,
/// Seeberger and O'Reilly 2004; Collins and Frank 2014).
#[test]
fn go_learns_what_is_good_and_no_go_what_is_bad() {
    let with = |go, no_go| {
        paired(400, |seed| choose_a_over_avoid_b(learning(go, no_go), Dopamine::Fixed(0.0), seed))
    };
    assert_above("a quick Go", with(0.4, 0.1));
    let (mean, z) = with(0.1, 0.4);
    assert_above("a quick No-Go", (-mean, -z));
}

/// Jaskir and Frank 2023: No-Go tells apart what seldom pays, Go what often does; the product rule
/// makes each actor finest where most outcomes are its own.
#[test]
fn no_go_tells_a_lean_world_apart_and_go_a_rich_one() {
    let go_over_no_go = |pays: &[f64; 2]| {
        paired(1000, |seed| {
            let mut agent = agent(2, 0.3, 1.0, Dopamine::Fixed(0.0));
            play(&mut agent, pays, 200, &Luck::of(seed));
            let first_by = |level| agent.clone().with_dopamine(Dopamine::Fixed(level)).policy()[0];
            first_by(1.0) - first_by(-1.0)
        })
    };
    assert_above("by Go in a rich world", go_over_no_go(&RICH));
    let (mean, z) = go_over_no_go(&LEAN);
    assert_above("by No-Go in a lean world", (-mean, -z));
}

/// Jaskir and Frank 2023: dopamine that follows how rich the world is makes better choices in lean and
/// in rich worlds, over a range of rates and temperatures, of which each seed draws its own from a
/// logarithmic scale. A level that goes against the world, with the same gain, does worse: it matters
/// which actor is heard. How surely one chooses matters too: at the best settings of each the models are
/// close, and an agent that hears both actors louder by as much, β (1 + |ρ|) (G − N), is ahead by 0.02.
#[test]
fn dopamine_that_follows_the_world_chooses_better() {
    let against_the_world = Dopamine::Dynamic { gain: -20.0, deviations: 1.0 };
    let drawn = |seed: u64, what: &str, least: f64, most: f64| {
        least * (most / least).powf(uniform(seed_for(seed, what), 0))
    };
    for (world, pays) in [("rich", &RICH), ("lean", &LEAN)] {
        let over = |other: &dyn Fn(f64, f64, &Luck) -> f64| {
            paired(3000, |seed| {
                let (rate, beta) = (drawn(seed, "rate", 0.05, 0.5), drawn(seed, "beta", 0.25, 8.0));
                let luck = Luck::of(seed);
                play(&mut agent(2, rate, beta, DYNAMIC), pays, 100, &luck) - other(rate, beta, &luck)
            })
        };
        let at = |dopamine| {
            move |rate, beta, luck: &Luck| play(&mut agent(2, rate, beta, dopamine), pays, 100, luck)
        };
        let plain = |rate, beta, luck: &Luck| play_without_opponents(rate, beta, pays, 100, luck);
        assert_above(&format!("{world}, over a fixed level"), over(&at(Dopamine::Fixed(0.0))));
        assert_above(&format!("{world}, over the wrong level"), over(&at(against_the_world)));
        assert_above(&format!("{world}, over no opponents"), over(&plain));
    }
}

/// St. Onge and Floresco 2009 (Neuropsychopharmacology 34) in rats, Rutledge et al. 2015 (Journal of
/// Neuroscience 35) in people: dopamine raises how often a gamble is taken. Here it is one of even
/// odds, against keeping what one has; only a gamble that is taken teaches.
#[test]
fn more_dopamine_takes_more_risk() {
    let gambles = |level: f64, seed: u64| {
        let luck = Luck::of(seed);
        let mut agent = agent(1, 0.3, 1.0, Dopamine::Fixed(level));
        let mut taken = 0;
        for trial in 0..100 {
            let takes = 1.0 / (1.0 + (-agent.drives()[0]).exp());
            if luck.choice(trial, &[takes, 1.0 - takes]) == 0 {
                agent.learn(0, luck.reward(trial, 0.5)).expect("a reward");
                taken += 1;
            }
        }
        f64::from(taken) / 100.0
    };
    for (less, more) in [(-0.5, 0.0), (0.0, 0.5)] {
        let shift = paired(400, |seed| gambles(more, seed) - gambles(less, seed));
        assert_above(&format!("from dopamine of {less} to {more}"), shift);
    }
}
