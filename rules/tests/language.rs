//! What formulas mean: every operator, quantifiers, scopes and dates, as a file writes them.

use market::{Money, Quantity};
use rules::{
    CalendarFacts, Date, InstrumentFacts, InstrumentRow, Judgement, Kleene, OrderFacts, RuleId, RuleSet,
    RulesError, Supposed, World,
};

fn compile(text: &str) -> RuleSet {
    RuleSet::compile("t.ltn", text)
        .unwrap_or_else(|RulesError::Invalid(report)| panic!("{}", report.render()))
}

/// The crisp truth of a formula of a calm moment in which some facts are otherwise.
fn crisp(formula: &str, facts: &str) -> Kleene {
    let rules = compile(&format!("hard rule r: {formula}"));
    let supposed = rules.suppose("facts", facts);
    let Supposed { rules, world } = supposed.unwrap_or_else(|e| panic!("{facts}: {e}"));
    rules.explain(RuleId(0), &world).truths.crisp
}

fn check(table: &[(&str, &str, Kleene)]) {
    for (formula, facts, wanted) in table {
        assert_eq!(crisp(formula, facts), *wanted, "{formula} where {facts}");
    }
}

use Kleene::{False, True, Unknown};

#[test]
fn the_rules_of_the_issue_are_read_as_they_are_written() {
    let rules = compile(
        r#"hard rule position_limit "RTS 6 art. 15":
    forall o in orders: abs(position_after(o)) <= limit(o.instrument)
soft rule calm_execution weight 2.0 "eq. 17":
    forall o in orders: execute(o) => forecast_slippage(o) < 1.5 * volatility(o.instrument, 5 min)
"#,
    );
    let [position, calm] = rules.rules() else {
        panic!("two rules");
    };
    assert_eq!((position.name.as_str(), position.source.as_str()), ("position_limit", "RTS 6 art. 15"));
    assert_eq!((calm.name.as_str(), calm.weight), ("calm_execution", 2.0));
    assert!(position.is_hard() && !calm.is_hard());
    assert_eq!(rules.windows().len(), 1);
    assert_eq!(rules.windows()[0].window_ns, 300_000_000_000);
}

#[test]
fn comparisons_are_exact_at_their_bounds() {
    let at = "quantity = 5 units";
    let above = "quantity = 5.000000001 units";
    for (relation, same, more) in [
        ("<", False, False),
        ("<=", True, False),
        (">", False, True),
        (">=", True, True),
        ("=", True, False),
        ("!=", False, True),
        ("≤", True, False),
        ("≥", True, True),
        ("≠", False, True),
    ] {
        let formula = format!("forall o in orders: o.quantity {relation} 5 units");
        check(&[(&formula, at, same), (&formula, above, more), (&formula, "quantity = absent", Unknown)]);
        let mirrored = format!("forall o in orders: not (5 units {relation} o.quantity) or true");
        check(&[(&mirrored, at, True)]);
    }
}

#[test]
fn connectives_are_those_of_kleene() {
    let yes = "drawdown <= 5 %";
    let no = "margin > 50 %";
    let open = "equity > 0 USD";
    let facts = "drawdown = 5 %, margin = 50 %, equity = absent";
    for (formula, wanted) in [
        (format!("{yes} and {yes}"), True),
        (format!("{yes} and {no}"), False),
        (format!("{no} and {open}"), False),
        (format!("{yes} ∧ {open}"), Unknown),
        (format!("{no} or {yes}"), True),
        (format!("{no} ∨ {open}"), Unknown),
        (format!("{yes} or {open}"), True),
        (format!("not {no}"), True),
        (format!("¬ ({yes})"), False),
        (format!("not {open}"), Unknown),
        (format!("{no} => {open}"), True),
        (format!("{open} ⇒ {yes}"), True),
        (format!("{yes} => {open}"), Unknown),
        (format!("{yes} => {no}"), False),
        // `=>` leans to the right, and binds less than `or`, which binds less than `and`
        (format!("{no} => {no} => {no}"), True),
        (format!("({no} => {no}) => {no}"), False),
        (format!("{yes} or {no} and {no}"), True),
        (format!("not {no} and {no}"), False),
    ] {
        check(&[(&formula, facts, wanted)]);
    }
}

