//! What must hold of the fair order, in simulated time: shares, no starvation, and the bound on what a flood can do to others.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

/// A message: when it came (in service times of the partner), whose it is.
type Arrival = (u64, &'static str, &'static str);

/// Serves one message each service time, in the fair order; answers (arrival, when it was served, at whose turn).
fn serve(shares: &Shares, mut arrivals: Vec<Arrival>) -> Vec<(Arrival, u64)> {
    arrivals.sort_by_key(|a| a.0);
    let mut fair = Fair::new(shares.clone());
    let mut queues: BTreeMap<(&str, &str), VecDeque<Arrival>> = BTreeMap::new();
    let mut coming = arrivals.into_iter().peekable();
    let (mut now, mut served) = (0, Vec::new());
    loop {
        while let Some(a) = coming.next_if(|a| a.0 <= now) {
            queues.entry((a.1, a.2)).or_default().push_back(a);
        }
        let waiting: Vec<(&str, &str)> = queues.iter().filter(|(_, q)| !q.is_empty()).map(|(k, _)| *k).collect();
        match fair.choose(waiting.iter().copied()) {
            Some((class, caller)) => {
                fair.charge(class, caller);
                let a = queues.get_mut(&(class, caller)).unwrap().pop_front().unwrap();
                served.push((a, now));
                now += 1;
            }
            None => match coming.peek() {
                Some(next) => now = next.0,
                None => return served,
            },
        }
    }
}

fn flood(n: u64, class: &'static str, caller: &'static str) -> Vec<Arrival> {
    (0..n).map(|_| (0, class, caller)).collect()
}

fn percentile(mut waits: Vec<u64>, percent: usize) -> u64 {
    waits.sort_unstable();
    waits[(waits.len() * percent / 100).min(waits.len() - 1)]
}

fn waits(served: &[(Arrival, u64)], caller: &str) -> Vec<u64> {
    served.iter().filter(|(a, _)| a.2 == caller).map(|(a, at)| at - a.0).collect()
}

#[test]
fn classes_that_all_wait_are_served_by_their_shares() {
    let shares = Shares::new([("a".into(), 60), ("b".into(), 30), ("c".into(), 10)]);
    let arrivals = ["a", "b", "c"].into_iter().flat_map(|c| flood(10_000, c, c)).collect();
    let first: Vec<_> = serve(&shares, arrivals).into_iter().take(1_000).collect();
    let count = |class| first.iter().filter(|(a, _)| a.1 == class).count();
    for (class, want) in [("a", 600_usize), ("b", 300), ("c", 100)] {
        assert!(count(class).abs_diff(want) <= 1, "{class}: {}", count(class));
    }
}

#[test]
fn callers_of_one_class_are_served_alike_however_much_each_queues() {
    let arrivals = [("x", 5_000), ("y", 300), ("z", 300)].into_iter().flat_map(|(c, n)| flood(n, "citizen", c)).collect();
    let first: Vec<_> = serve(&Shares::default(), arrivals).into_iter().take(600).collect();
    for caller in ["x", "y", "z"] {
        assert_eq!(first.iter().filter(|(a, _)| a.2 == caller).count(), 200, "{caller}");
    }
}

#[test]
fn what_one_class_does_not_use_the_others_have_and_nothing_is_saved_up() {
    let shares = Shares::new([("a".into(), 50), ("b".into(), 50)]);
    let mut arrivals = flood(3_000, "a", "x");
    arrivals.extend((0..1_000).map(|_| (1_000, "b", "y")));
    let served = serve(&shares, arrivals);
    assert!(served.iter().enumerate().all(|(n, (_, at))| *at == n as u64), "never idle while something waits");
    let of_b = served.iter().filter(|(a, at)| a.1 == "b" && *at < 2_000).count();
    assert!(of_b.abs_diff(500) <= 1, "b came late and gets its half from then on, not what it left before: {of_b}");
}

#[test]
fn a_flood_moves_anothers_99th_percentile_by_no_more_than_the_reserved_share_explains() {
    // A quiet class asks for 30 of 100 and has 40 reserved; another floods with what would take all of the time twice over.
    let quiet: Vec<Arrival> = (0..3_000).map(|n| (n * 10 / 3, "payment", "q")).collect();
    let alone = percentile(waits(&serve(&Shares::default(), quiet.clone()), "q"), 99);
    let mut all = quiet;
    all.extend(flood(20_000, "bulk", "f"));
    let flooded = percentile(waits(&serve(&Shares::default(), all), "q"), 99);
    assert!(flooded <= alone + 2, "two classes: at most two service times more, {alone} → {flooded}");
}

proptest! {
    /// The bound of the head of `fair`, for every message of a flow, against its turn at the rate that is its own whatever happens.
    #[test]
    fn whatever_the_others_queue_a_callers_message_is_late_by_no_more_than_the_bound(
        shares in prop::collection::vec(1u32..100, 3),
        floods in prop::collection::vec((0usize..3, 0usize..3, 0u64..400, 1u64..300), 0..12),
        gaps in prop::collection::vec(0u64..60, 1..80),
    ) {
        const CLASSES: [&str; 3] = ["one", "two", "three"];
        const CALLERS: [&str; 3] = ["x", "y", "z"];
        let named = Shares::new(CLASSES.iter().zip(&shares).map(|(c, s)| ((*c).to_owned(), *s)));
        let mut arrivals: Vec<Arrival> = Vec::new();
        for (class, caller, at, n) in floods {
            // The watched caller itself does not flood.
            if (class, caller) != (0, 0) {
                arrivals.extend((0..n).map(|_| (at, CLASSES[class], CALLERS[caller])));
            }
        }
        let mut at = 0;
        for gap in gaps {
            at += gap;
            arrivals.push((at, "one", "x"));
        }
        let total: u32 = shares.iter().sum();
        let of_class = f64::from(shares[0]) / f64::from(total);
        let own = of_class / 3.0;
        let late = 4.0 / of_class + 3.0;
        let mut turn = f64::MIN;
        for ((came, ..), served) in serve(&named, arrivals).into_iter().filter(|(a, _)| a.1 == "one" && a.2 == "x") {
            turn = (turn + 1.0 / own).max(came as f64);
            prop_assert!(served as f64 <= turn + late, "came {came}, its turn {turn}, served {served}, bound {late}");
        }
    }
}
