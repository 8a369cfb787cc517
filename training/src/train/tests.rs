use std::cell::Cell;

use synapse::Modality;
use synapse::random::{normal, seed_for};

use super::*;
use crate::dataset::{Row, Sample};
use crate::fit::Tensors;

/// 600 rows whose mid follows the sign of the first price number; two of three recall something, of one scale an action's
/// number, and one of three has a headline.
fn dataset() -> Dataset {
    let (seed, mut mid2) = (seed_for(3, "school"), 2_000_000);
    let row = |i: usize| {
        let signal = normal(seed, i as u64);
        let row = Row {
            time_ns: i as i64 * 250_000_000,
            mid2,
            z: vec![normal(seed, 10_000 + i as u64) as f32],
            price: vec![(100.0 + 7.0 * signal) as f32, 5.0],
            recall: if i.is_multiple_of(3) {
                Vec::new()
            } else {
                vec![signal as f32, 0.01, 0.0, 50.0, -signal as f32, 0.02]
            },
            headline: (i % 3 == 1).then_some((i % 2) as u32),
        };
        mid2 += if signal.abs() < 0.5 { 0 } else { 200 * signal.signum() as i64 };
        row
    };
    Dataset { rows: (0..600).map(row).collect(), headlines: vec![vec![0.5; 4], vec![-0.5; 4]] }
}

fn plan() -> Plan {
    let shape = Shape {
        features: 1,
        window: 4,
        patch: 2,
        stride: 2,
        frames: 2,
        width: 8,
        price_numbers: 2,
        price_window: 2,
        text: 4,
        memory: 6,
        ..Shape::default()
    };
    let rates = crate::adamw::Rates { rate: 0.01, warmup_steps: 5, ..Default::default() };
    let fitting =
        Fitting { rates, batch: 32, epochs: 4, patience: 4, bag_block: Some(20), ..Fitting::default() };
    let protocol = Protocol { horizon_ns: 250_000_000, skip_rows: 8, ..Protocol::default() };
    let bootstrap = Bootstrap { block: 20, draws: 200, seed: 1 };
    let odd = Some(Odd { features: vec![true], price: vec![true, false] });
    Plan {
        shape,
        protocol,
        fitting,
        seeds: vec![1, 2],
        odd,
        rule_number: 0,
        bootstrap,
        state: None,
        rules: None,
    }
}

fn run(plan: &Plan, stop_after: usize) -> (Result<Trained, TrainError>, Vec<Progress>) {
    let (epochs, mut told) = (Cell::new(0), Vec::new());
    let mut progress = |p: Progress| {
        epochs.set(epochs.get() + 1);
        told.push(p);
    };
    let trained = train(&dataset(), plan, &mut progress, &|| epochs.get() >= stop_after);
    (trained, told)
}

#[test]
fn it_learns_what_the_price_says_and_beats_chance() {
    let (trained, told) = run(&plan(), usize::MAX);
    let report = trained.expect("trained").report;
    // until it is known when to stop, and then again
    let epochs = report.seeds.iter().map(|seed| seed.epochs + seed.best_epoch).sum::<u32>();
    assert!(report.finished && told.len() == epochs as usize, "{told:?}");
    assert!(told[3].loss < told[0].loss, "{told:?}");
    assert!(report.test.figures.ba.value > 0.9, "{report:?}");
    assert!(report.test.figures.three_class_skill.is_some_and(|skill| skill.lo5 > 0.1), "{report:?}");
    let best = report.seeds.iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss));
    assert_eq!(best.map(|seed| seed.seed), Some(report.chosen_seed));
    assert_eq!(report.baselines["majority"].ba.value, 0.5);
    assert!(report.baselines["logistic_regression"].ba.value > 0.9, "{report:?}");
    let hits = report.rule;
    assert_eq!(hits.true_up + hits.missed_up, report.test.up);
    assert_eq!(hits.true_down + hits.missed_down, report.test.down);
    let json = serde_json::to_value(&report).expect("JSON");
    for key in ["up", "down", "flat", "d", "ba", "three_class_skill", "direction_skill"] {
        assert!(!json["test"][key].is_null(), "{key}: {json}");
    }
    assert!(json["baselines"]["last_move"].get("three_class_skill").is_none());
}