#[test]
fn arithmetic_keeps_to_its_units() {
    let facts = "price = 3 USD per unit, quantity = 4 units, notional = 12 USD, reference_age = 90 s";
    check(&[
        ("forall o in orders: o.price * o.quantity = notional(o)", facts, True),
        ("forall o in orders: notional(o) / o.quantity = o.price", facts, True),
        ("forall o in orders: notional(o) / o.price = o.quantity", facts, True),
        ("forall o in orders: notional(o) / notional(o) = 1", facts, True),
        ("forall o in orders: notional(o) + 3 USD - 2 USD = 13 USD", facts, True),
        ("forall o in orders: -notional(o) = -12 USD and abs(-notional(o)) = 12 USD", facts, True),
        ("forall o in orders: min(notional(o), 10 USD) = 10 USD", facts, True),
        ("forall o in orders: max(notional(o), 10 USD) = 12 USD", facts, True),
        ("forall o in orders: reference_age(o) = 1.5 min", facts, True),
        ("forall o in orders: 2 + 3 * 4 - 6 / 2 = 11 and reference_known(o)", facts, True),
        ("forall o in orders: notional(o) * 50 % = 6 USD", facts, True),
        ("forall o in orders: notional(o) * 100 bp = 0.12 USD", facts, True),
        ("forall o in orders: notional(o) / (o.quantity - o.quantity) > 0 USD per unit", facts, Unknown),
        ("forall o in orders: 10 - 3 - 2 = 5 and reference_known(o)", facts, True),
        ("forall o in orders: 1 h = 3_600 s and 1 min = 60_000 ms and reference_known(o)", facts, True),
    ]);
}

#[test]
fn bare_numbers_count_where_counts_are() {
    let formula = "forall o in orders: orders_in(o.instrument, 1 s) + 1 <= rate_limit(o.instrument) * 1 s";
    check(&[
        (formula, "orders_in(1 s) = 49, rate_limit = 50 orders per s", True),
        (formula, "orders_in(1 s) = 50, rate_limit = 50 orders per s", False),
    ]);
}

#[test]
fn dates_count_in_calendar_days() {
    let rule = "date - 2026-03-16 <= 30 days";
    check(&[
        (rule, "date = 2026-04-15", True),
        (rule, "date = 2026-04-16", False),
        ("date + 30 days >= 2026-04-15", "date = 2026-03-16", True),
        ("date - 30 days = 2026-02-14", "date = 2026-03-16", True),
        ("weekday = monday", "date = 2026-06-01", True),
        ("weekday in {saturday, sunday}", "date = 2026-06-06", True),
        ("time_of_day < 15:25", "time_of_day = 15:24:59", True),
        ("time_of_day < 15:25", "time_of_day = 15:25", False),
    ]);
}

#[test]
fn symbols_are_compared_with_their_own_kind() {
    check(&[
        ("forall o in orders: o.side = sell", "side = sell", True),
        ("forall o in orders: sell = o.side", "side = buy", False),
        ("forall o in orders: o.side != sell", "side = buy", True),
        ("forall o in orders: o.kind in {limit, post_only}", "kind = post_only", True),
        ("forall o in orders: o.kind = limit", "kind = market", False),
        ("forall o in orders: o.instrument = GME", "instrument = GME", True),
        ("forall o in orders: o.instrument != \"BRK.B\"", "instrument = \"BRK.B\"", False),
        ("forall o in orders: o.instrument ∈ {GME, AMC}", "instrument = AMC", True),
        ("forall o in orders: o.instrument not in {GME, AMC}", "instrument = AAPL", True),
        ("forall o in orders: name(o.instrument) = GME", "instrument = GME", True),
        ("threat = calm", "threat = wary", False),
        ("account = MAIN", "account = MAIN", True),
        ("account.account = MAIN", "", False),
        ("percept.threat = tripped", "threat = tripped", True),
        ("forall o in orders: o.instrument in {GME}", "instrument = absent", Unknown),
    ]);
}

