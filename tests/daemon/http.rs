//! Health and metrics of a running daemon over HTTP, and the command that is told of its latch.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;

use janus::control::Ask;
use janus::metrics::METRICS;

use crate::common::{Process, acknowledged, tell, until, until_status};
use crate::place::Place;

const ROWS: usize = 9_000;

/// Status and body of an answer; none where nobody answers.
fn get(address: &str, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: janus\r\nConnection: close\r\n\r\n").ok()?;
    let mut text = String::new();
    stream.read_to_string(&mut text).ok()?;
    let status = text.split(' ').nth(1)?.parse().ok()?;
    let (_, body) = text.split_once("\r\n\r\n")?;
    Some((status, body.to_owned()))
}

/// Where the daemon says that it answers.
pub fn address(daemon: &Process) -> String {
    until("an address", || {
        let said = daemon.said();
        said.lines()
            .find_map(|line| line.strip_prefix("janus: health and metrics at http://"))
            .map(str::to_owned)
    })
}

/// A value of the metrics; none where it is not told.
pub fn value(metrics: &str, name: &str) -> Option<f64> {
    metrics.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))?.parse().ok()
}

pub fn metrics(address: &str) -> String {
    let (status, body) = get(address, "/metrics").expect("answered");
    assert_eq!(status, 200, "{body}");
    body
}

#[test]
fn a_running_daemon_tells_health_readiness_and_what_it_did() {
    let place = Place::new(ROWS);
    let journal = place.journal();
    let daemon = place.daemon(&journal, &["--speed", "max", "--http", "127.0.0.1:0", &place.feed()]);
    let address = address(&daemon);
    let status = until_status(&journal, "the end of the feed", |status| {
        let is_over = |feed: &serde_json::Value| feed["state"] == "ended";
        status["feeds"].as_array().is_some_and(|feeds| feeds.iter().all(is_over))
            && status["decisions"].as_u64() > Some(500)
            && status["sequence"] == status["durable"]
    });
    let decisions = status["decisions"].as_u64().expect("a count") as f64;
    let told = until("all that it did", || {
        let told = metrics(&address);
        let is_durable = value(&told, "janus_journal_lag") == Some(0.0);
        (is_durable && value(&told, "janus_decisions_total") == Some(decisions)).then_some(told)
    });
    assert_eq!(value(&told, "janus_inputs_total"), status["sequence"].as_f64());
    assert_eq!((value(&told, "janus_journal_lag"), value(&told, "janus_gate_open")), (Some(0.0), Some(1.0)));
    assert_eq!(value(&told, "janus_decided_seconds_count"), Some(decisions));
    assert!(value(&told, "janus_fills_total") > Some(0.0), "{told}");
    assert!(value(&told, "janus_anomaly_distance") > Some(0.0), "{told}");
    for region in janus::brain::REGIONS {
        let handled = value(&told, &format!("janus_region_handled_total{{region=\"{region}\"}}"));
        assert!(handled >= Some(decisions), "{region}: {told}");
        let p99 =
            value(&told, &format!("janus_region_latency_seconds{{region=\"{region}\",quantile=\"0.99\"}}"));
        assert!(p99 > Some(0.0), "{region}: {told}");
    }
    METRICS.iter().for_each(|metric| assert!(told.contains(&metric.full_name()), "{}", metric.name));
    assert_eq!(get(&address, "/healthz").map(|answer| answer.0), Some(200));
    assert_eq!(get(&address, "/readyz"), Some((200, "ready\n".to_owned())));
    acknowledged(&journal, &Ask::Halt { by: "ann".into(), reason: "a test".into() }).expect("acknowledged");
    until("a closed gate", || {
        (get(&address, "/readyz")? == (503, "latched, operator\n".to_owned())).then_some(())
    });
    assert_eq!(get(&address, "/healthz").map(|answer| answer.0), Some(200), "it is alive all the same");
    let doctor = tell(&["doctor", "--json"], &journal).json();
    let checks = doctor["checks"].as_array().expect("checks");
    let of = |name: &str| checks.iter().find(|check| check["name"] == name).expect("a check");
    assert_eq!(of("daemon")["level"], "warn", "it is latched: {doctor}");
    assert!(of("journal")["found"].as_str().is_some_and(|found| found.contains("being written")), "{doctor}");
    daemon.kill();
    assert_eq!(get(&address, "/healthz"), None);
    let doctor = tell(&["doctor", "--json"], &journal).json().to_string();
    assert!(doctor.contains("the process before died") && doctor.contains("none runs here"), "{doctor}");
}

#[test]
fn an_address_that_is_taken_is_told_before_anything_is_traded() {
    let place = Place::new(10);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("an address");
    let address = taken.local_addr().expect("an address").to_string();
    let daemon = place.daemon(&place.journal(), &["--once", "--http", &address, &place.feed()]);
    daemon.end().fails(3, &[&address, "give --http another address"]);
}

/// The events that the command of a place was told, once there are so many.
fn told(folder: &Path, count: usize) -> Vec<serde_json::Value> {
    until("what is told", || {
        let text = fs::read_to_string(folder.join("told")).ok()?;
        let events: Vec<_> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        (events.len() >= count).then_some(events)
    })
}

#[test]
fn each_latch_runs_the_command_and_it_is_an_error_in_the_log() {
    let place = Place::new(ROWS);
    let (journal, folder) = (place.journal(), place.path("notify"));
    fs::create_dir(&folder).expect("a folder");
    let script = folder.join("notify.sh");
    fs::write(&script, "cat >> $1/told\n").expect("written");
    let notify = format!("daemon.notify=/bin/sh {} {}", script.display(), folder.display());
    let daemon = place.daemon(&journal, &["--speed", "1", "--set", &notify, &place.feed()]);
    until_status(&journal, "decisions", |status| status["decisions"].as_u64() > Some(20));
    let word = |kind: fn(String, String) -> Ask| {
        acknowledged(&journal, &kind("ann".into(), "a test".into())).expect("acknowledged")
    };
    let halted = [0, 1].map(|_| {
        let halted = word(|by, reason| Ask::Halt { by, reason });
        word(|by, reason| Ask::Arm { by, reason });
        halted
    });
    let events = told(&folder, 2);
    for (event, sequence) in events.iter().zip(halted) {
        assert_eq!((&event["event"], &event["cause"]), (&"latch".into(), &"operator".into()), "{event}");
        assert!(event["sequence"].as_u64() >= Some(sequence), "{event}, halted by input {sequence}");
    }
    let ended = daemon.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stderr.matches("latch: somebody has to look").count(), 2, "{}", ended.stderr);
}