#[test]
fn interrupted_and_resumed_is_uninterrupted() {
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, whole_told) = run(&plan(), usize::MAX);
    let kept = Plan { state: Some(folder.path().join("state")), ..plan() };
    let mut told = Vec::new();
    for part in 0..3 {
        let (stopped, progress) = run(&kept, 2);
        assert!(!stopped.expect("judged as it stands").report.finished, "part {part}");
        told.extend(progress);
    }
    let (resumed, progress) = run(&kept, usize::MAX);
    told.extend(progress);
    assert_eq!(told, whole_told);
    assert_eq!(resumed.expect("trained"), whole.expect("trained"));
}

#[test]
fn a_state_of_something_else_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state");
    let kept = Plan { state: Some(path.clone()), ..plan() };
    assert!(matches!(run(&kept, 0).0, Err(TrainError::Stopped)));
    run(&kept, 1).0.expect("trained");
    let other = Plan { seeds: vec![7], ..kept.clone() };
    let error = run(&other, 1).0.expect_err("another plan").to_string();
    assert!(error.contains("another data set or plan"), "{error}");
    let bytes = std::fs::read(&path).expect("a state");
    std::fs::write(&path, &bytes[..bytes.len() - 9]).expect("cut off");
    let error = run(&kept, 1).0.expect_err("cut off").to_string();
    assert!(error.contains("damaged"), "{error}");
}

/// A rule that forbids to act where the signal is strong: there the spread is wide.
fn felt(weight: f64) -> Plan {
    let text = "learned chosen over orders \"the share of its side\"\nsoft rule narrow:\n    \
                forall o in orders: spread(o.instrument) > 2 bp => not chosen(o)\n";
    let wide = |row: &Row| Some(if (row.price[0] - 100.0).abs() > 7.0 { 4.0 } else { 1.0 });
    let spread_bp = dataset().rows.iter().map(wide).collect();
    let (file, text) = ("felt.ltn".to_owned(), text.to_owned());
    Plan { rules: Some(RulePlan { file, text, weight, spread_bp, ..RulePlan::default() }), ..plan() }
}

#[test]
fn the_more_a_rule_weighs_the_less_it_is_violated() {
    let of = |weight: f64| run(&felt(weight), usize::MAX).0.expect("trained").report;
    let [none, some, much] = [0.0, 2.0, 8.0].map(of);
    let [free, felt, held] = [&none, &some, &much].map(|report| {
        let rules = report.rules.as_ref().expect("rules");
        assert_eq!((rules.file.as_str(), rules.hash.len()), ("felt.ltn", 64));
        1.0 - rules.kept["narrow"]
    });
    eprintln!("violation {free:.3}, {felt:.3}, {held:.3}");
    assert!(felt < 0.8 * free && held < 0.8 * felt, "{free}, {felt}, {held}");
    let three = |report: &Report| report.test.figures.three_class_skill.expect("a skill").value;
    assert!(three(&much) < three(&none), "a rule that forbids what is so costs skill");
}

#[test]
fn a_rule_without_weight_changes_no_byte_and_one_with_weight_is_remembered() {
    let folder = tempfile::tempdir().expect("a folder");
    let trained = |name: &str, plan: Plan, epochs: usize| {
        let state = folder.path().join(name);
        let trained = run(&Plan { state: Some(state.clone()), ..plan }, epochs).0;
        (trained.map(|trained| trained.weights), std::fs::read(state).expect("a state"))
    };
    let (none, none_state) = trained("none", plan(), 3);
    let (light, light_state) = trained("light", felt(0.0), 3);
    assert!(none_state == light_state && none.expect("trained") == light.expect("trained"));
    let (_, one) = trained("weighty", felt(1.0), 3);
    assert!(one != none_state);
    let (other, kept) = trained("weighty", felt(2.0), 9);
    assert!(other.expect_err("another weight").to_string().contains("another data set or plan"));
    assert!(kept == one, "what was kept stays");
    let (_, resumed) = trained("weighty", felt(1.0), 1);
    assert!(resumed != one, "the same rules go on");
}

