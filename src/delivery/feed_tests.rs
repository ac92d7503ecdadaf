//! What must hold of a partner's feed, in simulated time.

use super::*;
use crate::delivery::Window;
use proptest::prelude::*;

const T0: Time = Time(1_773_500_400_000); // 2026-03-14T22:00:00+07:00

fn limit(rate: &str, at_once: Option<u32>, daily: Option<u32>) -> Limit {
    // Fast ones in bursts: these tests are not about pace.
    let rate = Quota::parse(rate).map(|q| if q.calls == 1000 { q.with_burst(200) } else { q });
    Limit { rate, at_once, daily }
}

fn terms(whole: Limit) -> Terms {
    Terms { whole, retry_percent: 20, ..Terms::default() }
}

fn stream(class: &str, caller: &str, route: &str, step: Step, turn: i64) -> Stream {
    Stream { class: class.into(), caller: caller.into(), route: route.into(), step, turn }
}

fn first(route: &str) -> Stream {
    stream("citizen", "a", route, Step::First, 0)
}

/// Serves these streams, which never run dry, for so long; answers when calls of each began. Each call takes `ms`.
fn run(feed: &mut Feed, streams: &[Stream], from: Time, seconds: i64, ms: i64) -> Vec<(Time, usize)> {
    let (mut begun, mut under_way) = (Vec::new(), Vec::<(Time, usize)>::new());
    for step in 0..seconds * 1000 {
        let now = from.plus_ms(step);
        under_way.retain(|(end, n)| {
            let over = *end <= now;
            if over {
                feed.ended(&streams[*n].route);
            }
            !over
        });
        feed.open(now);
        while let Some(n) = feed.choose(streams, now, false) {
            let at = now.plus(feed.begin(&streams[n].route, now));
            begun.push((at, n));
            under_way.push((at.plus_ms(ms), n));
        }
    }
    begun
}

fn most_in_a_second(begun: &[(Time, usize)], which: impl Fn(usize) -> bool) -> usize {
    let of: Vec<Time> = begun.iter().filter(|(_, n)| which(*n)).map(|(t, _)| *t).collect();
    (0..of.len()).map(|i| of[i..].iter().take_while(|t| t.ms_since(of[i]) < 1000).count()).max().unwrap_or(0)
}

#[test]
fn a_message_that_is_asked_about_first_is_two_calls_of_every_limit() {
    let mut all = terms(limit("20/s", Some(100), Some(31)));
    all.asking_first.insert("sync".into());
    let mut feed = Feed::start(&all, &Saved::default(), T0);
    let begun = run(&mut feed, &[first("sync")], T0, 5, 5);
    assert_eq!(begun.len(), 15, "31 calls a day: the one that is left is too few");
    assert!(most_in_a_second(&begun, |_| true) <= 10);
    let (left, _) = feed.quota(T0).unwrap();
    assert_eq!(left, 1);
    let begun = run(&mut feed, &[first("status")], T0.plus_ms(6_000), 5, 5);
    assert_eq!(begun.len(), 1, "another message has it");
}

#[test]
fn a_partner_and_its_routes_keep_their_rates_together() {
    let mut all = terms(limit("20/s", Some(100), None));
    all.routes.insert("submit".into(), limit("5/s", None, None));
    let mut feed = Feed::start(&all, &Saved::default(), T0);
    let begun = run(&mut feed, &[first("submit"), first("status")], T0, 10, 5);
    assert!(most_in_a_second(&begun, |_| true) <= 20);
    assert!(most_in_a_second(&begun, |n| n == 0) <= 5);
    // Work-conserving: what the slow route leaves, the other has.
    assert!(begun.len() >= 190, "{}", begun.len());
    assert!(begun.iter().filter(|(_, n)| *n == 0).count() >= 46);
}

#[test]
fn what_a_fast_partner_may_be_sent_soon_is_reserved_together() {
    let mut feed = Feed::start(&terms(limit("500/s", None, None)), &Saved::default(), T0.plus_ms(-1000));
    feed.open(T0);
    let chosen: Vec<usize> = std::iter::from_fn(|| feed.choose(&[first("x")], T0, false)).collect();
    assert_eq!(chosen.len(), 10, "20 ms of 500 a second, and 2 % of headroom");
    let waits: Vec<i64> = chosen.iter().map(|_| T0.plus(feed.begin("x", T0)).ms_since(T0)).collect();
    assert_eq!(waits, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18]);
}

#[test]
fn calls_at_once_hold_for_the_partner_and_for_a_route() {
    let mut all = terms(limit("1000/s", Some(3), None));
    all.routes.insert("submit".into(), Limit { at_once: Some(1), ..Limit::default() });
    let mut feed = Feed::start(&all, &Saved::default(), T0);
    feed.open(T0.plus_ms(100));
    let streams = [first("submit"), first("status")];
    let chosen: Vec<usize> = std::iter::from_fn(|| feed.choose(&streams, T0.plus_ms(100), false)).collect();
    assert_eq!(chosen, [0, 1, 1]);
    feed.ended("submit");
    assert_eq!(feed.choose(&streams, T0.plus_ms(200), false), Some(0));
}

