use super::*;
use market::order::ClientId;
use synapse::CommandKind;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ns(ms * MS_NS)
}

fn door(instruments: usize, commands: Vec<(Timestamp, Command)>) -> Door {
    Door::new(&DoorParams { grid_ms: 250, stale_after_ms: 1000 }, &vec![true; instruments], commands)
}

fn feed(ms: i64) -> Outside {
    Outside { feed: Some(at(ms)), ..Outside::default() }
}

fn event(ms: i64) -> MarketEvent {
    let (instrument, source) = (InstrumentId(0), SourceId(0));
    MarketEvent { instrument, time: at(ms), source, position: 1, kind: market::event::EventKind::Clear }
}

fn hear(door: &mut Door, ms: i64) {
    let (_, _, next) = door.admit(feed(ms)).expect("an event");
    assert_eq!(next, Next::Feed);
    door.heard(&event(ms));
}

fn ticks_before(door: &mut Door, ms: i64) -> Vec<(i64, usize, usize)> {
    let mut ticks = Vec::new();
    while let Some(time) = door.peek(feed(ms)).filter(|t| *t < at(ms) || door.grid == Some(at(ms))) {
        match door.admit(feed(ms)) {
            Some((_, _, Next::Tick(tick))) => {
                ticks.push((time.ns() / MS_NS, tick.fresh.len(), tick.stale.len()))
            }
            _ => break,
        }
    }
    ticks
}

#[test]
fn a_tick_stands_before_the_events_of_its_time() {
    let mut door = door(1, vec![]);
    hear(&mut door, 100);
    assert_eq!(ticks_before(&mut door, 500), [(250, 1, 0), (500, 1, 0)]);
    hear(&mut door, 500);
    assert_eq!(door.peek(feed(600)), Some(at(600)));
}

#[test]
fn the_first_tick_is_later_than_the_first_event() {
    let mut door = door(1, vec![]);
    assert_eq!(door.peek(feed(250)), Some(at(250)));
    hear(&mut door, 250);
    assert_eq!(ticks_before(&mut door, 500), [(500, 1, 0)]);
}

#[test]
fn silence_ends_with_one_stale_tick() {
    let mut door = door(1, vec![]);
    hear(&mut door, 100);
    let ticks = ticks_before(&mut door, 10_000);
    assert_eq!(ticks, [(250, 1, 0), (500, 1, 0), (750, 1, 0), (1000, 1, 0), (1250, 0, 1)]);
    hear(&mut door, 10_000);
    assert_eq!(ticks_before(&mut door, 10_300), [(10_250, 1, 0)]);
}

#[test]
fn one_that_never_spoke_is_skipped() {
    let mut door = door(2, vec![]);
    hear(&mut door, 100);
    assert_eq!(ticks_before(&mut door, 300), [(250, 1, 0)]);
    assert_eq!(door.skipped(), 1);
}

#[test]
fn ranks_order_one_time() {
    let halt = Command { kind: CommandKind::Halt, by: "ada".into(), reason: "test".into() };
    let mut door = door(1, vec![(at(250), halt)]);
    hear(&mut door, 100);
    let id = ClientId { sequence: 1, instrument: InstrumentId(0), k: 0 };
    door.take_back(at(250), NoticeKind::CancelSent(id));
    door.take_back(at(250), NoticeKind::Restarted);
    let outside = Outside { feed: Some(at(250)), report: Some(at(250)), ..Outside::default() };
    let mut seen = Vec::new();
    for _ in 0..6 {
        let (_, time, next) = door.admit(outside).expect("six wait");
        assert_eq!(time, at(250));
        seen.push(match next {
            Next::Notice(NoticeKind::Restarted) => "restarted",
            Next::Notice(NoticeKind::CancelSent(_)) => "cancel sent",
            Next::Notice(NoticeKind::Command(_)) => "command",
            Next::Notice(_) => "other",
            Next::Report => "report",
            Next::Tick(_) => "tick",
            Next::Feed => "feed",
            Next::News => "news",
            Next::Night => "night",
        });
        if seen.last() == Some(&"report") {
            let rest = feed(250);
            while let Some((_, _, next)) = door.admit(rest) {
                seen.push(match next {
                    Next::Notice(_) => "command",
                    Next::Tick(_) => "tick",
                    _ => "feed",
                });
                if seen.last() == Some(&"feed") {
                    break;
                }
            }
            break;
        }
    }
    assert_eq!(seen, ["restarted", "cancel sent", "report", "command", "tick", "feed"]);
}

