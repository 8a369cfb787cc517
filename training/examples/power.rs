//! What skill a forecast of direction must have in truth before the bundled half hour can show it.
//!
//! `cargo run --release -p training --example power`. No network and no rule is judged here. The moves of the test
//! part keep their times; their directions are drawn anew, up with probability σ(a x), x normal, and a forecast says
//! σ(b a x): with b = 1 it is calibrated, above that too bold. The strength a is that at which its skill has a known
//! value in truth. Each draw goes through the block bootstrap that judges networks.

use market::Quantity;
use market::book::Book;
use market::features::FeatureState;
use market::feed::{Merge, OpenOptions};
use networks::Shape;
use synapse::Sensed;
use synapse::random::{normal, seed_for, uniform};
use thalamus::price::{PRICE, write};
use training::baselines::{Logistic, rule};
use training::batch::Standard;
use training::dataset::{DOWN, FLAT, Sample, Split, UP, counts, priors};
use training::evaluate::{Bootstrap, Forecast, Judge, Lo25};
use training::predicates::mlp::sigmoid;
use training::{Dataset, Protocol, Row};

/// The grid that the demo samples on.
const GRID_NS: i64 = 250_000_000;
/// So many numbers of the price stream are learned from, and this one is the imbalance.
const NUMBERS: usize = 11;
const IMBALANCE: usize = 4;
/// How often directions are drawn.
const WORLDS: u64 = 500;
/// Shares as in training, where as many moves go up as down.
const PRIORS: [f64; 3] = [0.04, 0.04, 0.92];

/// A forecast, and how the world is drawn.
#[derive(Clone, Copy)]
struct World {
    /// Its skill in truth.
    skill: f64,
    /// By how much it says more than is so.
    bold: f64,
    /// Whether each sample has a direction of its own, and not each move.
    by_sample: bool,
    /// As much data as so many half hours.
    half_hours: usize,
}

fn main() {
    let (dataset, split) = session();
    let classes: Vec<usize> = split.test.iter().map(|sample| sample.class).collect();
    let moves = moves(&classes);
    println!("{} samples see {} moves.\n", moves.len(), moves.last().map_or(0, |last| last + 1));
    println!("skill  bold  drawn for a  half hours  median (bound)  bound above 0  and skill at least .30");
    for bold in [1.0, 1.5, 2.0] {
        for skill in [0.30, 0.36, 0.45, 0.60] {
            told(World { skill, bold, by_sample: false, half_hours: 1 }, &classes, &moves);
        }
    }
    told(World { skill: 0.30, bold: 1.0, by_sample: true, half_hours: 1 }, &classes, &moves);
    for half_hours in [2, 4] {
        told(World { skill: 0.30, bold: 1.0, by_sample: false, half_hours }, &classes, &moves);
    }
    println!("\non the test part as it is:");
    let odds = up_odds(&dataset, &split);
    let said = |by: f64| -> Vec<f64> { odds.iter().map(|log_odds| sigmoid(by * log_odds)).collect() };
    let rows = [
        ("logistic regression", said(1.0)),
        ("the same, of half its log odds", said(0.5)),
        ("sign of the imbalance, calibrated on this very part", hindsight(&dataset, &split, &classes)),
    ];
    for (name, said) in rows {
        let Lo25 { value, lo25 } = judged(&classes, &said, priors(&split.train));
        println!("{name:<52} {value:>6.3} ({lo25:>6.3})");
    }
}

/// The bundled session as the demo samples it, without what it would hold, and its parts by the protocol of training.
fn session() -> (Dataset, Split) {
    let folder = support::session();
    let options = OpenOptions { instrument: Some("BTCUSD".to_owned()), ..OpenOptions::default() };
    let (mut book, mut features, mut tick_ns) = (Book::new(0), FeatureState::default(), i64::MIN);
    let mut dataset = Dataset::default();
    for event in Merge::open([(folder.to_str().expect("a path of text"), options)]) {
        if tick_ns == i64::MIN {
            tick_ns = event.time.next_multiple(GRID_NS).ns();
        }
        while tick_ns <= event.time.ns() {
            let features = features.sample(&book, Quantity::ZERO);
            let sensed = Sensed { features, top: book.top(), ..scenes::sensed() };
            let mut price = vec![0.0; PRICE.len()];
            write(&sensed, &scenes::instrument(), &mut price);
            price.truncate(NUMBERS);
            let mid2 = book.mark2().expect("two sides");
            dataset.rows.push(Row { time_ns: tick_ns, mid2, z: vec![0.0], price, ..Row::default() });
            tick_ns += GRID_NS;
        }
        let applied = book.apply(&event);
        features.on_event(&book, &event, applied);
    }
    let shape = Shape { features: 1, price_numbers: NUMBERS, ..Shape::default() };
    let split = dataset.split(&Protocol::default(), &shape).expect("parts");
    assert_eq!(counts(&split.test), [80, 150, 2600], "the test part of the bundled session");
    (dataset, split)
}

