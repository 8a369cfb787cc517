//! Each region's part in a decision.

use market::Feature;
use market::book::Top;
use neocortex::learn::SchemaBook;
use synapse::{Action, DecisionRecord, FusedState, Phase, Plan, RuleTruth, Signal, SignalReading};

use super::words::{Columns, World, joined, number, number_or, words};

/// An imbalance so far to one side stands out.
const LEANS: f32 = 0.5;
/// A return of so many times its deviation stands out.
const MOVES: f32 = 2.0;
/// So many rules have room.
const RULES_TOLD: usize = 7;

pub(super) fn brainstem(text: &mut Columns, record: &DecisionRecord, world: &World) {
    let (features, currency) = (&record.features, world.currency(record.instrument));
    let mark = record.mark2.map(|twice| format!("{}{currency}", twice as f64 / 2e9));
    let valid = if record.account.mark_valid { "" } else { " (not valid now)" };
    let book = match (features[Feature::Spread], features[Feature::SpreadBp]) {
        (Some(spread), bp) => {
            format!("spread {}{currency} ({} bp)", number(spread), number_or(bp))
        }
        _ => "no two sides in the book, so no spread".to_owned(),
    };
    let mark = mark.map_or("no mark".to_owned(), |mark| format!("mid {mark}{valid}"));
    let account = &record.account;
    let imbalance = [Feature::Imbalance1, Feature::Imbalance5, Feature::Imbalance10];
    let imbalance = imbalance.map(|feature| number_or(features[feature]));
    let mut lines = vec![format!("{mark}, {book}")];
    lines.extend(record.top.map(|Top { bid, ask }| {
        format!("best bid {} at {}, best ask {} at {}", bid.quantity, bid.price, ask.quantity, ask.price)
    }));
    lines.push(format!(
        "imbalance {} at the best, {} over 5 levels, {} over 10",
        imbalance[0], imbalance[1], imbalance[2]
    ));
    lines.extend(flows(record));
    lines.push(stands_out(record));
    lines.push(format!(
        "position {}, equity {}{currency}, the instrument has earned {}{currency}",
        account.position,
        account.equity.rounded(4),
        account.earned.rounded(4)
    ));
    text.rows("brainstem", lines);
}

