//! The latch: who sets it, what passes while it is set, and how it opens.

use synapse::Region;

use super::*;

/// Whether the latch was set at each decision, with its time in ms.
fn latched(decisions: &[DecisionRecord]) -> Vec<(i64, bool)> {
    decisions.iter().map(|d| (d.time.since(at(0)) / MS_NS, d.verdict.latch.is_some())).collect()
}

fn places(decision: &DecisionRecord) -> bool {
    decision.verdict.requests().iter().any(|request| matches!(request, Request::Place(_)))
}

/// Halted while an order rests, and armed again.
pub fn operator() -> Vec<DecisionRecord> {
    let sets = ["cerebellum.market_urgency=1", "cerebellum.inside_urgency=1"];
    let commands = vec![command(720, CommandKind::Halt), command(1200, CommandKind::Arm)];
    let (engine, kept) = play(&sets, Tape::default().book(5, EVEN).book(12, BID), commands);
    for (decision, (ms, latched)) in kept.decisions.iter().zip(latched(&kept.decisions)) {
        // a command stands before the tick of its time
        assert_eq!(latched, (720..1200).contains(&ms), "{ms} ms");
        assert!(!(latched && places(decision)), "{ms} ms: nothing new while latched");
        assert_eq!(places(decision), ms == 600 || ms == 1200, "{ms} ms: {:?}", decision.verdict.outcome);
    }
    // the resting order was cancelled by the gate, not by judgement
    assert_eq!((engine.totals().cancels, engine.totals().fills), (0, 0));
    let cancelled =
        kept.reports.iter().filter(|(_, r)| matches!(r.kind, market::order::ReportKind::Cancelled { .. }));
    assert_eq!(cancelled.count(), 1);
    kept.decisions
}

#[test]
fn an_operator_halts_and_arms() {
    let reached = reached(&operator());
    assert!(reached.contains("latch operator") && reached.contains("reason latched"), "{reached:?}");
}

#[test]
fn a_halt_is_stronger_than_the_rule_that_arms_by_itself() {
    let sets = ["prefrontal.rearm_after_s=1"];
    let halt = vec![command(720, CommandKind::Halt)];
    let (engine, kept) = play(&sets, Tape::default().book(60, EVEN), halt);
    assert_eq!(engine.line().prefrontal.latch(), Some(LatchCause::Operator));
    assert!(latched(&kept.decisions).iter().all(|(ms, latched)| *latched == (*ms > 720)));
}

#[test]
fn calm_opens_the_latch_of_a_trip_where_that_is_configured() {
    let wide = [90.0, 50.0, 111.0, 50.0];
    let tape = || Tape::default().book(5, EVEN).book(5, wide).book(60, EVEN);
    let (engine, kept) = play(&["prefrontal.rearm_after_s=1"], tape(), Vec::new());
    assert_eq!((engine.totals().trips, engine.line().prefrontal.latch()), (1, None));
    let open = |(_, latched): &&(i64, bool)| !latched;
    let seen = latched(&kept.decisions);
    let set = seen.iter().find(|(_, latched)| *latched).expect("it tripped").0;
    let cleared = seen.iter().rev().take_while(open).last().expect("it opened").0;
    // the third wide sample trips; the last comes at 1000 ms, and a trip ends with 8 calm ones
    assert_eq!((set, cleared), (800, 1000 + 800 + 1000), "{seen:?}");

    let (engine, kept) = play(&[], tape(), Vec::new());
    assert_eq!(engine.line().prefrontal.latch(), Some(LatchCause::Amygdala(Signal::Spread)));
    assert!(latched(&kept.decisions).iter().all(|(ms, latched)| *latched == (*ms >= set)));
}

#[test]
fn a_reduction_passes_while_latched_and_nothing_else_does() {
    // what is aimed for shrinks as the market moves
    let sets = ["basal_ganglia.reference_volatility_bp=20", "basal_ganglia.min_share=0.25"];
    let shaken = [(101.0, 95.0), (102.0, 95.0), (101.0, 95.0), (100.0, 95.0)];
    let tape = Tape::default().book(5, EVEN).book(3, [100.0, 950.0, 101.0, 50.0]);
    let tape = shaken.iter().fold(tape, |tape, (bid, q)| tape.book(1, [*bid, *q, bid + 1.0, 5.0]));
    let (engine, kept) = play(&sets, tape, vec![command(780, CommandKind::Halt)]);
    let held = |d: &DecisionRecord| d.account.position;
    let latched: Vec<&DecisionRecord> = kept.decisions.iter().filter(|d| d.verdict.latch.is_some()).collect();
    let before = held(latched[0]);
    assert!(before.is_positive(), "there is something to reduce");
    let reductions: Vec<_> = latched.iter().filter(|d| places(d)).collect();
    assert!(!reductions.is_empty(), "{latched:?}");
    assert!(reductions.iter().all(|d| is_reduction(d)));
    assert!(latched.iter().any(|d| matches!(d.verdict.outcome, Outcome::Rest(Reason::Latched { .. }))));
    let after = engine.line().prefrontal.state().orders.position(InstrumentId(0));
    assert!(after < before && !after.is_zero(), "from {before} to {after}");
}
