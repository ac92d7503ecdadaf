//! Random interleavings of messages, calls, weather and crashes, by seed.

use super::*;

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
    let books = world.far.books.lock().unwrap();
    assert_eq!(books.violations, Vec::<String>::new(), "seed {seed}");
    assert!(books.pushes.is_empty() && left.is_empty(), "seed {seed}: {left:#?}");
    drop(books);
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
        let mut paid = 0;
        for payment in &snapshot.payments {
            let truth = books.transactions.get(&payment.transaction).copied().unwrap_or(false);
            assert_eq!(payment.state == PaymentState::Paid, truth, "seed {seed}: {}", payment.transaction);
            paid += usize::from(truth);
        }
        let shown = dossier.fee.as_ref().is_some_and(|f| f.state == FeeState::Paid);
        assert_eq!(shown, paid > 0, "seed {seed}: {code}");
        assert_eq!(books.paid_told.get(code).map_or(0, BTreeSet::len), usize::from(paid > 0), "seed {seed}: {code}");
        let told = books.cases.get(code).map_or(0, |c| c.took.iter().filter(|(o, _)| o == "paid").count());
        assert_eq!(told, usize::from(paid > 0), "seed {seed}: {code}");
    }
}
