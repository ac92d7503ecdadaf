//! The dispatcher against invented partners, with a clock turned by hand and the real journal: whatever the weather, the order of
//! messages and the moment of a crash, nothing is lost, nothing is done twice where it must not be, every lane keeps its order.

use super::turns::Turns;
use super::{Board, Parts, Shared, attempt};
use crate::body::{Value, json};
use crate::catalogue::{Catalogue, Files, Shelf};
use crate::clock::{Clock as _, Manual, Time};
use crate::delivery::{BreakerPolicy, Feed, Saved, Terms, Trouble};
use crate::exchange::{self, Current, Origin, Refusal, Scene, Service, Start};
use crate::journal::{
    Acceptance, Accepted, BlobStore, DeliveryFilter, DeliveryView, Effects, Journal, NewMessage, Options, Snapshot,
    SqliteJournal, Take,
};
use crate::model::{Account, FeeState, Kind, Message, Mint, PaymentState, Status};
use crate::partner::{Advice, Call, Reply, SendError, Tokens, Transport};
use crate::seal::Random;
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::Notify;

mod clocked;
mod far;
mod first;
mod never;
mod parcels;
pub(crate) mod simulated;
mod weather;

use far::Far;

const PARTNERS: [&str; 3] = ["bank", "city", "office"];

/// What the invented payment platform can do besides taking a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Platform {
    /// It can be asked.
    Asked,
    /// It can be asked, and gives money back.
    Refunds,
    /// It cannot be asked: its sealed notices decide.
    Silent,
}

/// Dice with a seed.
pub(crate) struct Dice(Mutex<u64>);

/// The gateway around one journal, and the invented partners. Also for tests of floors above, with other sides than [`Far`].
pub(crate) struct World<F = Far> {
    dir: tempfile::TempDir,
    pub(crate) catalogue: Arc<Catalogue>,
    pub(crate) clock: Arc<Manual>,
    pub(crate) dice: Arc<Dice>,
    pub(crate) far: Arc<F>,
    shared: Option<Arc<Shared>>,
    healthy: BTreeMap<&'static str, bool>,
    pub(crate) dossiers: Vec<String>,
}

/// The other sides: they answer calls, may knock at our door, and say when we crash.
pub(crate) trait Side: Transport {
    /// Told when a call hangs until we are killed.
    fn hangs(&self) -> &Notify;
    /// Our door, while we are up.
    fn met(&self, door: Option<Arc<Shared>>);
}

// === impl Dice ===

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    pub(crate) fn reseed(&self, seed: u64) {
        *self.0.lock().unwrap() = seed;
    }

    pub(crate) fn next(&self) -> u64 {
        let mut state = self.0.lock().unwrap();
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = *state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&self, n: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(n.max(1)).unwrap()).unwrap()
    }

    pub(crate) fn percent(&self, n: usize) -> bool {
        self.below(100) < n
    }
}

impl Random for Dice {
    fn fill(&self, to: &mut [u8]) {
        to.iter_mut().for_each(|b| *b = self.next().to_le_bytes()[0]);
    }
}

// === the catalogue ===

const JUDGE: &str = r#"
[judge.plain]
rules = [
  { http = "200", at = "/ok", in = [true], then = "done" },
  { http = "200", at = "/ok", in = [false], then = "reject" },
  { http = "429,503", then = "retry" },
]
"#;

/// Three invented partners over the shipped schemas: name, role, routes (name, message, wire = canonical, repeat, more).
pub(crate) fn catalogue() -> (Files, Arc<Catalogue>) {
    catalogue_with(Platform::Asked)
}