#[test]
fn a_daily_quota_ends_at_midnight_in_viet_nam_and_outlives_a_restart() {
    let all = terms(limit("10/s", None, Some(25)));
    let mut feed = Feed::start(&all, &Saved::default(), T0);
    assert_eq!(run(&mut feed, &[first("x")], T0, 2, 5).len(), 20 - 1);
    assert_eq!(feed.quota(T0.plus_ms(2_000)), Some((6, 25)));
    let saved = Saved::parse(&feed.saved().text());
    let later = T0.plus_ms(10_000);
    let mut feed = Feed::start(&all, &saved, later);
    assert_eq!(run(&mut feed, &[first("x")], later, 10, 5).len(), 6);
    let midnight = Time::parse("2026-03-15T00:00:00+07:00").unwrap();
    assert_eq!(feed.shut(later.plus_ms(10_000)), Some((Shut::Quota, midnight)));
    assert_eq!(feed.shut(midnight), None);
    feed.open(midnight);
    assert_eq!(feed.quota(midnight), Some((25, 25)));
}

#[test]
fn what_a_days_quota_holds_back_is_due_at_midnight() {
    let midnight = Time::parse("2026-03-15T00:00:00+07:00").unwrap();
    let of = |route: &str| Stream { route: route.into(), ..first("x") };
    let mut all = terms(limit("10/s", None, None));
    all.routes.insert("few".into(), limit("10/s", None, Some(3)));
    let mut feed = Feed::start(&all, &Saved::default(), T0);
    let went = run(&mut feed, &[of("few")], T0, 2, 5);
    assert_eq!(went.len(), 3);
    let later = T0.plus_ms(2_000);
    assert_eq!(feed.next(&[of("few")], later), Some(midnight), "nothing else wakes whoever waits");
    assert_eq!(feed.next(&[of("few"), of("other")], later), Some(later), "another route goes on");
    feed.open(midnight);
    assert_eq!(feed.choose(&[of("few")], midnight, false), Some(0));
    // What is left of the day is less than an attempt takes, of the route or of the partner.
    for (whole, route) in [(None, Some(1)), (Some(1), None)] {
        let mut all = terms(limit("10/s", None, whole));
        all.routes.insert("asks".into(), limit("10/s", None, route));
        all.asking_first.insert("asks".into());
        let mut feed = Feed::start(&all, &Saved::default(), T0);
        feed.open(later);
        assert_eq!(feed.choose(&[of("asks")], later, false), None);
        assert_eq!(feed.next(&[of("asks")], later), Some(midnight));
    }
}

#[test]
fn after_a_restart_the_first_call_waits_one_spacing_wherever_the_wall_stands() {
    let all = terms(limit("5/s", None, None));
    let mut feed = Feed::start(&all, &Saved::default(), T0);
    let last = run(&mut feed, &[first("x")], T0, 1, 5).last().unwrap().0;
    // Killed right after a call; meanwhile somebody set the wall.
    for set in [0, 3_600_000, -3_600_000] {
        let (saved, now) = (Saved::parse(&feed.saved().text()), last.plus_ms(1 + set));
        let mut again = Feed::start(&all, &saved, now);
        again.open(now);
        assert_eq!(again.choose(&[first("x")], now, false), None, "set by {set}");
        assert!(again.wait(now).unwrap() >= Duration::from_millis(180), "set by {set}");
    }
}

#[test]
fn in_maintenance_nothing_begins() {
    let mut all = terms(limit("10/s", None, None));
    all.maintenance = Windows::new(Window::parse("daily 22:00-22:01"));
    let mut feed = Feed::start(&all, &Saved::default(), T0.plus_ms(-60_000));
    let begun = run(&mut feed, &[first("x")], T0.plus_ms(-60_000), 180, 5);
    assert!(begun.iter().all(|(t, _)| *t < T0.plus_ms(20) || *t >= T0.plus_ms(60_000)));
    assert!(begun.len() > 1_100, "{}", begun.len());
    assert_eq!(feed.shut(T0), Some((Shut::Maintenance, T0.plus_ms(60_000))));
}

#[test]
fn the_partners_own_word_is_obeyed_but_not_for_ever() {
    let mut feed = Feed::start(&terms(limit("100/s", None, None)), &Saved::default(), T0.plus_ms(-1000));
    feed.hold(T0, Duration::from_secs(30));
    feed.hold(T0, Duration::from_secs(5));
    assert_eq!(feed.shut(T0), Some((Shut::TheirWord, T0.plus_ms(30_000))));
    feed.hold(T0, Duration::from_secs(1_000_000));
    assert_eq!(feed.shut(T0), Some((Shut::TheirWord, T0.plus(LONGEST_WAIT))));
    feed.open(T0.plus(LONGEST_WAIT));
    feed.allow(T0.plus(LONGEST_WAIT), 3, Duration::from_secs(2));
    let begun = run(&mut feed, &[first("x")], T0.plus(LONGEST_WAIT), 3, 1);
    let early = begun.iter().filter(|(t, _)| *t < T0.plus(LONGEST_WAIT).plus_ms(2_000)).count();
    assert_eq!(early, 3);
    assert!(begun.len() > 50);
    // Set back by a day, the clock makes no wait out of a word that is over.
    feed.hold(T0.plus_ms(86_400_000), Duration::from_secs(60));
    assert_eq!(feed.shut(T0), None);
}

