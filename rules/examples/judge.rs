//! Judges a formula over truths that stand on standard input, for the comparison with other libraries.
//!
//! The first line is the file of rules, with `\n` for line ends; then a line a world: the truths of each
//! order's learned predicates in the order of their declaration, orders parted by `;`. For each world the
//! product and the Łukasiewicz truth of every rule is printed. `--time N` judges all worlds N times
//! instead and prints nanoseconds a world.

use std::io::BufRead;
use std::time::Instant;

use rules::{Judgement, OrderFacts, RuleSet, Sort, World};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let times = match (arguments.next().as_deref(), arguments.next()) {
        (Some("--time"), Some(times)) => Some(times.parse::<u32>().expect("a number of times")),
        (None, _) => None,
        _ => panic!("usage: judge [--time N]"),
    };
    let mut lines = std::io::stdin().lock().lines().map(|line| line.expect("text"));
    let text = lines.next().expect("a file of rules").replace("\\n", "\n");
    let rules = RuleSet::compile("stdin", &text).unwrap_or_else(|e| panic!("{e}"));
    let worlds: Vec<World> = lines.map(|line| world(&rules, &line)).collect();
    let mut judgement = Judgement::default();
    let Some(times) = times else {
        for world in &worlds {
            rules.judge(world, &mut judgement);
            let truths = judgement.verdicts.iter().map(|v| format!("{:e} {:e}", v.product, v.lukasiewicz));
            println!("{}", truths.collect::<Vec<_>>().join(" "));
        }
        return;
    };
    let mut fastest = f64::INFINITY;
    for _ in 0..times {
        let began = Instant::now();
        for world in &worlds {
            rules.judge(std::hint::black_box(world), &mut judgement);
            std::hint::black_box(&judgement);
        }
        fastest = fastest.min(began.elapsed().as_nanos() as f64 / worlds.len() as f64);
    }
    println!("{fastest}");
}

fn world(rules: &RuleSet, line: &str) -> World {
    let mut world = World::new(rules, 0);
    for (row, truths) in line.split(';').enumerate() {
        world.push_order(&OrderFacts::default());
        for (learned, truth) in truths.split_whitespace().enumerate() {
            world.set_learned(learned, Sort::Order, row, truth.parse().expect("a truth"));
        }
    }
    world
}
