//! Text that nobody wrote: whatever a file holds, reading it neither panics nor takes long, and what is
//! wrong has a place in the file.
//!
//! `JANUS_FUZZ_S` says for how many seconds, `JANUS_SEED` where to begin.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use rules::{Judgement, RuleSet, RulesError};

/// Longer than any text of the size tried here may take, on any machine.
const LONGEST: Duration = Duration::from_secs(5);

/// Words of the language, and some that stand in rules.
const WORDS: &str = r#"
    hard soft rule const learned aggregation examples for forall exists in orders instruments working
    where and or not => < <= = != + - * / ( ) { } , : . o quantity limit instrument volatility abs min
    known 5 1_000 3.5 USD units bp % min days 2026-06-04 15:25 "text" weight latching pass refuse
"#;

fn word(random: &mut Random) -> &'static str {
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    words[random.below(words.len())]
}

fn shipped() -> String {
    let path = support::root().join("config/compliance.ltn");
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Reads a text, judges with what comes out, and shows what does not.
fn read(text: &str) {
    let began = Instant::now();
    match RuleSet::compile("fuzz.ltn", text) {
        Ok(rules) => {
            let mut judgement = Judgement::default();
            rules.judge(&rules.example_world(), &mut judgement);
            for id in rules.ids() {
                let tree = rules.explain(id, &rules.example_world()).to_string();
                assert!(!tree.is_empty());
            }
        }
        Err(RulesError::Invalid(report)) => {
            assert!(!report.diagnostics.is_empty(), "refused for nothing: {text}");
            for found in &report.diagnostics {
                assert!(found.span.start <= found.span.end && found.span.end <= text.len(), "{found:?}");
                assert!(text.is_char_boundary(found.span.start), "{found:?}");
            }
            assert!(!report.to_string().is_empty() && !report.render().is_empty());
        }
    }
    assert!(began.elapsed() < LONGEST, "{:?} for {} bytes", began.elapsed(), text.len());
}

/// A source of numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }
}

/// A place in a text between two characters.
fn place(text: &str, random: &mut Random) -> usize {
    let mut at = random.below(text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// A sound text with a few pieces lost, moved, doubled or made up.
fn mutated(sound: &str, random: &mut Random) -> String {
    let mut text = sound.to_owned();
    for _ in 0..=random.below(6) {
        let (a, b) = (place(&text, random), place(&text, random));
        let (start, end) = (a.min(b), a.max(b).min(a.min(b) + 200));
        let end = (end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        match random.below(5) {
            0 => text.replace_range(start..end, ""),
            1 => {
                let piece = text[start..end].to_owned();
                let at = place(&text, random);
                text.insert_str(at, &piece);
            }
            2 => text.insert_str(start, word(random)),
            3 => {
                let strange = char::from_u32(random.next() as u32 % 0x2500).unwrap_or('\u{0}');
                text.insert(start, strange);
            }
            _ => text.insert_str(start, &"(".repeat(random.below(400))),
        }
    }
    text
}

/// Words of the language in no order.
fn jumbled(random: &mut Random) -> String {
    let words = (0..random.below(120)).map(|_| word(random));
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn no_text_makes_reading_fail_or_hang() {
    let number = |name: &str, usual: u64| {
        std::env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|e| panic!("{name}: {e}")))
    };
    let (seconds, seed) = (number("JANUS_FUZZ_S", 2), number("JANUS_SEED", 1));
    let sound = shipped();
    let (began, mut tried) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(seconds) {
        let mut random = Random(seed.wrapping_add(tried));
        let text = if tried % 3 == 0 { jumbled(&mut random) } else { mutated(&sound, &mut random) };
        if let Err(panic) = std::panic::catch_unwind(|| read(&text)) {
            eprintln!("JANUS_SEED={}: {text}", seed.wrapping_add(tried));
            std::panic::resume_unwind(panic);
        }
        tried += 1;
    }
    println!("{tried} texts in {seconds} s from seed {seed}");
    assert!(tried > 10, "{tried} texts only");
}

proptest! {
    #[test]
    fn any_text_is_answered(text in "\\PC{0,200}") {
        read(&text);
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read(&String::from_utf8_lossy(&bytes));
    }
}

#[test]
fn nothing_is_deep_enough_to_end_the_stack() {
    for (open, close) in [("(", ")"), ("not ", ""), ("-", ""), ("abs(", ")"), ("forall o in orders: ", "")] {
        let text = format!("hard rule a: {}drawdown < 10 %{}", open.repeat(20_000), close.repeat(20_000));
        read(&text);
    }
    for chain in
        [" and drawdown < 10 %", " or drawdown < 10 %", " => drawdown < 10 %", " + 5 %", ".instrument"]
    {
        read(&format!("hard rule a: drawdown < 10 %{}", chain.repeat(10_000)));
    }
    read(&"hard rule a: drawdown < 10 % ".repeat(8_000));
    read(&format!("const a = {{{}}}", "GME, ".repeat(40_000)));
}