#[test]
fn a_probe_is_a_pending_inquiry_where_one_is_else_what_is_due() {
    let mut feed = Feed::start(&terms(limit("1000/s", None, None)), &Saved::default(), T0);
    let now = T0.plus_ms(1000);
    let later = now.plus_ms(50_000).0;
    let streams =
        [first("submit"), stream("z", "z", "submit", Step::Inquiry, later), stream("y", "y", "submit", Step::Again, later)];
    feed.open(now);
    assert_eq!(feed.choose(&streams, now, true), Some(1));
    assert_eq!(feed.choose(&streams[..1], now, true), Some(0));
    assert_eq!(feed.choose(&streams[1..], now, false), None, "not due, and no probe");
    assert_eq!(feed.next(&streams[1..], now), Some(Time(later)));
}

#[test]
fn of_one_caller_inquiries_go_first_then_further_attempts_then_the_most_urgent() {
    let mut feed = Feed::start(&terms(limit("1000/s", None, None)), &Saved::default(), T0);
    let now = T0.plus_ms(1000);
    let streams = [
        stream("c", "a", "submit", Step::First, 9),
        stream("c", "a", "supplement", Step::First, 5),
        stream("c", "a", "submit", Step::Again, now.0 - 10),
        stream("c", "a", "submit", Step::Inquiry, now.0),
    ];
    feed.open(now);
    for n in [4, 3, 2, 1] {
        let chosen = feed.choose(&streams[..n], now, false);
        assert_eq!(chosen, Some(if n == 1 { 0 } else { n - 1 }));
    }
}

#[test]
fn further_attempts_take_no_more_than_their_part() {
    let mut feed = Feed::start(&terms(limit("100/s", None, None)), &Saved::default(), T0);
    let streams = [first("x"), stream("citizen", "a", "x", Step::Again, 0)];
    let begun = run(&mut feed, &streams, T0, 60, 1);
    let again = begun.iter().filter(|(_, n)| *n == 1).count();
    assert!(again <= begun.len() / 5 + 10 + 60, "{again} of {}", begun.len());
    assert!(again >= begun.len() / 8, "{again} of {}", begun.len());
}

#[test]
fn while_it_recovers_a_partner_gets_a_part_of_its_rate() {
    let mut feed = Feed::start(&terms(limit("20/s", Some(4), None)), &Saved::default(), T0);
    feed.ramp(1, 4);
    let begun = run(&mut feed, &[first("x")], T0.plus_ms(1000), 4, 1);
    assert!(begun.len().abs_diff(20) <= 1, "{}", begun.len());
    feed.ramp(4, 4);
    let begun = run(&mut feed, &[first("x")], T0.plus_ms(6_000), 4, 1);
    assert!(begun.len() >= 76 && most_in_a_second(&begun, |_| true) <= 20, "{}", begun.len());
}

proptest! {
    #[test]
    fn no_cap_is_exceeded_in_any_second_whatever_comes_and_however_often_it_restarts(
        rates in (1u32..400, 1u32..30),
        steps in prop::collection::vec((0i64..300, any::<bool>(), 0u8..20), 1..150),
    ) {
        let mut all = terms(Limit { rate: Quota::parse(&format!("{}/s", rates.0)), at_once: None, daily: None });
        all.routes.insert("r".into(), Limit { rate: Quota::parse(&format!("{}/s", rates.1)), at_once: None, daily: None });
        let streams = [first("r"), first("s")];
        let (mut feed, mut now, mut begun) = (Feed::start(&all, &Saved::default(), T0), T0, Vec::new());
        for (step, only, luck) in steps {
            now = now.plus_ms(step);
            if luck == 0 {
                // What was reserved and has not begun dies with the run.
                begun.retain(|(at, _)| *at <= now);
                feed = Feed::start(&all, &Saved::parse(&feed.saved().text()), now);
            }
            feed.open(now);
            let offered = if only { &streams[..1] } else { &streams[..] };
            let chosen: Vec<usize> = std::iter::from_fn(|| feed.choose(offered, now, false)).collect();
            for n in chosen {
                begun.push((now.plus(feed.begin(&streams[n].route, now)), n));
            }
        }
        prop_assert!(most_in_a_second(&begun, |_| true) <= rates.0 as usize);
        prop_assert!(most_in_a_second(&begun, |n| n == 0) <= rates.1 as usize);
    }
}
