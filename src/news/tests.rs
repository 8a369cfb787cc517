use std::path::{Path, PathBuf};

use market::feed::FeedStats;
use market::{InstrumentId, Instruments};

use super::*;
use crate::config::Loader;
use crate::inference::{InferenceParams, Kind};

/// Something of the tests' data.
fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

fn config() -> Config {
    let text = "[instrument.BTC]\ntick = \"1\"\n[instrument.ETH]\ntick = \"1\"\n";
    Loader::new().text(text, "test").and_then(Loader::finish).expect("a configuration")
}

fn instruments() -> Instruments {
    config().known(&config().instrument_names()).expect("facts")
}

fn of(name: &str, text: &str) -> Result<(Vec<Headline>, FeedStats), Failure> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, text).expect("written");
    read(&path, &instruments()).map(|(headlines, mut stats)| {
        stats.faults.iter_mut().for_each(|fault| fault.file = name.to_owned());
        (headlines, stats)
    })
}

fn times(name: &str, text: &str) -> Vec<String> {
    of(name, text).expect("read").0.iter().map(|headline| headline.time.to_string()).collect()
}

fn faults(name: &str, text: &str) -> Vec<String> {
    let (headlines, stats) = of(name, text).expect("read");
    assert_eq!(
        (stats.rows, stats.accepted),
        (headlines.len() as u64 + stats.refused, headlines.len() as u64)
    );
    stats.faults.iter().map(ToString::to_string).collect()
}

#[test]
fn json_and_csv_say_the_same() {
    let json = "{\"time\":\"2026-05-02T10:00:00+02:00\",\"instruments\":[\"ETH\",\"BTC\",\"ETH\"],\"text\":\" a, b \"}\n\
                \n\
                {\"time\":\"2026-05-02T08:30Z\",\"instruments\":\"ETH;\",\"text\":\"c\",\"link\":7}\n\
                {\"time\":\"2026-05-02T08:30Z\",\"text\":\"d\"}\n";
    let csv = "\u{feff}Text,link,instruments,time\n\
               \"a, b\",,ETH; BTC,2026-05-02T10:00:00+02:00\n\
               c,7,ETH,2026-05-02T08:30Z\n\
               d,7,,2026-05-02T08:30Z\n";
    let (headlines, stats) = of("a.jsonl", json).expect("read");
    assert_eq!(headlines, of("a.csv", csv).expect("read").0);
    let (btc, eth) = (InstrumentId(0), InstrumentId(1));
    let about: Vec<_> = headlines.iter().map(|headline| headline.instruments.clone()).collect();
    assert_eq!(about, [vec![eth, btc], vec![eth], vec![btc, eth]]);
    assert_eq!((headlines[0].text.as_str(), stats.rows, stats.refused), ("a, b", 3, 0));
    assert_eq!(headlines[0].time, Timestamp::parse_civil("2026-05-02T08:00:00Z").expect("a time"));
}

#[test]
fn a_headline_dated_by_day_counts_from_the_next() {
    let day = times("a.csv", "time,text\n2026-05-01,a\n2026-05-02 09:00,b\n2026-05-02,c\n");
    assert_eq!(
        day,
        times("a.csv", "time,text\n2026-05-02 00:00,a\n2026-05-02 09:00,b\n2026-05-03 00:00,c\n")
    );
    assert_eq!(times("a.csv", "time,text\n05/01/2026,a\n"), day[..1]);
    let midnight_ms = 1_777_680_000_000_i64;
    let epoch =
        format!("{{\"time\":{midnight_ms},\"text\":\"a\"}}\n{{\"time\":\"{midnight_ms}\",\"text\":\"b\"}}");
    assert_eq!(times("a.jsonl", &epoch), [day[0].clone(), day[0].clone()], "an epoch is no day");
}

#[test]
fn a_row_with_a_fault_is_refused_and_named() {
    let long = "x".repeat(TEXT_BYTES + 1);
    let csv = format!(
        "time,instruments,text\n2026-05-02 09:00,BTC,a\nyesterday,BTC,b\n2026-05-02 10:00,XRP,c\n\
         2026-05-02 10:00,BTC,  \n2026-05-02 10:00,BTC,{long}\n2026-05-02 08:00,BTC,d\n2026-05-02 10:00,BTC\n\
         2026-05-01,,e\n2026-05-02 11:00,BTC,f\n"
    );
    let said = [
        "a.csv:3: time `yesterday` is no time",
        "a.csv:4: instrument `XRP` is unknown; known are BTC, ETH",
        "a.csv:5: text is empty",
        "a.csv:6: text has 4097 bytes, and may have 4096",
        "a.csv:7: counts from 2026-05-02",
        "a.csv:8: ",
        "a.csv:9: counts from 2026-05-02",
    ];
    let faults = faults("a.csv", &csv);
    assert_eq!(faults.len(), said.len(), "{faults:#?}");
    for (fault, said) in faults.iter().zip(said) {
        assert!(fault.starts_with(said), "{fault}");
    }
}

#[test]
fn json_that_is_none_is_refused_and_the_next_is_read() {
    let rows = "{\"time\":1777680000,\"text\":\"a\"}\nnonsense\n{\"text\":\"b\"}\n{\"time\":1777680001,\"text\":\"c\"}\n";
    let faults = faults("a.jsonl", rows);
    assert_eq!(faults.len(), 2);
    assert!(faults[0].starts_with("a.jsonl:2: ") && faults[1].contains("missing field `time`"), "{faults:?}");
}