#[test]
fn facts_are_asked_for_as_functions_or_with_a_dot() {
    check(&[
        ("forall o in orders: quantity(o) = o.quantity", "quantity = 3 units", True),
        ("forall o in orders: o.instrument.limit = limit(instrument(o))", "limit = 3 units", True),
        ("forall o in orders: o.is_child", "is_child = true", True),
        ("forall o in orders: is_child(o) = true", "is_child = false", False),
        ("forall o in orders: known(parent_left(o))", "parent_left = absent", False),
        ("forall o in orders: known(parent_left(o))", "parent_left = 0 units", True),
        ("forall i in instruments: not i.halted", "halted = false", True),
    ]);
}

/// A world of two instruments, with an order of some quantity of each given one.
fn orders(rules: &RuleSet, of: &[(u16, i64)]) -> World {
    let mut world = World::new(rules, 2);
    for (row, name) in [(0, "GME"), (1, "AMC")] {
        let facts = InstrumentFacts { name: Some(rules.symbol(name)), ..InstrumentFacts::default() };
        world.set_instrument(InstrumentRow(row), &facts);
    }
    for (instrument, quantity) in of {
        world.push_order(&OrderFacts {
            instrument: Some(InstrumentRow(*instrument)),
            quantity: Quantity::from_whole(*quantity),
            ..OrderFacts::default()
        });
    }
    world
}

fn truth(text: &str, of: &[(u16, i64)]) -> Kleene {
    let rules = compile(text);
    rules.explain(RuleId(0), &orders(&rules, of)).truths.crisp
}

#[test]
fn quantifiers_walk_their_domain() {
    let all = "hard rule r: forall o in orders: o.quantity <= 5 units";
    let some = "hard rule r: ∃ o in orders: o.quantity <= 5 units";
    assert_eq!(truth(all, &[(0, 5), (1, 4)]), True);
    assert_eq!(truth(all, &[(0, 5), (1, 6)]), False);
    assert_eq!(truth(some, &[(0, 6), (1, 5)]), True);
    assert_eq!(truth(some, &[(0, 6), (1, 6)]), False);
    assert_eq!(truth(all, &[]), True, "of nothing everything holds");
    assert_eq!(truth(some, &[]), False, "and nothing is found");
}

#[test]
fn a_guard_leaves_rows_out() {
    let all = "hard rule r: ∀ o in orders where o.instrument = GME: o.quantity <= 5 units";
    assert_eq!(truth(all, &[(0, 5), (1, 9)]), True);
    assert_eq!(truth(all, &[(0, 9), (1, 5)]), False);
    let some = "hard rule r: exists o in orders where o.instrument = GME: o.quantity <= 5 units";
    assert_eq!(truth(some, &[(0, 9), (1, 5)]), False);
    // a guard that is not known lets through what holds anyway
    let open = "hard rule r: forall o in orders where o.side = buy: o.quantity <= 5 units";
    assert_eq!(truth(open, &[(0, 5)]), True);
    assert_eq!(truth(open, &[(0, 9)]), Unknown);
}

#[test]
fn quantifiers_stand_in_each_other() {
    let pairs = "hard rule r: forall o in orders: exists i in instruments where o.instrument = i:
        name(i) = GME and o.quantity > 3 units";
    assert_eq!(truth(pairs, &[(0, 4), (0, 5)]), True);
    assert_eq!(truth(pairs, &[(0, 4), (1, 5)]), False);
    assert_eq!(truth(pairs, &[(0, 4), (0, 3)]), False);
}

#[test]
fn outstanding_orders_are_a_domain_of_their_own() {
    let rules = compile(
        "hard rule no_self_trade: forall o in orders: not exists w in working
            where w.instrument = o.instrument and w.side != o.side: w.price >= o.price",
    );
    let mut world = orders(&rules, &[]);
    let order = |side, price: &str| OrderFacts {
        instrument: Some(InstrumentRow(0)),
        side: Some(side),
        price: price.parse().ok(),
        ..OrderFacts::default()
    };
    world.push_order(&order(market::Side::Sell, "100"));
    world.push_working(&order(market::Side::Buy, "99"));
    let mut judgement = Judgement::default();
    rules.judge(&world, &mut judgement);
    assert!(judgement.is_allowed(&rules));
    world.push_working(&order(market::Side::Buy, "100"));
    rules.judge(&world, &mut judgement);
    assert!(!judgement.is_allowed(&rules));
}