#[test]
fn plans_that_cannot_be_are_refused() {
    let refused = |spoil: fn(&mut Plan)| {
        let mut plan = plan();
        spoil(&mut plan);
        run(&plan, 1).0.expect_err("refused").to_string()
    };
    assert!(refused(|plan| plan.seeds.clear()).contains("0 seeds"));
    assert!(refused(|plan| plan.rule_number = 2).contains("rule_number is 2, but must be below 2"));
    assert!(
        refused(|plan| plan.odd = Some(Odd { features: vec![], price: vec![] }))
            .contains("odd tells of [0, 0]")
    );
    assert!(refused(|plan| plan.fitting.modality_dropout = 1.0).contains("modality_dropout is 1"));
    assert!(refused(|plan| plan.protocol.train_percent = 100).contains("shares below 100 %"));
    assert!(refused(|plan| plan.shape.patch = 3).contains("window"));
}

#[test]
fn what_is_given_takes_price_rows_as_they_are() {
    let (plan, data) = (plan(), dataset());
    let split = data.split(&plan.protocol, &plan.shape).expect("parts");
    let standard = Standard::of(&data, &split.train, 2);
    let mut folded = Course::new(&plan.shape, 1, &[0.3, 0.3, 0.4]).expect("a course").pupil.tensors;
    let plain = folded.clone();
    standard.fold(&mut folded);
    let embed = |tensors: &Tensors, x: &[f64]| -> Vec<f64> {
        let rows = tensors["price.embed.weight"].chunks_exact(2).zip(&tensors["price.embed.bias"]);
        rows.map(|(w, b)| f64::from(*b) + w.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum::<f64>())
            .collect()
    };
    for row in &data.rows {
        let raw: Vec<f64> = row.price.iter().map(|x| f64::from(*x)).collect();
        let standardised: Vec<f64> = standard.apply(&row.price).collect();
        let (got, want) = (embed(&folded, &raw), embed(&plain, &standardised));
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-4), "{got:?}, not {want:?}");
    }
    let sums = |tensors: &Tensors, name: &str, recall: &[f64]| -> Vec<f64> {
        let weight = &tensors[name];
        let memory =
            |row: &[f32]| row[row.len() - 6..].iter().zip(recall).map(|(w, x)| f64::from(*w) * x).sum();
        weight.chunks_exact(weight.len() / plan.shape.width).map(memory).collect()
    };
    let recall = [2.0, 0.01, 0.0, 50.0, -2.0, 0.02].map(f64::from);
    let scales = standard.recall.clone();
    assert!(
        scales[0] == scales[2] && scales[1] == scales[3] && scales[1] > 20.0 && scales[0] < 1.0,
        "{scales:?}"
    );
    let scaled: Vec<f64> = recall.iter().zip(&scales).map(|(x, scale)| x / scale).collect();
    for name in ["fusion.m.weight", "fusion.gate.weight"] {
        let (got, want) = (sums(&folded, name, &recall), sums(&plain, name, &scaled));
        assert!(got.iter().zip(&want).all(|(g, w)| (g - w).abs() < 1e-4), "{name}: {got:?}, not {want:?}");
    }
    let mean = data.rows.iter().map(|row| standard.apply(&row.price).sum::<f64>()).sum::<f64>() / 600.0;
    assert!(mean.abs() < 0.1, "{mean}");
}