/// The same with a payment platform of this kind.
pub(crate) fn catalogue_with(platform: Platform) -> (Files, Arc<Catalogue>) {
    let shipped = Files::embedded();
    let mut files = Files::default();
    for (path, text) in shipped.under("schemas/") {
        files = files.with(format!("schemas/{path}"), text);
    }
    let told = "code = code; sequence = sequence ?; status = status";
    let ask = |by: &str| format!("repeat = \"ask\"\nask = \"{by}\"\nquiet = \"2m\"\nask-schedule = [\"5s\", \"30s\", \"2m\"]");
    let safe = || "repeat = \"safe\"".to_owned();
    let create = if platform == Platform::Silent { "repeat = \"never\"".to_owned() } else { ask("query") };
    let answer = Some(("refund.state", "refund = refund; state = state; reference = reference ?"));
    let refunds = [
        ("refund", "refund.request", "refund = refund; transaction = transaction; amount = amount", ask("refund-query"), answer),
        ("refund-query", "refund.query", "refund = refund; transaction = transaction", safe(), answer),
    ];
    let mut partners = [
        (
            "office",
            "ministry",
            vec![
                ("submit", "dossier.submit", "code = code", ask("inquiry"), None),
                ("supplement", "dossier.supplement", "code = code", ask("inquiry"), None),
                ("withdraw", "dossier.withdraw", "code = code", ask("inquiry"), None),
                ("paid", "fee.paid", "code = code; transaction = transaction", ask("inquiry"), None),
                (
                    "inquiry",
                    "dossier.query",
                    "code = code; message = message ?",
                    safe(),
                    Some(("dossier.state", "known = known")),
                ),
            ],
        ),
        (
            "city",
            "portal",
            vec![
                ("status", "status.change", told, safe(), None),
                ("progress", "progress.note", told, safe(), None),
                ("fee", "fee.change", "code = code; sequence = sequence; paid = paid", safe(), None),
            ],
        ),
        (
            "bank",
            "payment",
            vec![
                (
                    "create",
                    "payment.request",
                    "transaction = transaction; amount = amount",
                    create,
                    Some(("payment.link", "url = url")),
                ),
                (
                    "query",
                    "payment.query",
                    "transaction = transaction",
                    safe(),
                    Some(("payment.state", "transaction = transaction; amount = amount ?; state = state")),
                ),
            ],
        ),
    ];
    match platform {
        Platform::Asked => {}
        Platform::Refunds => partners[2].2.extend(refunds),
        Platform::Silent => partners[2].2.truncate(1),
    }
    for (name, role, routes) in partners {
        let mut toml = format!(
            "name = \"{name}\"\nrole = \"{role}\"\ntitle = \"{name}\"\n[transport]\nbase = \"https://{name}.example\"\ntimeout = \"9s\"\n{JUDGE}"
        );
        for (route, message, lines, repeat, content) in routes {
            let content_line = content.map_or(String::new(), |_| format!("content = \"{route}-answer\"\n"));
            toml += &format!(
                "[out.{route}]\nmessage = \"{message}\"\nmap = \"{route}\"\npost = \"/{route}\"\njudge = \"plain\"\n{content_line}{repeat}\n"
            );
            files = files.with(format!("adapters/{name}/{route}.map"), map(&shipped, message, lines, true));
            if let Some((message, lines)) = content {
                files = files.with(format!("adapters/{name}/{route}-answer.map"), map(&shipped, message, lines, false));
            }
        }
        files = files.with(format!("adapters/{name}/partner.toml"), toml);
    }
    let catalogue = Catalogue::for_tests(&files);
    (files, Arc::new(catalogue))
}

/// A mapping of these lines; what they do not name is not carried.
fn map(shipped: &Files, message: &str, lines: &str, out: bool) -> String {
    let schema: Value = serde_json::from_str(shipped.text(&format!("schemas/canonical/{message}.json")).unwrap()).unwrap();
    let carried: BTreeSet<&str> = lines.split(';').map(|l| l.split('=').nth(1).unwrap().trim().trim_end_matches(" ?")).collect();
    let left: Vec<&str> =
        schema["properties"].as_object().unwrap().keys().map(|name| name.as_str()).filter(|n| !carried.contains(n)).collect();
    let without = if left.is_empty() { String::new() } else { format!("without: {}\n", left.join(", ")) };
    let id = if out { "id = $message.id\n" } else { "ok = *\n" };
    format!("message: {message}\nformat: json\n{without}\n{id}{}\n", lines.replace("; ", "\n"))
}

// === impl Shared ===

impl Shared {
    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        self.parts.journal.clone()
    }

    pub(crate) fn catalogue(&self) -> Arc<Catalogue> {
        self.parts.current.now().catalogue.clone()
    }
}

// === impl World ===

