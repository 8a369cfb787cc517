//! Both soft logics and their gradients over random formulas of learned predicates.

use proptest::prelude::*;
use rules::{Bp, InstrumentRow, Judgement, Kleene, Number, OrderFacts, RuleId, RuleSet, Sort, World};
use support::golden;

/// A formula of three learned predicates, as text.
fn formula() -> impl Strategy<Value = String> {
    let atom = prop::sample::select(vec!["a(o)", "b(o)", "c(o)"]).prop_map(str::to_owned);
    atom.prop_recursive(4, 24, 2, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            inner.prop_map(|x| format!("not ({x})")),
            pair.clone().prop_map(|(x, y)| format!("({x}) and ({y})")),
            pair.clone().prop_map(|(x, y)| format!("({x}) or ({y})")),
            pair.prop_map(|(x, y)| format!("({x}) => ({y})")),
        ]
    })
}

fn compile(quantifier: &str, formula: &str, p: f64) -> RuleSet {
    let text = format!(
        "aggregation p = {p}\nlearned a\nlearned b\nlearned c\nsoft rule r: {quantifier} o in orders: {formula}\n"
    );
    RuleSet::compile("t.ltn", &text).unwrap_or_else(|e| panic!("{text}\n{e}"))
}

fn world(rules: &RuleSet, truths: &[[f64; 3]]) -> World {
    let mut world = World::new(rules, 0);
    for (row, of) in truths.iter().enumerate() {
        world.push_order(&OrderFacts::default());
        for (learned, truth) in of.iter().enumerate() {
            world.set_learned(learned, Sort::Order, row, *truth);
        }
    }
    world
}

fn truths() -> impl Strategy<Value = Vec<[f64; 3]>> {
    prop::collection::vec([0.0f64..=1.0, 0.0f64..=1.0, 0.0f64..=1.0], 1..4)
}

fn corners() -> impl Strategy<Value = Vec<[f64; 3]>> {
    prop::collection::vec(any::<[bool; 3]>(), 1..4)
        .prop_map(|rows| rows.iter().map(|row| row.map(|b| f64::from(u8::from(b)))).collect())
}

fn quantifier() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["forall", "exists"])
}

proptest! {
    #[test]
    fn soft_truths_keep_to_their_range(
        formula in formula(), quantifier in quantifier(), truths in truths(), p in 1.0f64..6.0,
    ) {
        let rules = compile(quantifier, &formula, p);
        let tree = rules.explain(RuleId(0), &world(&rules, &truths));
        prop_assert!((0.0..=1.0).contains(&tree.truths.product), "{tree}");
        prop_assert!((0.0..=1.0).contains(&tree.truths.lukasiewicz), "{tree}");
    }

    #[test]
    fn both_logics_agree_with_the_crisp_one_at_the_corners(
        formula in formula(), quantifier in quantifier(), truths in corners(),
    ) {
        // an exponent of 1 moves a truth by no more than the ε of each connective
        let rules = compile(quantifier, &formula, 1.0);
        let one: Vec<[f64; 3]> = truths.into_iter().take(1).collect();
        let tree = rules.explain(RuleId(0), &world(&rules, &one));
        let crisp = tree.truths.crisp.degree();
        prop_assert!(tree.truths.crisp != Kleene::Unknown);
        prop_assert_eq!(tree.truths.lukasiewicz, crisp, "{}", tree);
        prop_assert!((tree.truths.product - crisp).abs() < 0.02, "{tree}");
    }

    #[test]
    fn de_morgan_holds_in_both_logics(x in formula(), y in formula(), truths in truths()) {
        let one: Vec<[f64; 3]> = truths.into_iter().take(1).collect();
        let of = |formula: &str| {
            let rules = compile("forall", formula, 2.0);
            rules.explain(RuleId(0), &world(&rules, &one)).truths
        };
        let left = of(&format!("not (({x}) and ({y}))"));
        let right = of(&format!("not ({x}) or not ({y})"));
        prop_assert!((left.product - right.product).abs() < 1e-12);
        prop_assert!((left.lukasiewicz - right.lukasiewicz).abs() < 1e-12);
    }

    #[test]
    fn product_gradients_are_slopes(
        formula in formula(), quantifier in quantifier(), p in 1.0f64..4.0,
        truths in prop::collection::vec([0.05f64..0.95, 0.05f64..0.95, 0.05f64..0.95], 1..4),
    ) {
        let rules = compile(quantifier, &formula, p);
        let gradient = rules.product_gradient(RuleId(0), &world(&rules, &truths));
        let step = 1e-6;
        prop_assert!(!gradient.atoms.is_empty());
        for (atom, slope) in &gradient.atoms {
            let moved = |by: f64| {
                let mut truths = truths.clone();
                truths[atom.row][atom.learned] += by;
                rules.product_gradient(RuleId(0), &world(&rules, &truths)).value
            };
            let wanted = (moved(step) - moved(-step)) / (2.0 * step);
            prop_assert!((slope - wanted).abs() < 1e-5 * (1.0 + wanted.abs()), "{slope} and {wanted}");
        }
    }
}

