//! What becomes of decisions.

use hippocampus::{Experience, ExperienceEncoder};
use market::{Money, Timestamp};
use proptest::prelude::*;
use scenes::money;
use synapse::bytes::{decode, encode};
use synapse::{DecisionRecord, Notice, NoticeKind, SampleKind, Startle};

use crate::moments::{REFERENCE, decision, instruments};

const MARK2: i64 = 160_000_000_000_000;

fn notice(kind: NoticeKind) -> Notice {
    Notice { sequence: 0, time: Timestamp::from_ns(0), kind }
}

#[test]
fn it_closes_a_horizon_later_with_reward_and_markout() {
    let mut encoder = ExperienceEncoder::new(4, &instruments(1));
    for sequence in 1..=4 {
        let earned = money(if sequence == 1 { 100 } else { 0 });
        assert_eq!(encoder.decided(&decision(sequence, 0, Some(MARK2), earned)), None);
    }
    let end = decision(5, 0, Some(MARK2 + MARK2 / 1000), money(103));
    let experience = encoder.decided(&end).expect("the first is due");
    assert_eq!((experience.sequence, experience.closed_sequence), (1, 5));
    assert_eq!((experience.time, experience.closed_time), (Timestamp::from_ns(1), Timestamp::from_ns(5)));
    assert_eq!(experience.state[..], [1.0, -1.0]);
    // 3 of a reference of 10 000 are 3 bp
    assert_eq!(experience.reward_bp, 3.0);
    assert!((experience.markout_bp - 1e4 * 1.001_f32.ln()).abs() < 1e-3);
    assert_eq!((encoder.open(), encoder.closed(), encoder.void()), (4, 1, 0));
}

#[test]
fn without_a_mark_at_either_end_it_is_void() {
    for (first, last) in
        [(None, Some(MARK2)), (Some(MARK2), None), (Some(0), Some(MARK2)), (Some(-5), Some(5))]
    {
        let mut encoder = ExperienceEncoder::new(1, &instruments(1));
        assert_eq!(encoder.decided(&decision(1, 0, first, money(0))), None);
        assert_eq!(encoder.decided(&decision(2, 0, last, money(0))), None);
        assert_eq!((encoder.open(), encoder.closed(), encoder.void()), (1, 0, 1));
    }
    let mut unmarked = decision(1, 0, Some(MARK2), money(0));
    unmarked.account.mark_valid = false;
    let mut encoder = ExperienceEncoder::new(1, &instruments(1));
    encoder.decided(&unmarked);
    assert_eq!(encoder.decided(&decision(2, 0, Some(MARK2), money(0))), None);
    assert_eq!(encoder.void(), 1);
}

#[test]
fn an_instrument_that_is_not_known_has_no_experience() {
    let mut encoder = ExperienceEncoder::new(1, &instruments(1));
    assert_eq!(encoder.decided(&decision(1, 3, Some(MARK2), money(0))), None);
    assert_eq!(encoder.open(), 0);
}

/// What may come.
#[derive(Debug, Clone)]
enum Event {
    Decided(Box<DecisionRecord>),
    Restarted,
    EndOfStream,
    CancelSent,
}

fn event() -> impl Strategy<Value = (u8, u16, Option<i64>, i64)> {
    (0..40u8, 0..2u16, prop::option::weighted(0.9, MARK2..2 * MARK2), -1_000..1_000i64)
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    prop::collection::vec(event(), 0..80).prop_map(|drawn| {
        let event = |(sequence, (kind, instrument, mark2, earned))| {
            let record = decision(sequence, instrument, mark2, money(earned));
            match kind {
                0 => Event::Restarted,
                1 => Event::EndOfStream,
                2 => Event::CancelSent,
                3..6 => Event::Decided(Box::new(DecisionRecord {
                    kind: SampleKind::Startle(Startle::Gap),
                    ..record
                })),
                _ => Event::Decided(Box::new(record)),
            }
        };
        (1..).zip(drawn).map(event).collect()
    })
}