/// The log odds of up against down that logistic regression gives each test sample, as it is judged beside networks.
fn up_odds(dataset: &Dataset, split: &Split) -> Vec<f64> {
    let standard = Standard::of(dataset, &split.train, NUMBERS);
    let model = Logistic::fit(dataset, &split.train, &standard, None, &priors(&split.train));
    let forecast = |sample: &Sample| model.forecast(&dataset.rows[sample.row].price, &standard);
    split.test.iter().map(forecast).map(|p| libm::log(p[UP] / p[DOWN])).collect()
}

/// Of each sample that moves, which move it sees: neighbours that look at the same step of the mid agree.
fn moves(classes: &[usize]) -> Vec<usize> {
    let (mut before, mut count, mut moves) = (FLAT, 0, Vec::new());
    for &class in classes {
        count += usize::from(class != FLAT && class != before);
        if class != FLAT {
            moves.push(count - 1);
        }
        before = class;
    }
    moves
}

/// Draws worlds and tells how the forecast is judged in them.
fn told(of: World, classes: &[usize], moves: &[usize]) {
    let World { skill, bold, by_sample, half_hours } = of;
    let strength = strength(skill, bold);
    let mut figures: Vec<Lo25> = (0..WORLDS)
        .map(|world| {
            let [signal, direction] = ["signal", "direction"].map(|what| seed_for(world, what));
            let (mut drawn, mut said, mut moving) = (Vec::new(), Vec::new(), moves.iter().cycle());
            for (i, class) in classes.iter().cycle().take(half_hours * classes.len()).enumerate() {
                let its = if *class == FLAT { None } else { moving.next() };
                let which =
                    its.map_or(0, |at| if by_sample { i } else { i / classes.len() * moves.len() + at });
                let log_odds = strength * normal(signal, which as u64);
                let is_up = uniform(direction, which as u64) < sigmoid(log_odds);
                let way = if is_up { UP } else { DOWN };
                drawn.push(if *class == FLAT { FLAT } else { way });
                said.push(sigmoid(bold * log_odds));
            }
            judged(&drawn, &said, PRIORS)
        })
        .collect();
    let share = |test: &dyn Fn(&Lo25) -> bool| {
        100.0 * figures.iter().filter(|figure| test(figure)).count() as f64 / figures.len() as f64
    };
    let above = share(&|figure| figure.lo25 > 0.0);
    let passes = share(&|figure| figure.lo25 > 0.0 && figure.value >= 0.30);
    let mut median = |of: fn(&Lo25) -> f64| {
        figures.sort_by(|a, b| of(a).total_cmp(&of(b)));
        of(&figures[figures.len() / 2])
    };
    let [value, bound] = [median(|figure| figure.value), median(|figure| figure.lo25)];
    let drawn = if by_sample { "sample" } else { "move" };
    println!(
        "{skill:>5.2}  {bold:>4.1}  {drawn:<11}  {half_hours:>10}  {value:>6.3} ({bound:>6.3})  {above:>11.0} %  {passes:>20.0} %"
    );
}

/// The skill in direction of a forecast of up among what moves, as networks are judged.
fn judged(classes: &[usize], up: &[f64], priors: [f64; 3]) -> Lo25 {
    let (none, bootstrap) = (vec![0; classes.len()], Bootstrap::default());
    let judge = Judge { classes, rule: &none, priors, bootstrap: &bootstrap };
    let said = up.iter().map(|p| [p / 2.0, (1.0 - p) / 2.0, 0.5]).collect();
    judge.figures(&Forecast::of(said, &priors)).direction_skill.expect("probabilities have a skill")
}

/// The strength a at which what a forecast says, σ(b a x), has that skill in a world of σ(a x).
fn strength(skill: f64, bold: f64) -> f64 {
    let surprise = |log_odds: f64| {
        let (p, said) = (sigmoid(log_odds), sigmoid(bold * log_odds));
        -p * libm::log(said.max(1e-300)) - (1.0 - p) * libm::log((1.0 - said).max(1e-300))
    };
    let skill_of = |a: f64| {
        let grid = (-800..=800).map(|i| f64::from(i) / 100.0);
        let [sum, weight] = grid.fold([0.0; 2], |[sum, weight], x| {
            let density = libm::exp(-x * x / 2.0);
            [sum + density * surprise(a * x), weight + density]
        });
        1.0 - sum / weight / std::f64::consts::LN_2
    };
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..60 {
        let middle = (low + high) / 2.0;
        if skill_of(middle) < skill { low = middle } else { high = middle }
    }
    low
}

/// What the sign of the imbalance says when its two probabilities are those of the test part: no forecast that knows this
/// sign alone can have more skill.
fn hindsight(dataset: &Dataset, split: &Split, classes: &[usize]) -> Vec<f64> {
    let signs = rule(dataset, &split.test, IMBALANCE);
    let mut counts = [[0.0; 2]; 2];
    let moved = classes.iter().zip(&signs).filter(|(class, _)| **class != FLAT);
    moved.for_each(|(class, sign)| counts[usize::from(*sign > 0)][*class] += 1.0);
    let up = counts.map(|count| count[UP] / (count[UP] + count[DOWN]));
    signs.iter().map(|sign| up[usize::from(*sign > 0)]).collect()
}