#[test]
fn what_is_not_a_number_from_nought_to_one_is_absent() {
    let rules = compile("forall", "a(o)", 2.0);
    for truth in [f64::NAN, f64::INFINITY, -0.1, 1.1] {
        let tree = rules.explain(RuleId(0), &world(&rules, &[[truth, 0.5, 0.5]]));
        assert_eq!(tree.truths.crisp, Kleene::Unknown, "{truth}");
        assert!(rules.product_gradient(RuleId(0), &world(&rules, &[[truth, 0.5, 0.5]])).atoms.is_empty());
    }
}

#[test]
fn an_atom_that_is_used_twice_has_the_slope_of_both_uses() {
    let rules = compile("forall", "a(o) and a(o)", 1.0);
    let gradient = rules.product_gradient(RuleId(0), &world(&rules, &[[0.5, 0.0, 0.0]]));
    let [(atom, slope)] = gradient.atoms[..] else {
        panic!("one atom");
    };
    assert_eq!((atom.learned, atom.row), (0, 0));
    // a² has the slope 2a = 1, but for the ε of the stable forms
    assert!((slope - 1.0).abs() < 1e-3, "{slope}");
}

/// Whether slippage < `times` · volatility, all as fractions of the price, by the rule of (17).
fn is_calm(slippage: f64, volatility: f64, times: f64) -> f64 {
    let text = format!(
        "soft rule calm: forall o in orders: forecast_slippage(o) < {times} * volatility(o.instrument, 5 min)\n"
    );
    let rules = RuleSet::compile("t.ltn", &text).unwrap_or_else(|e| panic!("{text}\n{e}"));
    let bp = |fraction: f64| Bp::from_f64(fraction * 1e4);
    let mut world = World::new(&rules, 1);
    world.set_window(InstrumentRow(0), 0, bp(volatility).map(Number::of));
    let (instrument, forecast_slippage) = (Some(InstrumentRow(0)), bp(slippage));
    world.push_order(&OrderFacts { instrument, forecast_slippage, ..OrderFacts::default() });
    let mut judgement = Judgement::default();
    rules.judge(&world, &mut judgement);
    f64::from(u8::from(judgement.verdicts[0].passed))
}

#[test]
fn golden_slippage() {
    let mut run = 0;
    for case in golden::cases("06_").iter().filter(|case| !case.inputs["slippage"].is_null()) {
        let (volatility, times) = (case.number("volatility"), case.number("lam"));
        let calm = case.input("slippage").into_iter().map(|slippage| is_calm(slippage, volatility, times));
        case.check("crisp", &calm.collect::<Vec<_>>());
        run += 1;
    }
    for case in golden::cases("15_").iter().filter(|case| !case.inputs["slip_vol_lambda"].is_null()) {
        let calm = case.rows("slip_vol_lambda").into_iter().map(|of| is_calm(of[0], of[1], of[2]));
        case.check("ok", &calm.collect::<Vec<_>>());
        run += 1;
    }
    assert!(run > 1, "a kind of case is missing");
}