fn fold(encoder: &mut ExperienceEncoder, events: &[Event]) -> Vec<Experience> {
    let meet = |event: &Event| match event {
        Event::Decided(record) => encoder.decided(record),
        Event::Restarted => {
            encoder.noticed(&notice(NoticeKind::Restarted));
            None
        }
        Event::EndOfStream => {
            encoder.noticed(&notice(NoticeKind::EndOfStream));
            None
        }
        Event::CancelSent => {
            let id = market::order::ClientId { sequence: 1, instrument: market::InstrumentId(0), k: 0 };
            encoder.noticed(&notice(NoticeKind::CancelSent(id)));
            None
        }
    };
    events.iter().filter_map(meet).collect()
}

/// (sequence, closing sequence, reward in bp) of every experience, found by looking ahead.
fn oracle(events: &[Event], horizon: usize) -> (Vec<(u64, u64, f32)>, u64) {
    let (mut found, mut void) = (Vec::new(), 0);
    for (at, event) in events.iter().enumerate() {
        let Event::Decided(start) = event else { continue };
        if start.kind != SampleKind::Regular {
            continue;
        }
        let (mut left, mut outcome) = (horizon, None);
        for later in &events[at + 1..] {
            match later {
                Event::Restarted | Event::EndOfStream => {
                    outcome = Some(None);
                    break;
                }
                Event::Decided(record)
                    if record.instrument == start.instrument && record.kind == SampleKind::Regular =>
                {
                    left -= 1;
                    if left == 0 {
                        outcome = Some(Some(record));
                        break;
                    }
                }
                _ => {}
            }
        }
        match outcome {
            Some(Some(end)) if start.mark2.is_some() && end.mark2.is_some() => {
                let earned: Money = end.account.earned - start.account.earned;
                let reward_bp = (earned.units() / i128::from(REFERENCE)) as f64 / 1e5;
                found.push((start.sequence, end.sequence, reward_bp as f32));
            }
            Some(_) => void += 1,
            None => {}
        }
    }
    found.sort_by_key(|(_, closed, _)| *closed);
    (found, void)
}

proptest! {
    #[test]
    fn experiences_are_those_found_by_looking_ahead(events in events(), horizon in 1..7u32) {
        let mut encoder = ExperienceEncoder::new(horizon, &instruments(2));
        let got = fold(&mut encoder, &events);
        let (want, void) = oracle(&events, horizon as usize);
        let got_keys: Vec<_> = got.iter().map(|e| (e.sequence, e.closed_sequence, e.reward_bp)).collect();
        prop_assert_eq!(got_keys, want);
        prop_assert_eq!(encoder.void(), void);
        prop_assert_eq!(encoder.closed(), got.len() as u64);
        prop_assert!(encoder.open() <= 2 * horizon as usize);
        let regular = |e: &&Event| matches!(e, Event::Decided(r) if r.kind == SampleKind::Regular);
        let opened = events.iter().filter(regular).count() as u64;
        prop_assert_eq!(opened, encoder.closed() + encoder.void() + encoder.open() as u64);
    }

    #[test]
    fn an_encoder_that_was_stored_goes_on_as_it_would_have(
        before in events(),
        after in events(),
        horizon in 1..7u32,
    ) {
        let mut encoder = ExperienceEncoder::new(horizon, &instruments(2));
        let experiences = fold(&mut encoder, &before);
        let mut copy: ExperienceEncoder = decode(&encode(&encoder)).expect("an encoder");
        prop_assert_eq!(fold(&mut copy, &after), fold(&mut encoder, &after));
        prop_assert_eq!(copy, encoder);
        for experience in experiences {
            let copy: Experience = decode(&encode(&experience)).expect("an experience");
            prop_assert_eq!(copy, experience);
        }
    }
}