#[test]
fn a_headline_stands_behind_commands_and_before_the_tick_of_its_time() {
    let arm = Command { kind: CommandKind::Arm, by: "ada".into(), reason: "test".into() };
    let mut door = door(1, vec![(at(250), arm)]);
    hear(&mut door, 100);
    let mut follower = door.clone();
    let outside = Outside { news: Some(at(250)), ..feed(250) };
    assert!(matches!(door.admit(outside), Some((2, _, Next::Notice(NoticeKind::Command(_))))));
    assert_eq!(door.admit(outside), Some((3, at(250), Next::News)));
    assert!(matches!(door.admit(feed(250)), Some((4, _, Next::Tick(_)))));
    assert_eq!(door.news(), 1);
    // who follows the tape has seen as many, and makes the tick too
    let arm = Command { kind: CommandKind::Arm, by: "ada".into(), reason: "test".into() };
    let news = NoticeKind::News { instruments: vec![], embedding: [].into(), model: [0; 32] };
    for (sequence, notice) in [(2, NoticeKind::Command(arm)), (3, news)] {
        follower.follow(&Input { sequence, time: at(250), kind: InputKind::Notice(notice) });
    }
    assert!(matches!(follower.admit(feed(250)), Some((4, _, Next::Tick(_)))));
    assert_eq!(follower, door);
}

#[test]
fn a_headline_waits_for_its_time_and_comes_no_more_after_the_feeds() {
    let mut door = door(1, vec![]);
    hear(&mut door, 100);
    let news = |outside| Outside { news: Some(at(200)), ..outside };
    let silent = |ms| Outside { silent_until: Some(at(ms)), ..Outside::default() };
    assert_eq!(door.peek(news(silent(199))), None);
    assert_eq!(door.peek(news(Outside::default())), None);
    assert_eq!(door.admit(news(silent(200))), Some((2, at(200), Next::News)));
}

#[test]
fn there_are_no_ticks_after_the_feeds() {
    let mut door = door(1, vec![]);
    hear(&mut door, 100);
    let outside = Outside { report: Some(at(900)), ..Outside::default() };
    assert!(matches!(door.admit(outside), Some((2, _, Next::Report))));
    assert_eq!(door.admit(Outside::default()), None);
}

#[test]
fn silence_lets_time_pass_and_is_no_input() {
    let mut door = door(1, vec![]);
    hear(&mut door, 100);
    let silent = |ms| Outside { silent_until: Some(at(ms)), ..Outside::default() };
    assert_eq!(door.peek(silent(200)), None);
    assert!(matches!(door.admit(silent(300)), Some((2, _, Next::Tick(_)))));
    assert_eq!(door.peek(silent(300)), None);
}

#[test]
fn a_door_that_follows_is_as_the_one_that_led() {
    let mut door = door(2, vec![]);
    let mut follower = door.clone();
    for ms in [100, 620, 5000, 5100, 9000] {
        while let Some((sequence, time, next)) = door.admit(feed(ms)) {
            let is_feed = next == Next::Feed;
            let kind = match next {
                Next::Feed => InputKind::Market(event(ms)),
                Next::Tick(tick) => InputKind::Tick(tick),
                _ => panic!("only a feed"),
            };
            if is_feed {
                door.heard(&event(ms));
            }
            follower.follow(&Input { sequence, time, kind });
            assert_eq!(follower, door, "after input {sequence}");
            if is_feed {
                break;
            }
        }
    }
    assert!(door.sequence() > 10);
}
