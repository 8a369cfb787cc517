//! The door's night: when one is due, what stands before it, and that a tape tells the same.

use janus::brain::{Bedtime, Door, DoorParams, Next, Outside};
use market::event::EventKind;
use market::{InstrumentId, MarketEvent, SourceId, Timestamp};
use proptest::prelude::*;
use synapse::{Input, InputKind, NoticeKind};

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 1_440 * MINUTE_MS;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ns(ms * 1_000_000)
}

fn daily(minute: i64) -> Option<Bedtime> {
    Some(Bedtime { minute, every_min: 1_440 })
}

fn door(bedtime: Option<Bedtime>) -> Door {
    let mut door = Door::new(&DoorParams { grid_ms: 250, stale_after_ms: 1000 }, &[true], Vec::new());
    door.sleep_at(bedtime);
    door
}

fn slept() -> NoticeKind {
    NoticeKind::Slept { artefact: None, activated: false, reason: "a test".into() }
}

/// Lets in events of these times, and sleeps when it is due: the inputs that come of it.
fn led(door: &mut Door, times: &[i64]) -> Vec<Input> {
    let (mut inputs, before) = (Vec::new(), door.sequence());
    for ms in times {
        let outside = Outside { feed: Some(at(*ms)), ..Outside::default() };
        loop {
            let admitted = door.admit(outside).expect("an event waits");
            let (sequence, time, kind) = match admitted {
                (sequence, time, Next::Tick(tick)) => (sequence, time, InputKind::Tick(tick)),
                (last, time, Next::Night) => {
                    assert_eq!((door.peek(outside), last), (Some(time), before + inputs.len() as u64));
                    let (sequence, due) = door.admit_night().expect("a night is due");
                    assert_eq!(due, time);
                    (sequence, time, InputKind::Notice(slept()))
                }
                (sequence, time, _) => {
                    let (instrument, source) = (InstrumentId(0), SourceId(0));
                    let event = MarketEvent { instrument, time, source, position: 1, kind: EventKind::Clear };
                    door.heard(&event);
                    (sequence, time, InputKind::Market(event))
                }
            };
            inputs.push(Input { sequence, time, kind });
            if matches!(inputs.last().map(|input| &input.kind), Some(InputKind::Market(_))) {
                break;
            }
        }
    }
    inputs
}

fn nights(inputs: &[Input]) -> Vec<i64> {
    let is_night = |input: &&Input| input.kind == InputKind::Notice(slept());
    inputs.iter().filter(is_night).map(|input| input.time.ns() / 1_000_000).collect()
}

#[test]
fn a_night_stands_before_everything_of_its_time() {
    let mut door = door(daily(1));
    let inputs = led(&mut door, &[MINUTE_MS - 300, MINUTE_MS, MINUTE_MS + 100]);
    let kinds: Vec<(i64, &str)> = inputs
        .iter()
        .map(|input| {
            let kind = match &input.kind {
                InputKind::Market(_) => "event",
                InputKind::Tick(_) => "tick",
                InputKind::Notice(_) => "night",
            };
            (input.time.ns() / 1_000_000 - MINUTE_MS, kind)
        })
        .collect();
    assert_eq!(
        kinds,
        [(-300, "event"), (-250, "tick"), (0, "night"), (0, "tick"), (0, "event"), (100, "event")]
    );
}

#[test]
fn there_is_one_a_day_and_none_before_the_first_input_or_behind_the_feeds() {
    let mut late = door(daily(1));
    // what begins at the minute of a night waits for the next one
    let inputs = led(
        &mut late,
        &[MINUTE_MS, MINUTE_MS + 1, DAY_MS, DAY_MS + 2 * MINUTE_MS, 2 * DAY_MS + 2 * MINUTE_MS],
    );
    assert_eq!(nights(&inputs), [DAY_MS + MINUTE_MS, 2 * DAY_MS + MINUTE_MS]);
    let behind = Outside { report: Some(at(9 * DAY_MS)), ..Outside::default() };
    assert!(matches!(late.admit(behind), Some((_, _, Next::Report))));
    assert_eq!(nights(&led(&mut door(None), &[0, 3 * DAY_MS])), [0; 0]);
}

proptest! {
    /// A door that follows a tape is as the one that led, wherever it is cut off.
    #[test]
    fn a_door_that_follows_nights_is_as_the_one_that_led(
        gaps_ms in prop::collection::vec(prop_oneof![0_i64..900, 0_i64..DAY_MS], 1..30),
        minute in 0_i64..1_440,
        every_min in prop::sample::select(vec![30_i64, 1_440]),
        cut: prop::sample::Index,
    ) {
        let times: Vec<i64> = gaps_ms.iter().scan(0, |ms, gap| { *ms += gap; Some(*ms) }).collect();
        let (before, behind) = times.split_at(cut.index(times.len()));
        let bedtime = Bedtime { minute, every_min };
        let (mut leader, mut follower) = (door(Some(bedtime)), door(Some(bedtime)));
        let inputs = led(&mut leader, before);
        inputs.iter().for_each(|input| follower.follow(input));
        prop_assert_eq!(&follower, &leader);
        let more = led(&mut leader, behind);
        prop_assert_eq!(led(&mut follower, behind), more.clone());
        let all = [inputs, more].concat();
        for night in nights(&all) {
            prop_assert_eq!(at(night), bedtime.due_after(at(night - 1)));
            // everything later came behind it
            let place = all.iter().position(|input| input.time >= at(night)).expect("the night");
            prop_assert_eq!(&all[place].kind, &InputKind::Notice(slept()));
        }
    }
}