/// What flowed and moved since the last regular sample, a line each.
fn flows(record: &DecisionRecord) -> Vec<String> {
    let flows = [Feature::OrderFlowImbalance, Feature::TradeFlow, Feature::Volume];
    let moves = [Feature::ReturnMid, Feature::RealisedVol];
    let told = |features: &[Feature], unit| {
        let known =
            features.iter().filter_map(|it| record.features[*it].map(|value| (it.spec().name, value)));
        let parts = known.filter(|(_, value)| *value != 0.0);
        parts.map(|(name, value)| format!("{name} {} {unit}", number(value))).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![told(&flows, "units"), told(&moves, "bp")];
    lines.retain(|line| !line.is_empty());
    if lines.is_empty() {
        lines.push("every flow and return is 0 or not known".to_owned());
    }
    lines
}

fn stands_out(record: &DecisionRecord) -> String {
    let features = &record.features;
    let mut found = Vec::new();
    if let Some(lean) = features[Feature::Imbalance1].filter(|lean| lean.abs() >= LEANS) {
        let side = if lean > 0.0 { "bid" } else { "ask" };
        let share = (lean.abs() + 1.0) * 50.0;
        found.push(format!("{share:.0} % of what rests at the best prices is on the {side}"));
    }
    if let (Some(moved), Some(usual)) = (features[Feature::ReturnMid], features[Feature::RealisedVol])
        && usual > 0.0
        && moved.abs() >= MOVES * usual
    {
        found.push(format!("the mid moved {} times its deviation", number((moved / usual).abs())));
    }
    joined(&found, "; ", "nothing stands out")
}

pub(super) fn amygdala(text: &mut Columns, record: &DecisionRecord) {
    let threat = &record.threat;
    let phase = match threat.phase {
        Phase::WarmingUp { left } => format!("warming up, {left} samples left"),
        Phase::Calibrating { left } => format!("calibrating τ, {left} samples left"),
        Phase::Armed => "armed".to_owned(),
    };
    let level = match threat.tripped_by {
        Some(signal) if threat.trip_begins => format!("tripped now by {signal}"),
        Some(signal) => format!("tripped by {signal}"),
        None => words(threat.level),
    };
    let anomaly = threat.reading(Signal::Anomaly);
    let distance =
        format!("distance D_M {} against τ {}", number_or(anomaly.value), number_or(anomaly.limit));
    text.row("amygdala", format!("{level}, {phase}; {distance}{}", beyond(anomaly)));
    let others: Vec<String> = threat.signals.iter().filter_map(signal).collect();
    text.row("", joined(&others, ", ", "no other signal can be told"));
}

/// A signal other than the distance, against its limit.
fn signal(reading: &SignalReading) -> Option<String> {
    let (scale, unit) = match reading.signal {
        Signal::Anomaly => return None,
        Signal::NotFinite => {
            return reading.exceeded.then(|| "a value of the market is not finite".to_owned());
        }
        Signal::Volatility => (1.0, "bp"),
        Signal::Drawdown => (1e2, "%"),
        Signal::Spread => (1e4, "bp"),
    };
    let value = number_or(reading.value.map(|value| value * scale));
    let limit = number_or(reading.limit.map(|limit| limit * scale));
    Some(format!("{} {value} of {limit} {unit}{}", reading.signal, beyond(reading)))
}

fn beyond(reading: &SignalReading) -> String {
    match (reading.exceeded, reading.count) {
        (true, count) => format!(" (beyond, {count} lately)"),
        (false, 0) => String::new(),
        (false, count) => format!(" ({count} beyond lately)"),
    }
}

/// Hippocampus and neocortex.
pub(super) fn memory(text: &mut Columns, record: &DecisionRecord, learned: Option<&SchemaBook>) {
    let context = record.context.entries().map(|(name, value)| format!("{name} {}", number_or(value)));
    text.row("hippocampus", format!("one code an action in this context: {}", context.join(", ")));
    let recalled = Action::ALL.iter().zip(&record.recall).filter_map(|(action, recall)| {
        let nearest = recall.nearest.first()?;
        Some(format!(
            "{action:<4} reward {} ± {} bp, confidence {}, nearest schema {} (cosine {})",
            number_or(recall.reward_bp),
            number_or(recall.reward_std_bp),
            number(recall.confidence),
            nearest.schema,
            number(nearest.cosine)
        ))
    });
    let mut recalled: Vec<String> = recalled.collect();
    recalled.extend(like(record, learned).map(|words| format!("{} is like {words}", record.proposal.action)));
    let recalled = joined(&recalled, "\n", "nothing was learned yet, so nothing is recalled");
    text.rows("neocortex", recalled.lines().map(str::to_owned));
}

/// The schema nearest to the chosen action, in words.
fn like(record: &DecisionRecord, learned: Option<&SchemaBook>) -> Option<String> {
    let nearest = record.recall[record.proposal.action.index()].nearest.first()?;
    learned?.words(nearest.schema)
}

/// Visual cortex and thalamus.
pub(super) fn sight(text: &mut Columns, record: &DecisionRecord) {
    let percept = blake3::Hash::from_bytes(record.percept).to_hex();
    let FusedState { h, gate, absent } = &record.state;
    let of =
        if gate.is_empty() { "of statistics of its fields (untrained)" } else { "of the trained network" };
    text.row("visual cortex", format!("percept {}, {of}", &percept[..16]));
    let norm = h.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    let absent: Vec<String> = absent.iter().map(words).collect();
    let absent = joined(&absent, ", ", "none");
    let state = format!("state of {} numbers, norm {}; absent: {absent}", h.len(), number(norm));
    text.rows("thalamus", std::iter::once(state).chain(attended(gate)));
}

/// How much of the state is what the price attends to, and not the price itself (21).
fn attended(gate: &[f32]) -> Option<String> {
    let mean = gate.iter().map(|g| f64::from(*g)).sum::<f64>() / gate.len() as f64;
    let least = gate.iter().copied().reduce(f32::min)?;
    let most = gate.iter().copied().reduce(f32::max)?;
    let (mean, least, most) = (number(mean), number(least), number(most));
    Some(format!(
        "gate {mean} on average, {least} to {most}: that share is attended to, the rest is the price"
    ))
}

pub(super) fn basal_ganglia(text: &mut Columns, record: &DecisionRecord) {
    let proposal = &record.proposal;
    let mut lines: Vec<String> = Action::ALL
        .iter()
        .map(|action| {
            let at = action.index();
            let chosen = if *action == proposal.action { "  <- chosen" } else { "" };
            let (go, no_go) = (number(proposal.go[at]), number(proposal.no_go[at]));
            let probability = number(proposal.policy[at]);
            let value = proposal.values.map_or(String::new(), |q| format!(" value {:<9}", number(q[at])));
            format!("{action:<4}  go {go:<9} no-go {no_go:<9}{value} probability {probability:<8}{chosen}")
                .trim_end()
                .to_owned()
        })
        .collect();
    lines.push(format!(
        "{}margin {} against {} needed; target {} (held {}), urgency {}",
        drawn(proposal.probability),
        number(proposal.margin),
        number(proposal.margin_needed),
        proposal.target,
        record.account.position,
        number(proposal.urgency)
    ));
    text.rows("basal ganglia", lines);
}

/// That an action was drawn, and how probable it was.
fn drawn(probability: f32) -> String {
    if probability < 1.0 {
        format!("drawn, with probability {}; ", number(probability))
    } else {
        String::new()
    }
}

pub(super) fn cerebellum(text: &mut Columns, record: &DecisionRecord) {
    let execution = &record.execution;
    if execution.styles.is_empty() {
        return text.row("cerebellum", "nothing to forecast: nothing to trade, or no market to trade in");
    }
    let mut lines: Vec<String> = execution
        .styles
        .iter()
        .enumerate()
        .map(|(at, style)| {
            let chosen = if execution.chosen == Some(at as u32) { "  <- chosen" } else { "" };
            let learned = if style.correction_bp == 0.0 {
                String::new()
            } else {
                format!(" + learned {}", number(style.correction_bp))
            };
            format!(
                "{:<8} at {}: slippage {} + impact {}{learned} + fee {} = {} bp{chosen}",
                words(style.style),
                style.price,
                number(style.slippage_bp),
                number(style.impact_bp),
                number(style.fee_bp),
                number(style.cost_bp())
            )
        })
        .collect();
    let cost = number_or(execution.chosen().map(synapse::StyleForecast::cost_bp));
    let filtered = if execution.filtered { "held by the cost filter" } else { "not held by the cost filter" };
    let drift = execution.drift_bp.map_or(String::new(), |bp| format!("; next mid {} bp", number(bp)));
    lines.push(format!("edge {} bp against cost {cost} bp: {filtered}{drift}", number_or(execution.edge_bp)));
    lines.extend(execution.plan.as_ref().map(plan));
    text.rows("cerebellum", lines);
}

/// How an order is divided over time.
fn plan(plan: &Plan) -> String {
    let seconds = number(plan.end_ns() as f64 / 1e9);
    match plan {
        Plan::Trajectory { cumulative, .. } => format!("in {} slices over {seconds} s", cumulative.len()),
        Plan::Participation { rate, .. } => {
            format!("{} % of what trades, all within {seconds} s", number(rate * 100.0))
        }
    }
}

pub(super) fn prefrontal(text: &mut Columns, record: &DecisionRecord, world: &World, wash: Option<&str>) {
    let verdict = &record.verdict;
    let currency = world.currency(record.instrument);
    let mut lines = tested(&verdict.rules, &currency);
    lines.extend(wash.map(str::to_owned));
    lines
        .extend(verdict.parent.map(|parent| format!("part of order {}, {} in all", parent.id, parent.total)));
    let latch = verdict.latch.map_or("open".to_owned(), |cause| format!("set by {cause}"));
    lines.push(format!(
        "verdict: {}; soft rules satisfied {}; latch {latch}",
        match &verdict.outcome {
            synapse::Outcome::Act(_) => "act".to_owned(),
            synapse::Outcome::Rest(reason) => format!("rest, {}", reason.name()),
        },
        number(verdict.satisfaction)
    ));
    if verdict.tripped {
        lines.push("the amygdala trips with this decision: the gate cancels everything".to_owned());
    }
    text.rows("prefrontal", lines);
}

/// The rules that bound: those that are broken, then those that came nearest to it, as many as there is room for.
fn tested(rules: &[RuleTruth], currency: &str) -> Vec<String> {
    if rules.is_empty() {
        return vec!["no order came so far as to be tested against a rule".to_owned()];
    }
    let told = if rules.len() <= RULES_TOLD { rules.len() } else { RULES_TOLD - 1 };
    let mut nearest: Vec<&RuleTruth> = rules.iter().collect();
    nearest.sort_by(|a, b| a.passed.cmp(&b.passed).then(a.product.total_cmp(&b.product)));
    let mut lines: Vec<String> = nearest[..told].iter().map(|it| rule(it, currency)).collect();
    if let left @ 1.. = rules.len() - told {
        lines.push(format!("and {left} more, farther from their bounds: `janus rules explain` tells all"));
    }
    lines
}

/// A rule against the order: the comparison that decided, and how true the rule is in both logics.
fn rule(rule: &RuleTruth, currency: &str) -> String {
    let unit = match rule.unit.as_str() {
        "" => String::new(),
        "currency" => currency.to_owned(),
        unit => format!(" {unit}"),
    };
    let tested = match (rule.value.0, rule.bound.0) {
        (None, None) => "no number decided".to_owned(),
        (value, bound) => format!("{} against {}{unit}", number_or(value), number_or(bound)),
    };
    let passed = match (rule.passed, rule.is_hard) {
        (true, _) => "passed",
        (false, true) => "REFUSED",
        (false, false) => "not kept",
    };
    let kind = if rule.is_hard { "hard" } else { "soft" };
    let truths = format!("{}, Ł {}", number(rule.product), number(rule.lukasiewicz));
    format!("{:<24} {tested:<28} {passed:<8} ({kind} {truths})", rule.rule)
}