#[test]
fn a_batch_shows_what_is_there_and_mirrors_what_is_remembered() {
    let (plan, data) = (plan(), dataset());
    let split = data.split(&plan.protocol, &plan.shape).expect("parts");
    let standard = Standard::of(&data, &split.train, 2);
    let numbers = Numbers::new(&data, &plan.shape, &standard, plan.odd.as_ref());
    let samples: Vec<Sample> = split.train[..6].iter().flat_map(|s| [*s, s.mirror()]).collect();
    let batch = numbers.batch(&samples, |_, _| true).expect("a batch");
    let rows = |x: &candle_core::Tensor| x.to_vec2::<f32>().expect("rows");
    let (memory, text) = (batch.input.memory.expect("memory"), batch.input.text.expect("text"));
    let (recalls, remembers) = (rows(&memory.numbers), rows(&memory.present));
    let (texts, reads) = (rows(&text.numbers), rows(&text.present));
    for (at, sample) in samples.iter().enumerate() {
        let row = &data.rows[sample.row];
        let scaled: Vec<f32> = standard.scale_recall(&row.recall);
        let want = match (scaled.as_slice(), sample.mirrored) {
            ([], _) => vec![0.0; 6],
            ([a, b, c, d, rest @ ..], true) => [&[*c, *d, *a, *b], rest].concat(),
            (as_it_is, _) => as_it_is.to_vec(),
        };
        assert_eq!((&recalls[at], remembers[at][0]), (&want, f32::from(u8::from(!row.recall.is_empty()))));
        let headline = row.headline.filter(|_| !sample.mirrored);
        let want = headline.map_or(&[0.0; 4][..], |at| &data.headlines[at as usize]);
        assert_eq!((&*texts[at], reads[at][0]), (want, f32::from(u8::from(headline.is_some()))));
    }
    let blind = numbers.batch(&samples, |_, modality| modality == Modality::Vision).expect("a batch").input;
    let shown = [blind.text, blind.memory].map(|shown| rows(&shown.expect("a modality").present).concat());
    assert!(shown.concat().iter().all(|present| *present == 0.0));
}

#[test]
fn a_bag_holds_blocks_of_what_it_is_drawn_from_and_what_is_learned_is_learned_again_from_one() {
    let (plan, data) = (plan(), dataset());
    let split = data.split(&plan.protocol, &plan.shape).expect("parts");
    let course = |seed| Course::new(&plan.shape, seed, &[0.3, 0.3, 0.4]).expect("a course");
    let fit = &split.train[split.fit.clone()];
    let rows =
        |seed| course(seed).bag(fit, &plan.fitting).iter().map(|sample| sample.row).collect::<Vec<_>>();
    let [one, two] = [1, 2].map(rows);
    assert!(one.len() == fit.len() && one != two && one == rows(1));
    assert!(one.iter().all(|row| (fit[0].row..=fit[fit.len() - 1].row).contains(row)));
    let breaks = one.windows(2).filter(|two| two[1] != two[0] + 1).count();
    assert!(breaks < fit.len().div_ceil(20), "blocks of 20: {breaks} breaks");
    let plain = Fitting { bag_block: None, ..plan.fitting.clone() };
    assert_eq!(course(1).bag(fit, &plain), fit);

    let standard = Standard::of(&data, &split.train, 2);
    let numbers = Numbers::new(&data, &plan.shape, &standard, plan.odd.as_ref());
    let (train, validation) = (&split.train[..], split.validation.clone());
    let lessons = Lessons {
        shape: &plan.shape,
        numbers: &numbers,
        train,
        fit: split.fit.clone(),
        validation,
        rules: None,
    };
    let mut learner = course(1);
    while !learner.is_over(&plan.fitting) {
        learner.run_epoch(&lessons, &plan.fitting).expect("an epoch");
    }
    let (best, learned) = (learner.best.clone().expect("a best"), learner.learned().expect("learned"));
    assert_eq!((best.epoch, best.validation_loss), (learned.epoch, learned.validation_loss));
    assert_ne!(best.tensors, learned.tensors);
}

#[test]
fn what_only_the_test_part_has_is_not_taught_and_not_shown() {
    let (plan, mut data) = (Plan { seeds: vec![1], ..plan() }, dataset());
    let taught = |data: &Dataset| train(data, &plan, &mut |_| {}, &|| false).expect("trained");
    assert_eq!(taught(&data).modalities, Modality::ALL);
    let cut_ns = data.split(&plan.protocol, &plan.shape).expect("parts").cut_ns;
    for row in data.rows.iter_mut().filter(|row| row.time_ns < cut_ns) {
        (row.recall, row.headline) = (Vec::new(), None);
    }
    let late = taught(&data);
    for row in &mut data.rows {
        (row.recall, row.headline) = (Vec::new(), None);
    }
    let never = taught(&data);
    assert_eq!(late.modalities, [Modality::Vision, Modality::Price]);
    assert_eq!(late, never, "it judges no forecast by what it does not know");
}