#[test]
fn a_file_that_holds_no_headlines_is_bad_input() {
    for (name, text, said) in [
        ("a.txt", "", "call it .jsonl or .csv"),
        ("a.csv", "time,headline\n", "column `text` is missing; the header has time, headline"),
    ] {
        let Err(Failure::Input(message)) = of(name, text) else { panic!("{name} was read") };
        assert!(message.contains(said), "{message}");
    }
    assert!(matches!(read(Path::new("nowhere.csv"), &instruments()), Err(Failure::Input(_))));
}

/// A model of the tests' data, or the one that is named.
fn embedder(folder: &Path) -> Result<Embedder, Failure> {
    Embedder::open(folder, &InferenceParams::default(), NUMBERS)
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn an_embedding_is_the_mean_of_its_tokens_with_length_one() {
    let mut embedder = embedder(&data("text-model")).expect("the tests' model");
    let embedding = embedder.embed("Bitcoin rises, oddly").expect("embedded");
    // [CLS] bitcoin rises [UNK] [UNK] [SEP], as the tokenizer of its authors gives them
    let tokens = [2.0, 4.0, 5.0, 1.0, 1.0, 3.0];
    let mean = |k: usize| tokens.iter().map(|id| (id * 0.017 * (k + 1) as f64).sin()).sum::<f64>() / 6.0;
    let length = (0..NUMBERS).map(|k| mean(k).powi(2)).sum::<f64>().sqrt();
    for (k, number) in embedding.iter().enumerate() {
        assert!((f64::from(*number) - mean(k) / length).abs() < 1e-5, "number {k} is {number}");
    }
    let hash = *blake3::hash(
        &["model.onnx", "tokenizer.json"]
            .map(|name| std::fs::read(data("text-model").join(name)).expect(name))
            .concat(),
    )
    .as_bytes();
    assert_eq!(embedder.hash(), hash);
}

#[test]
fn a_model_that_does_not_fit_is_named() {
    let said = |result: Result<Embedder, Failure>| match result {
        Err(Failure::Input(message)) => message,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was opened"),
    };
    let other = Embedder::open(&data("text-model"), &InferenceParams::default(), 12);
    assert!(said(other).contains("it gives 384 numbers a text, and the network reads 12"));
    assert!(said(embedder(&data("nowhere"))).contains("must be a folder with model.onnx and tokenizer.json"));
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::copy(data("text-model/tokenizer.json"), folder.path().join("tokenizer.json")).expect("copied");
    std::fs::write(folder.path().join("model.onnx"), "none").expect("written");
    let message = said(embedder(folder.path()));
    assert!(message.contains("model.onnx"), "{message}");
    let is_tract = InferenceParams::default().graphs().expect("a back end") == Kind::OrtTract;
    assert_eq!(message.contains("set inference.runtime"), is_tract, "{message}");
}

/// all-MiniLM-L6-v2 or the like, where the variable names its folder.
#[test]
fn paraphrases_are_nearer_than_strangers() {
    let Some(folder) = std::env::var_os("JANUS_TEXT_MODEL") else {
        println!("SKIPPED paraphrases: JANUS_TEXT_MODEL names no folder with model.onnx and tokenizer.json");
        return;
    };
    let mut embedder = embedder(Path::new(&folder)).expect("the model that JANUS_TEXT_MODEL names");
    let texts = [
        "The central bank raises interest rates by half a point",
        "Interest rates go up 50 basis points, central bank says",
        "A crypto exchange halts withdrawals after a hack",
    ];
    let embeddings = texts.map(|text| embedder.embed(text).expect("embedded"));
    for (text, embedding) in texts.iter().zip(&embeddings) {
        assert!((cosine(embedding, embedding) - 1.0).abs() < 1e-5, "{text}");
        let again = embedder.embed(text).expect("embedded");
        assert!(embedding.iter().zip(&again).all(|(a, b)| a.to_bits() == b.to_bits()), "{text}");
    }
    let (near, far) = (cosine(&embeddings[0], &embeddings[1]), cosine(&embeddings[0], &embeddings[2]));
    println!("paraphrases {near}, strangers {far}; numbers {:?}", &embeddings[0][..4]);
    assert!(near > far + 0.2, "paraphrases {near}, strangers {far}");
}

/// Headlines at such seconds, of which those older than 100 s are stale.
fn news(seconds: &[i64]) -> News {
    let headline =
        |s: &i64| Headline { time: at(*s), instruments: vec![InstrumentId(0)], text: format!("of {s}") };
    let embedder = embedder(&data("text-model")).expect("the tests' model");
    News {
        name: "a.csv".to_owned(),
        stats: FeedStats::default(),
        stale_ns: 100 * market::time::SECOND_NS,
        numbers: Some(NUMBERS),
        from: Origin::File(seconds.iter().map(headline).collect(), Box::new(embedder)),
        next: None,
        latest: None,
        fault: None,
    }
}

fn at(s: i64) -> Timestamp {
    Timestamp::from_ns(s * market::time::SECOND_NS)
}

fn told(news: &mut News, now: i64) -> Vec<Timestamp> {
    std::iter::from_fn(|| {
        let time = news.peek(at(now))?;
        news.take().map(|_| time)
    })
    .collect()
}

#[test]
fn what_can_be_fresh_is_told_in_order() {
    assert_eq!(told(&mut news(&[800, 899, 900, 950, 1000, 2000]), 1000), [900, 950, 1000, 2000].map(at));
    let mut resumed = news(&[800, 900, 950, 1000]);
    resumed.begin(at(1000), 2);
    assert_eq!(told(&mut resumed, 1100), [at(1000)], "two were taken before");
    let mut live = news(&[900, 950, 1000]);
    live.begin_behind(at(950));
    assert_eq!(told(&mut live, 960), [at(1000)]);
}
