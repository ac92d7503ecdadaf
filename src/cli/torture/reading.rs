//! Reading the books: the partners' from their files and control addresses, the gateway's through its own API.

use super::Failed;
use super::books::{Accounts, Books, Filed, Held, Known, Transaction};
use super::ledger::Ledger;
use super::plan::Place;
use super::stage::Stage;
use super::storm::{self, Record};
use crate::cli::remote::{self, Remote, segment};
use crate::simulator::Stall;
use serde::Deserialize as _;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::BufRead as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;

/// Questions to the gateway at the same time.
const AT_ONCE: usize = 8;

/// How often one is asked for.
const TRIES: u32 = 100;

/// Reads all of them as they stand now.
pub(super) async fn read(
    stage: &Arc<Stage>,
    ledger: &Ledger,
    followed: &Mutex<Vec<u64>>,
    record: &Record,
) -> Result<Books, Failed> {
    let mut books = Books { load: ledger.entries(), record: record.clone(), ..Books::default() };
    for place in Place::ALL {
        let unreadable = || Failed::because(format!("the {}'s book cannot be read", place.word()));
        let shown = stage.shown(place, "/_book/summary").await.ok_or_else(unreadable)?;
        let stalls: Vec<Stall> = part(&shown, "/stalls");
        match place {
            Place::Portal => books.portal = by_code(part(&shown, "/state/dossiers"), |d: &Filed| d.code.clone()),
            Place::Ministry => books.ministry = by_code(part(&shown, "/state/dossiers"), |d: &Held| d.code.clone()),
            Place::Payment => books.payment = part::<Vec<Transaction>>(&shown, "/state/transactions"),
        }
        books.stalls.insert(place, stalls);
        let file = stage.partners.get(&place).ok_or_else(unreadable)?.book.clone();
        let lines = std::io::BufReader::new(std::fs::File::open(file).map_err(|_| unreadable())?).lines();
        let calls = lines.map_while(Result::ok).filter_map(|l| serde_json::from_str(&l).ok());
        books.calls.insert(place, calls.collect());
    }
    // A gateway that did not come back has no book; that it did not is a finding of its own.
    if books.record.failed.is_empty() {
        books.gateway = dossiers(stage, &books).await;
        let queues = stage.operator.get("/v1/partners").await?;
        let open = |q: &Value| ["waiting", "claimed", "unknown"].iter().map(|k| remote::number(q, k)).sum::<u64>();
        books.waiting = remote::list(&queues, "partners").iter().map(open).sum();
        books.accounts = Accounts::deserialize(stage.operator.get("/v1/accounts").await?).ok();
        books.parked = parked(&stage.operator).await?;
        books.cases = part(&stage.operator.get("/v1/cases?state=open&limit=1000").await?, "/cases");
        books.events = storm::all_events(stage).await.unwrap_or_default();
    }
    books.followed = followed.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok(books)
}

fn part<T: serde::de::DeserializeOwned + Default>(of: &Value, pointer: &str) -> T {
    of.pointer(pointer).and_then(|v| T::deserialize(v).ok()).unwrap_or_default()
}

fn by_code<T>(all: Vec<T>, code: impl Fn(&T) -> String) -> BTreeMap<String, T> {
    all.into_iter().map(|d| (code(&d), d)).collect()
}

/// What the gateway says of every dossier of the load.
async fn dossiers(stage: &Arc<Stage>, books: &Books) -> BTreeMap<String, Known> {
    let mut codes = books.load.iter().filter_map(|e| e.code.clone());
    let (mut asked, mut all) = (JoinSet::new(), BTreeMap::new());
    loop {
        while asked.len() < AT_ONCE {
            let Some(code) = codes.next() else { break };
            let stage = Arc::clone(stage);
            asked.spawn(async move { known(&stage, &code).await.map(|known| (code, known)) });
        }
        match asked.join_next().await {
            Some(answer) => all.extend(answer.ok().flatten()),
            None => return all,
        }
    }
}

/// What the gateway says of one dossier; none: it does not know it. Asked again when it is asked too often, or too busy.
async fn known(stage: &Stage, code: &str) -> Option<Known> {
    for _ in 0..TRIES {
        match stage.operator.get(&format!("/v1/dossiers/{}", segment(code))).await {
            Ok(shown) => return serde_json::from_value(shown).ok(),
            Err(failed) if failed.text.contains("(HTTP 404)") => return None,
            Err(_) => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    }
    None
}

async fn parked(operator: &Remote) -> Result<Vec<(u64, String)>, Failed> {
    let list = operator.get("/v1/deliveries?state=parked&limit=1000").await?;
    let one = |d: &Value| {
        let text = |name: &str| remote::text(d, name);
        (remote::number(d, "delivery"), format!("{} {} {}: {}", text("partner"), text("route"), text("dossier"), text("reason")))
    };
    Ok(remote::list(&list, "deliveries").iter().map(one).collect())
}