impl World {
    fn new(seed: u64, files: &Files, catalogue: &Arc<Catalogue>) -> Self {
        let (clock, dice) = (Arc::new(Manual::at(Time(20_400 * 86_400_000))), Arc::new(Dice::new(seed)));
        let far = Arc::new(Far::new(clock.clone(), dice.clone()));
        Self::with(far, clock, dice, files, catalogue)
    }
}

impl<F: Side> World<F> {
    pub(crate) fn with(far: Arc<F>, clock: Arc<Manual>, dice: Arc<Dice>, files: &Files, catalogue: &Arc<Catalogue>) -> Self {
        let shm = Path::new("/dev/shm");
        let dir = if shm.is_dir() { tempfile::tempdir_in(shm) } else { tempfile::tempdir() }.unwrap();
        let healthy = PARTNERS.into_iter().map(|p| (p, true)).collect();
        let mut world = Self { dir, catalogue: catalogue.clone(), clock, dice, far, shared: None, healthy, dossiers: Vec::new() };
        world.open(files);
        world
    }

    /// Opens the journal: at the start, or again after a crash.
    fn open(&mut self, files: &Files) {
        let journal: Arc<dyn Journal> = SqliteJournal::open(self.dir.path(), Options::default()).unwrap();
        let blobs = Arc::new(BlobStore::open(&self.dir.path().join("files")).unwrap());
        let shelf = Shelf::open(&self.dir.path().join("adapters"), self.catalogue.clone(), files, Box::new(|_| None)).unwrap();
        let parts = Parts {
            current: Current::new(self.catalogue.clone()),
            shelf: Arc::new(shelf),
            journal,
            blobs,
            transport: self.far.clone(),
            clock: self.clock.clone(),
            random: self.dice.clone(),
            breaker: BreakerPolicy::default(),
        };
        let shared = Arc::new(Shared { parts, tokens: Tokens::default(), board: Board::default() });
        self.far.met(Some(shared.clone()));
        self.shared = Some(shared);
    }

    /// As by a kill: nothing is settled, everything is read back from disk.
    pub(crate) fn crash(&mut self, files: &Files) {
        self.far.met(None);
        self.shared = None;
        self.open(files);
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        self.shared.clone().unwrap()
    }

    pub(crate) fn journal(&self) -> Arc<dyn Journal> {
        self.shared().journal()
    }

    /// Takes what is due at a partner and runs it; `false`: nothing was due.
    pub(crate) async fn dispatch(&mut self, partner: &'static str, max: u32, files: &Files) -> bool {
        let shared = self.shared();
        let now = self.clock.now();
        let feed = Feed::start(&Terms::default(), &Saved::default(), now);
        let adapters = self.catalogue.digest.clone();
        let outs = self.catalogue.partners[partner].outs.values();
        let batches = outs.filter(|r| r.batch > 1).map(|r| (r.name.clone(), r.batch)).collect();
        let take = Take { partner: partner.to_owned(), max, now, feed, probe: false, adapters, batches };
        let claims = shared.parts.journal.claim(take).await.unwrap().claims;
        let any = !claims.is_empty();
        for call in attempt::calls(claims) {
            let healthy = self.healthy[partner];
            let at_once = (Duration::ZERO, Arc::<Turns>::default());
            let run = attempt::run(shared.clone(), shared.parts.current.now(), call, at_once, healthy);
            let outcome = tokio::select! {
                outcome = run => outcome,
                () = self.far.hangs().notified() => {
                    drop(shared);
                    self.crash(files);
                    return true;
                }
            };
            if let Some(outcome) = outcome {
                self.healthy.insert(partner, outcome.outcome.trouble() == Trouble::None);
            }
        }
        any
    }

    pub(crate) async fn register(&mut self) {
        let code = format!("H26.15-20251108-{:07}", self.dossiers.len() + 1);
        let at = self.clock.now().rfc3339();
        let body = json!({ "code": code, "procedure": "1.005142", "submitted_at": at, "agency": { "code": "H26.15" },
            "owner": { "name": "Người Thử" }, "papers": [] });
        take(&self.shared(), "city", &code, Kind::DossierSubmit, &body, |scene, _, m, s| exchange::submit(scene, m, s))
            .await
            .unwrap();
        self.dossiers.push(code);
    }

    pub(crate) async fn snapshot(&self, code: &str) -> Snapshot {
        self.shared().parts.journal.snapshot(code).await.unwrap()
    }

