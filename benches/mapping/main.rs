//! How fast the mapping engine translates, beside what others need to parse the same bytes: ratios within one run.
//!
//! Strict reading and mapping on, XSD off. The contenders take turns in short rounds, so that what disturbs the machine disturbs all of them
//! and each finds a quiet moment; speeds and ratios are of each one's best round. Other languages' parsers are peers: processes that read
//! `FILE TIMES` lines and answer nanoseconds (`scripts/bench-mapping` brings them).
//!
//!     cargo bench --profile dist --bench mapping -- [--rounds N] [--json] [--peer NAME=COMMAND]… [--only WORD] [--once DOCUMENT=WORK]
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark: it measures, prints and may fail"
)]

/// As the gateway has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

mod documents;
mod peers;

use documents::{Document, Engine};
use peers::Peer;
use std::hint::black_box;
use std::time::Instant;

/// One thing that is timed.
struct Contender<'c> {
    name: String,
    /// Runs it that many times; nanoseconds.
    run: Box<dyn FnMut(u32) -> f64 + 'c>,
    /// Nanoseconds a time, a round each.
    rounds: Vec<f64>,
}

/// What one contender came to on one document.
#[derive(serde::Serialize)]
struct Row {
    document: &'static str,
    bytes: usize,
    contender: String,
    /// Best round.
    megabytes_per_second: f64,
    microseconds: f64,
    /// Its time divided by the base's; the base is the first contender of the document.
    times_base: f64,
}

struct Arguments {
    rounds: usize,
    json: bool,
    only: String,
    once: Option<(String, String)>,
    peers: Vec<(String, String)>,
}

fn arguments() -> Arguments {
    let mut found = Arguments { rounds: 60, json: false, only: String::new(), once: None, peers: Vec::new() };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--rounds" => found.rounds = words.next().unwrap().parse().unwrap(),
            "--json" => found.json = true,
            "--only" => found.only = words.next().unwrap(),
            "--once" => found.once = words.next().unwrap().split_once('=').map(|(d, w)| (d.to_owned(), w.to_owned())),
            "--peer" => found.peers.extend(words.next().unwrap().split_once('=').map(|(n, c)| (n.to_owned(), c.to_owned()))),
            _ => {} // cargo's own `--bench`
        }
    }
    found
}

fn main() {
    let arguments = arguments();
    let engine = Engine::new();
    if let Some((document, work)) = &arguments.once {
        return once(&engine, document, work);
    }
    let mut rows = Vec::new();
    for document in &engine.documents(&arguments.only) {
        let mut peers: Vec<(String, Peer)> = Vec::new();
        if document.is_xml() {
            peers.extend(arguments.peers.iter().map(|(name, command)| (name.clone(), Peer::start(command, document))));
        }
        let mut contenders = contenders(&engine, document);
        for (name, peer) in &mut peers {
            contenders.push(Contender { name: name.clone(), run: Box::new(|times| peer.run(times)), rounds: Vec::new() });
        }
        measure(&mut contenders, arguments.rounds);
        rows.extend(told(document, &contenders));
    }
    if arguments.json { println!("{}", serde_json::to_string(&rows).unwrap()) } else { print(&rows) }
}

/// Runs one piece of work over and over, for a profiler.
fn once(engine: &Engine, name: &str, work: &str) {
    let documents = engine.documents(name);
    let document = documents.first().unwrap();
    for contender in contenders(engine, document).iter_mut().filter(|c| c.name == work) {
        let times = u32::try_from((20_000_000 / document.bytes.len()).max(1)).unwrap();
        (contender.run)(times);
    }
}

fn timed<'c>(name: &str, mut work: impl FnMut() + 'c) -> Contender<'c> {
    let run = move |times: u32| {
        let start = Instant::now();
        (0..times).for_each(|_| work());
        start.elapsed().as_secs_f64() * 1e9
    };
    Contender { name: name.to_owned(), run: Box::new(run), rounds: Vec::new() }
}

/// Ours and Rust's; the first is the base of the ratios.
fn contenders<'c>(engine: &'c Engine, document: &'c Document) -> Vec<Contender<'c>> {
    let text = document.text();
    if !document.is_xml() {
        let mut list = vec![
            timed("serde_json: parse into a Value", move || {
                black_box(serde_json::from_str::<serde_json::Value>(text).unwrap());
            }),
            timed("read: JSON → canonical", move || {
                black_box(engine.read(document));
            }),
            timed("write: canonical → JSON", move || {
                black_box(engine.write(document));
            }),
        ];
        if engine.fits(document) {
            list.push(timed("schema: the canonical form by JSON Schema", move || assert!(engine.fits(document))));
            list.push(timed("portal JSON → Ministry XML, JSON Schema included", move || {
                black_box(engine.translate(document));
            }));
        }
        return list;
    }
    vec![
        timed("roxmltree: bare DOM", move || {
            black_box(roxmltree::Document::parse(text).unwrap());
        }),
        timed("read: XML → canonical", move || {
            black_box(engine.read(document));
        }),
        timed("write: canonical → XML", move || {
            black_box(engine.write(document));
        }),
        timed("quick-xml: bare events", move || {
            let mut reader = quick_xml::Reader::from_str(text);
            while !matches!(reader.read_event().unwrap(), quick_xml::events::Event::Eof) {}
        }),
    ]
}

/// All contenders in each round, each for about two milliseconds.
fn measure(contenders: &mut [Contender<'_>], rounds: usize) {
    const ROUND: f64 = 2e6;
    let times: Vec<u32> = contenders
        .iter_mut()
        .map(|c| {
            let first = (c.run)(1).min((c.run)(1));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let times = (ROUND / first).clamp(1.0, 100_000.0) as u32;
            times
        })
        .collect();
    for _ in 0..rounds {
        for (contender, times) in contenders.iter_mut().zip(&times) {
            let spent = (contender.run)(*times) / f64::from(*times);
            contender.rounds.push(spent);
        }
    }
}

fn told(document: &Document, contenders: &[Contender<'_>]) -> Vec<Row> {
    let best = |c: &Contender<'_>| c.rounds.iter().copied().fold(f64::INFINITY, f64::min);
    let base = contenders.first().map_or(f64::NAN, best);
    let row = |c: &Contender<'_>| {
        let best = best(c);
        #[expect(clippy::cast_precision_loss, reason = "bytes of a document")]
        let bytes = document.bytes.len() as f64;
        Row {
            document: document.name,
            bytes: document.bytes.len(),
            contender: c.name.clone(),
            megabytes_per_second: bytes * 1e3 / best,
            microseconds: best / 1e3,
            times_base: best / base,
        }
    };
    contenders.iter().map(row).collect()
}

fn print(rows: &[Row]) {
    println!("{:<23} {:>9}  {:<50} {:>8} {:>11} {:>11}", "document", "bytes", "contender", "MB/s", "µs", "time ÷ base");
    let mut last = "";
    for row in rows {
        let (name, bytes) = if row.document == last { ("", String::new()) } else { (row.document, row.bytes.to_string()) };
        last = row.document;
        let (speed, time, ratio) = (row.megabytes_per_second, row.microseconds, row.times_base);
        println!("{name:<23} {bytes:>9}  {:<50} {speed:>8.1} {time:>11.1} {ratio:>11.2}", row.contender);
    }
}
