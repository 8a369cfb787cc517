//! A judgement allocates nothing: neither the refill of a world nor the rules, once both have been used.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use rules::{InstrumentRow, Judgement, OrderFacts, RuleSet, Sort};

/// The system's memory, and how often this thread asked for some.
struct Counting;

thread_local! {
    static ASKED: Cell<u64> = const { Cell::new(0) };
}

#[expect(unsafe_code, reason = "that is how an allocator is given; it only counts and passes on")]
// SAFETY: what is handed out comes from the system's allocator, with the layout asked for
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ASKED.with(|asked| asked.set(asked.get() + 1));
        // SAFETY: passed on as it came
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: passed on as it came
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static MEMORY: Counting = Counting;

#[test]
fn a_judgement_allocates_nothing() {
    let path = support::root().join("config/compliance.ltn");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let rules = RuleSet::compile("compliance.ltn", &text).unwrap_or_else(|e| panic!("{e}"));
    let mut world = rules.example_world();
    let mut judgement = Judgement::default();
    let order = OrderFacts { instrument: Some(InstrumentRow(0)), ..OrderFacts::default() };
    let mut decide = || {
        world.clear_orders();
        for _ in 0..3 {
            let row = world.push_order(&order);
            for learned in 0..rules.learned().len() {
                world.set_learned(learned, Sort::Order, row, 0.5);
            }
        }
        for window in 0..rules.windows().len() {
            world.set_window(InstrumentRow(0), window, None);
        }
        rules.judge(&world, &mut judgement);
        judgement.verdicts.len()
    };
    let asked = || ASKED.with(Cell::get);
    let rules_judged = decide();
    decide();
    let before = asked();
    for _ in 0..100 {
        decide();
    }
    assert_eq!(asked() - before, 0);
    assert!(rules_judged > 15 && before > 0, "the counter counts");
}