    pub(crate) async fn unfinished(&self) -> Vec<DeliveryView> {
        self.shared().parts.journal.deliveries(DeliveryFilter { limit: 1000, ..DeliveryFilter::default() }).await.unwrap()
    }

    /// What the clock does: unpaid transactions whose time is over.
    pub(crate) async fn expire(&self) {
        let shared = self.shared();
        let now = self.clock.now();
        for payment in shared.parts.journal.expiring(now, 100).await.unwrap() {
            let snapshot = shared.parts.journal.snapshot(&payment.dossier).await.unwrap();
            let effects = with_scene(&shared, "bank", None, |scene| exchange::expired(scene, &payment, &snapshot));
            shared.parts.journal.apply(effects).await.unwrap();
        }
    }
}

impl World {
    /// What the citizen does.
    async fn citizen(&self) {
        if self.dossiers.is_empty() {
            return;
        }
        let code = &self.dossiers[self.dice.below(self.dossiers.len())];
        let shared = self.shared();
        match self.dice.below(10) {
            0 => {
                let body = json!({ "code": code, "reason": "đổi ý" });
                let _ =
                    take(&shared, "city", code, Kind::DossierWithdraw, &body, |scene, _, m, s| exchange::withdraw(scene, m, s))
                        .await;
            }
            1..=4 => {
                let round = self.snapshot(code).await.dossier.unwrap().rounds + 1;
                let body = json!({ "code": code, "round": round, "papers": [] });
                let _ = take(&shared, "city", code, Kind::DossierSupplement, &body, |scene, _, m, s| {
                    exchange::supplement(scene, m, s)
                })
                .await;
            }
            _ => {
                let body = json!({ "code": code, "return_url": "https://city.example/back" });
                let click = |scene: &Scene<'_>, _: &str, m: &mut Message, s: &Snapshot| match exchange::start(scene, m, s)? {
                    Start::Open(_) => Ok(Effects::default()),
                    Start::New(effects, _) => Ok(*effects),
                };
                let _ = take(&shared, "city", code, Kind::PaymentStart, &body, click).await;
            }
        }
    }
}

pub(crate) fn with_scene<T>(shared: &Shared, partner: &str, service: Option<&Service>, act: impl FnOnce(&Scene<'_>) -> T) -> T {
    let now = shared.parts.clock.now();
    let mint = Mint::new(&*shared.parts.random, now);
    let origin = Origin { partner: partner.into(), caller: partner.into(), ..Origin::default() };
    let files = exchange::Files::new();
    let known = shared.parts.current.now();
    act(&Scene { now, mint: &mint, origin: &origin, guide: known.guide(), service, files: &files })
}

/// One message at the door: decided, accepted; anew when a row has changed meanwhile.
pub(crate) async fn take(
    shared: &Shared,
    partner: &str,
    code: &str,
    kind: Kind,
    body: &Value,
    decide: impl Fn(&Scene<'_>, &str, &mut Message, &Snapshot) -> Result<Effects, Refusal>,
) -> Result<(), &'static str> {
    loop {
        let now = shared.parts.clock.now();
        let snapshot = shared.parts.journal.snapshot(code).await.unwrap();
        let mut message = Message { kind, body: body.clone() };
        let service = match &snapshot.dossier {
            Some(dossier) => Service::of_dossier(&shared.parts.current.now().catalogue, dossier),
            None => Service::of_submission(&shared.parts.current.now().catalogue, &message).ok(),
        };
        let id = Mint::new(&*shared.parts.random, now).message_id();
        let effects = with_scene(shared, partner, service.as_ref(), |scene| decide(scene, &id, &mut message, &snapshot));
        let effects = effects.map_err(|refusal| refusal.code)?;
        let message = NewMessage {
            id,
            partner: partner.into(),
            route: "in".into(),
            kind,
            dossier: Some(code.into()),
            caller: partner.into(),
            received_at: now,
            adapters: shared.parts.current.now().catalogue.digest.clone(),
            body: message.body.to_string().into_bytes(),
            raw: crate::journal::Raw::default(),
        };
        let acceptance = Acceptance { idempotency: None, message, effects, receipt: json!({}) };
        if matches!(shared.parts.journal.accept(acceptance).await.unwrap(), Accepted::New { .. }) {
            return Ok(());
        }
    }
}
