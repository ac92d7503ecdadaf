//! Random interleavings of messages, calls, weather and crashes, by seed.

use super::*;
use std::sync::atomic::AtomicUsize;

/// Sequences run: a few seconds; 1500 were run once.
const SEQUENCES: u64 = 120;

/// Steps of one sequence.
const STEPS: usize = 70;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_any_weather_nothing_is_lost_nothing_is_done_twice_and_every_lane_keeps_its_order() {
    let (files, catalogue) = catalogue();
    let mut calls = 0;
    for seed in 0..SEQUENCES {
        let mut world = World::new(seed, &files, &catalogue);
        storm(&mut world, &files).await;
        calm(&mut world, &files).await;
        check(&world, seed).await;
        calls += world.far.books.lock().unwrap().calls;
    }
    assert!(calls > 1000, "{calls} calls are no test");
}

async fn storm(world: &mut World, files: &Files) {
    for _ in 0..STEPS {
        match world.dice.below(100) {
            0..8 if world.dossiers.len() < 4 => world.register().await,
            8..25 => world.citizen().await,
            25..40 => world.far.work(),
            40..55 => {
                world.far.knock().await;
            }
            55..60 => world.far.pay(),
            60..63 => world.expire().await,
            63..70 => world.clock.turn(Duration::from_secs(1 + u64::try_from(world.dice.below(90)).unwrap())),
            n => {
                world.far.crash.store(n == 99, Ordering::SeqCst);
                let partner = PARTNERS[world.dice.below(3)];
                world.dispatch(partner, 1 + u32::try_from(world.dice.below(3)).unwrap(), files).await;
                world.clock.turn(Duration::from_millis(500));
            }
        }
    }
}

async fn calm(world: &mut World, files: &Files) {
    world.far.calm.store(true, Ordering::SeqCst);
    world.far.crash.store(false, Ordering::SeqCst);
    for _ in 0..200 {
        world.clock.turn(Duration::from_secs(20));
        world.expire().await;
        while world.far.knock().await {}
        for partner in PARTNERS {
            while world.dispatch(partner, 10, files).await {}
        }
    }
}

async fn check(world: &World, seed: u64) {
    let left = world.unfinished().await;
    assert_eq!(world.far.books.lock().unwrap().violations, Vec::<String>::new(), "seed {seed}");
    assert!(world.far.books.lock().unwrap().pushes.is_empty() && left.is_empty(), "seed {seed}: {left:#?}");
    for code in &world.dossiers {
        let snapshot = world.snapshot(code).await;
        let dossier = snapshot.dossier.unwrap();
        let books = world.far.books.lock().unwrap();
        match books.cases.get(code) {
            Some(case) => assert_eq!(dossier.status, case.status, "seed {seed}: {code}"),
            None => assert_eq!(dossier.status, Status::Withdrawn, "seed {seed}: {code} is nowhere"),
        }
        if dossier.told > 0
            && let Some(told) = books.last_status.get(code)
        {
            assert_eq!(told, dossier.status.word(), "seed {seed}: {code} as the portal knows it");
        }
        // What came for a fee that is owed no more (withdrawn meanwhile, paid already) is kept apart and told to nobody as its payment.
        let (mut paid, mut over) = (0, 0);
        for payment in &snapshot.payments {
            let truth = books.transactions.get(&payment.transaction).copied().unwrap_or(false);
            assert_eq!(payment.state == PaymentState::Paid, truth, "seed {seed}: {}", payment.transaction);
            let pays = payment.held_in != Account::Overpaid;
            (paid, over) = (paid + usize::from(truth && pays), over + usize::from(truth && !pays));
        }
        let owes_nothing = paid > 0 || matches!(dossier.status, Status::Refused | Status::Withdrawn);
        assert!(paid <= 1 && (over == 0 || owes_nothing), "seed {seed}: {code}: {paid} pay the fee, {over} are too much");
        let shown = dossier.fee.as_ref().is_some_and(|f| f.state == FeeState::Paid);
        assert_eq!(shown, paid > 0, "seed {seed}: {code}");
        assert_eq!(books.paid_told.get(code).map_or(0, BTreeSet::len), usize::from(paid > 0), "seed {seed}: {code}");
        let told = books.cases.get(code).map_or(0, |c| c.took.iter().filter(|(o, _)| o == "paid").count());
        assert_eq!(told, usize::from(paid > 0), "seed {seed}: {code}");
    }
}

/// A ministry whose look-up lags: the call is cut after processing, and while we ask, its push comes and the answer is "not known".
struct Lagging {
    submissions: AtomicUsize,
    door: Mutex<Option<Arc<Shared>>>,
}

impl Transport for Lagging {
    fn send(&self, call: Call) -> Pin<Box<dyn Future<Output = Result<Reply, SendError>> + Send + '_>> {
        Box::pin(async move {
            let body: Value = serde_json::from_slice(call.body.whole().unwrap()).unwrap();
            if call.url.ends_with("/submit") {
                self.submissions.fetch_add(1, Ordering::SeqCst);
                return Err(SendError::Lost("cut"));
            }
            let shared = self.door.lock().unwrap().clone().unwrap();
            let code = body["code"].as_str().unwrap();
            let at = shared.parts.clock.now().rfc3339();
            let push = json!({ "code": code, "status": "received", "at": at, "missing": [], "documents": [] });
            let decide = |scene: &Scene<'_>, id: &str, m: &mut Message, s: &Snapshot| exchange::pushed(scene, id, m, s);
            take(&shared, "office", code, Kind::StatusChange, &push, decide).await.unwrap();
            Ok(Reply { status: 200, advice: Advice::default(), body: r#"{"ok":true,"known":false}"#.into() })
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_push_that_comes_while_we_ask_keeps_the_submission_from_being_sent_again() {
    let (files, catalogue) = catalogue();
    let mut world = World::new(1, &files, &catalogue);
    let lagging = Arc::new(Lagging { submissions: AtomicUsize::new(0), door: Mutex::default() });
    let before = world.shared.take().unwrap();
    let parts = Parts { transport: lagging.clone(), ..before.parts.clone() };
    let shared = Arc::new(Shared { parts, tokens: Tokens::default(), board: Board::default() });
    *lagging.door.lock().unwrap() = Some(shared.clone());
    world.shared = Some(shared);
    world.register().await;
    for _ in 0..10 {
        world.dispatch("office", 10, &files).await;
        world.clock.turn(Duration::from_secs(150));
    }
    assert_eq!(lagging.submissions.load(Ordering::SeqCst), 1);
    assert!(world.unfinished().await.iter().all(|d| d.partner != "office"));
}