fn verdicts(text: &str, of: &[(u16, i64)], date: &str) -> Vec<bool> {
    let rules = compile(text);
    let mut world = orders(&rules, of);
    world.set_calendar(&CalendarFacts { date: Date::parse(date), ..CalendarFacts::default() });
    let mut judgement = Judgement::default();
    rules.judge(&world, &mut judgement);
    judgement.verdicts.iter().map(|v| v.passed).collect()
}

#[test]
fn a_rule_is_for_the_instruments_it_names() {
    let text = "hard rule r for instrument GME: forall o in orders: o.quantity <= 5 units";
    assert_eq!(verdicts(text, &[(1, 9)], "2026-06-01"), [] as [bool; 0], "not in force");
    assert_eq!(verdicts(text, &[(0, 5), (1, 9)], "2026-06-01"), [true], "the other order is not looked at");
    assert_eq!(verdicts(text, &[(0, 9), (1, 5)], "2026-06-01"), [false]);
}

#[test]
fn a_rule_is_in_force_from_its_first_to_its_last_day() {
    let text = "hard rule r from 2026-06-04 until 2027-10-20: forall o in orders: o.quantity <= 5 units";
    for (date, in_force) in [
        ("2026-06-03", false),
        ("2026-06-04", true),
        ("2027-10-20", true),
        ("2027-10-21", false),
        ("no date", true),
    ] {
        assert_eq!(verdicts(text, &[(0, 9)], date).len(), usize::from(in_force), "{date}");
    }
}

#[test]
fn a_rule_is_for_the_account_it_names() {
    let rules = compile("hard rule r for account IRA: drawdown < 10 %");
    let mut judgement = Judgement::default();
    rules.judge(&rules.example_world(), &mut judgement);
    assert!(judgement.verdicts.is_empty());
    let Supposed { rules, world } = rules.suppose("facts", "account = IRA, drawdown = 10 %").expect("sound");
    rules.judge(&world, &mut judgement);
    assert!(!judgement.is_allowed(&rules));
}

#[test]
fn the_comparison_that_decides_is_told() {
    let rules = compile(
        "hard rule size: forall o in orders: o.quantity > 0 units and o.quantity <= 5 units
         hard rule worth latching: forall o in orders where o.instrument = GME: notional(o) <= 10 USD",
    );
    let mut world = orders(&rules, &[(0, 4), (1, 6)]);
    let mut judgement = Judgement::default();
    rules.judge(&world, &mut judgement);
    let [size, worth] = &judgement.verdicts[..] else {
        panic!("two rules");
    };
    assert_eq!((size.passed, size.value, size.bound, size.unit.symbol()), (false, 6.0, 5.0, "units"));
    assert!(!worth.passed && worth.value.is_nan(), "the notional is absent");
    assert_eq!((worth.product, worth.lukasiewicz), (0.0, 0.0));
    world.clear_orders();
    let notional = Some(Money::from_units(9_000_000_000));
    for quantity in [1, 4] {
        let quantity = Quantity::from_whole(quantity);
        let instrument = Some(InstrumentRow(0));
        world.push_order(&OrderFacts { instrument, quantity, notional, ..OrderFacts::default() });
    }
    rules.judge(&world, &mut judgement);
    assert!(judgement.is_allowed(&rules));
    assert_eq!((judgement.verdicts[0].value, judgement.verdicts[0].bound), (4.0, 5.0), "the tightest");
    assert_eq!((judgement.verdicts[1].value, judgement.verdicts[1].bound), (9.0, 10.0));
}

#[test]
fn an_explanation_shows_every_part_with_its_numbers() {
    let rules = compile(
        "hard rule r:
            forall o in orders where o.side = buy:
                o.quantity <= 5 units or is_reduction(o)",
    );
    let Supposed { rules, world } = rules.suppose("facts", "quantity = 6 units").expect("sound");
    let tree = rules.explain(RuleId(0), &world);
    assert_eq!(tree.truths.crisp, False);
    let row = &tree.parts[0];
    assert_eq!(row.text, "order 0");
    let either = &row.parts[0];
    assert_eq!(either.text, "o.quantity <= 5 units or is_reduction(o)");
    let numbers = either.parts[0].numbers.expect("a comparison of numbers");
    assert_eq!((numbers.value, numbers.bound), (6.0, 5.0));
    let told = tree.to_string();
    assert!(told.contains("[6 <= 5 units]") && told.contains("    false"), "{told}");
}

#[test]
fn rules_against_each_other_are_told() {
    let warnings = |text: &str| -> Vec<String> {
        compile(text).warnings().diagnostics.into_iter().map(|d| d.message).collect()
    };
    let contradicting = "hard rule a: forall o in orders: o.quantity > 10 units
        hard rule b: forall o in orders: o.quantity < 10 units";
    assert_eq!(warnings(contradicting), ["no order keeps both `a` and `b`"]);
    let shadowed = "hard rule a: forall o in orders: notional(o) <= notional_limit(o.instrument)
        hard rule b: forall o in orders: notional(o) < 2 * notional_limit(o.instrument)";
    assert_eq!(warnings(shadowed), ["rule `b` never decides: `a` is at least as strict"]);
    let apart = "hard rule a until 2026-06-03: forall o in orders: o.quantity > 10 units
        hard rule b from 2026-06-04: forall o in orders: o.quantity < 10 units";
    assert_eq!(warnings(apart), [] as [String; 0]);
    let other_side = "hard rule a: forall o in orders where o.side = buy: o.quantity > 10 units
        hard rule b: forall o in orders where o.side = sell: o.quantity < 10 units";
    assert_eq!(warnings(other_side), [] as [String; 0]);
    let idle = "soft rule a: forall o in orders: o.quantity <= o.quantity";
    assert_eq!(warnings(idle), ["rule `a` is always true, so it says nothing"]);
    let range = "soft rule a: drawdown >= 0";
    assert_eq!(warnings(range), ["rule `a` is always true, so it says nothing"]);
}

#[test]
fn a_limit_that_holds_only_sometimes_is_a_gap() {
    let path = support::root().join("config/compliance.ltn");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let sound = "forall o in orders: notional(o) <= notional_limit(o.instrument)\n";
    assert!(text.contains(sound));
    for (loose, place) in [
        (
            "forall o in orders where o.instrument != TSLA: notional(o) <= notional_limit(o.instrument)",
            "of TSLA",
        ),
        ("forall o in orders where o.side = buy: notional(o) <= notional_limit(o.instrument)", "passes"),
        ("forall o in orders where threat = calm: notional(o) <= notional_limit(o.instrument)", "while"),
        ("forall o in orders: notional(o) <= 1.1 * notional_limit(o.instrument)", "passes"),
        ("forall o in orders: notional(o) <= notional_limit(o.instrument) or time_of_day < 03:00", "at 0"),
    ] {
        let report = compile(&text.replace(sound, &format!("{loose}\n"))).check();
        let errors: Vec<&str> =
            report.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.message.as_str()).collect();
        let found =
            errors.iter().any(|e| e.starts_with("the notional limit is not enforced") && e.contains(place));
        assert!(found, "{loose}: {errors:?}");
    }
    let dated = text.replace("hard rule notional ", "hard rule notional until 2026-12-31 ");
    let report = compile(&dated).check();
    let told = report.to_string();
    assert!(
        told.contains("the notional limit is not enforced") && told.contains("passes on 2027-01-01;"),
        "{told}"
    );
    let tight = text.replace(sound, "forall o in orders: notional(o) < notional_limit(o.instrument)\n");
    let report = compile(&tight).check();
    assert!(report.diagnostics.iter().all(|d| !d.is_error()), "a file may be tighter");
    assert_eq!(report.diagnostics.len(), 1);
}

#[test]
fn facts_of_one_sort_do_not_leak_into_others() {
    let rules = compile("hard rule r: forall o in orders: o.quantity <= 5 units");
    let mut world = World::new(&rules, 1);
    world.push_order(&OrderFacts { quantity: Quantity::from_whole(5), ..OrderFacts::default() });
    world.clear_orders();
    world.push_order(&OrderFacts::default());
    assert_eq!(rules.explain(RuleId(0), &world).truths.crisp, Unknown, "a refill forgets");
}
