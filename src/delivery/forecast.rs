//! A forecast: when a partner's queue is drained and how many messages miss their date, by the same policy that feeds the partner, in
//! simulated time. Pure.
//!
//! It knows the queue's shape (counts by class, caller, route and due day), the feed as it stands (pace, quotas left, maintenance windows, the
//! partner's word), how long a call takes and how many calls a message takes, both as measured. It assumes that the partner answers as it did
//! lately and that nothing more comes in. A long queue is simulated in parcels of equal size, so that it costs the same however long it is.

use super::{Feed, Quota, Step, Stream};
use crate::clock::Time;
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

/// Parcels a queue is simulated in at most.
const PARCELS: u64 = 20_000;

/// Fewer calls a message than this cannot be: so many messages go in one at most.
const FEWEST_CALLS: f64 = 1.0 / 200.0;

/// Nothing is foretold beyond this.
const HORIZON: Duration = Duration::from_secs(60 * 86_400);

/// Unfinished messages that are alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Class.
    pub class: String,
    /// Whose message caused it.
    pub caller: String,
    /// Out-route.
    pub route: String,
    /// The day of the deadline (see [`Time::day`]); none is known.
    pub due: Option<i64>,
    /// How many.
    pub count: u64,
}

/// How a partner stands, as far as a forecast looks at it.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlook {
    /// Its feed.
    pub feed: Feed,
    /// What a call takes, from its begin to its settlement; measured.
    pub call: Duration,
    /// Calls a message takes, more than 1 where some are tried again, less where calls carry several; measured.
    pub calls: f64,
}

/// What is foretold of one class.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClassForecast {
    /// The class.
    pub class: String,
    /// Messages that wait.
    pub waiting: u64,
    /// Those whose term is not known: they miss no date.
    pub no_date: u64,
    /// When the last one is delivered; none: not within sixty days.
    pub drained_at: Option<Time>,
    /// Those that are delivered after the day of their deadline.
    pub late: u64,
}

/// What is foretold of a partner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Messages that wait.
    pub waiting: u64,
    /// When the last one is delivered; none: not within sixty days.
    pub drained_at: Option<Time>,
    /// Those that are delivered after the day of their deadline.
    pub late: u64,
    /// By class, in the order of their names.
    pub classes: Vec<ClassForecast>,
}

/// Messages with the same due day: the day, and how many.
type Part = (Option<i64>, u64);

/// The messages of one class, caller and route, the most urgent first.
struct Line {
    parts: VecDeque<Part>,
}

// === functions ===

/// What is to be expected from now on. `rate`: what if it were this.
#[must_use]
pub fn forecast(waiting: &[Waiting], outlook: &Outlook, rate: Option<Quota>, now: Time) -> Forecast {
    let total: u64 = waiting.iter().map(|w| w.count).sum();
    let parcel = total.div_ceil(PARCELS).max(1);
    let size = outlook.calls.max(FEWEST_CALLS) * to_float(parcel);
    let feed = match rate {
        Some(rate) => outlook.feed.clone().under(rate),
        None => outlook.feed.clone(),
    };
    let mut feed = feed.in_parcels(size);
    let call = outlook.call.mul_f64(size).max(Duration::from_millis(1));
    let (mut streams, mut lines) = lines(waiting, now);
    let mut classes = classes(waiting);
    let mut under_way: BinaryHeap<Reverse<(Time, String)>> = BinaryHeap::new();
    let (mut at, end) = (now, now.plus(HORIZON));
    while !streams.is_empty() && at < end {
        while let Some(Reverse((_, route))) = under_way.peek().filter(|Reverse((t, _))| *t <= at) {
            feed.ended(route);
            under_way.pop();
        }
        feed.open(at);
        let Some(n) = feed.choose(&streams, at, false) else {
            let ended = under_way.peek().map(|Reverse((t, _))| *t);
            // Waits are finer than the clock: at least the next millisecond.
            let opens = feed.wait(at).and_then(|w| Some(at.plus(w).max(feed.next(&streams, at)?))).map(|t| t.max(at.plus_ms(1)));
            match ended.into_iter().chain(opens).filter(|t| *t > at).min() {
                Some(next) => at = next,
                None => at = at.plus_ms(1),
            }
            continue;
        };
        let Some(stream) = streams.get(n).cloned() else { break };
        let done = at.plus(feed.begin(&stream.route, at)).plus(call);
        under_way.push(Reverse((done, stream.route.clone())));
        let Some(line) = lines.get_mut(n) else { break };
        let late = line.take(parcel, done);
        if let Some(class) = classes.get_mut(&stream.class) {
            class.late += late;
            class.drained_at = class.drained_at.max(Some(done));
        }
        match line.turn(now) {
            Some(turn) => streams.iter_mut().skip(n).take(1).for_each(|s| s.turn = turn),
            None => {
                streams.remove(n);
                lines.remove(n);
            }
        }
    }
    for (stream, line) in streams.iter().zip(&lines) {
        if let Some(class) = classes.get_mut(&stream.class) {
            class.drained_at = None;
            class.late += line.parts.iter().filter(|(due, _)| due.is_some()).map(|(_, n)| n).sum::<u64>();
        }
    }
    let classes: Vec<ClassForecast> = classes.into_values().collect();
    let all = streams.is_empty() && total > 0;
    Forecast {
        waiting: total,
        drained_at: if total == 0 { Some(now) } else { classes.iter().filter_map(|c| c.drained_at).max().filter(|_| all) },
        late: classes.iter().map(|c| c.late).sum(),
        classes,
    }
}

fn lines(waiting: &[Waiting], now: Time) -> (Vec<Stream>, Vec<Line>) {
    let mut all: BTreeMap<(&str, &str, &str), Vec<Part>> = BTreeMap::new();
    for w in waiting.iter().filter(|w| w.count > 0) {
        all.entry((&w.class, &w.caller, &w.route)).or_default().push((w.due, w.count));
    }
    let one = |((class, caller, route), mut parts): ((&str, &str, &str), Vec<Part>)| {
        parts.sort_by_key(|(due, _)| turn(*due, now));
        let line = Line { parts: parts.into() };
        let turn = line.turn(now).unwrap_or_default();
        let (class, caller, route) = (class.to_owned(), caller.to_owned(), route.to_owned());
        (Stream { class, caller, route, step: Step::First, turn }, line)
    };
    all.into_iter().map(one).unzip()
}

fn classes(waiting: &[Waiting]) -> BTreeMap<String, ClassForecast> {
    let mut classes: BTreeMap<String, ClassForecast> = BTreeMap::new();
    for w in waiting.iter().filter(|w| w.count > 0) {
        let fresh = ClassForecast { class: w.class.clone(), waiting: 0, no_date: 0, drained_at: None, late: 0 };
        let class = classes.entry(w.class.clone()).or_insert(fresh);
        class.waiting += w.count;
        class.no_date += if w.due.is_none() { w.count } else { 0 };
    }
    classes
}

/// The end of the day of a deadline, or what stands for one, as the order of first attempts has it.
fn turn(due: Option<i64>, now: Time) -> i64 {
    super::urgency(due.map(|day| Time::of_day(day + 1).plus_ms(-1000)), now)
}

fn to_float(n: u64) -> f64 {
    f64::from(u32::try_from(n).unwrap_or(u32::MAX))
}

// === impl Line ===

impl Line {
    /// Takes the next `parcel` messages, delivered at `done`; how many of them come too late.
    fn take(&mut self, parcel: u64, done: Time) -> u64 {
        let (mut left, mut late) = (parcel, 0);
        while left > 0 {
            let Some((due, count)) = self.parts.front_mut() else { break };
            let n = left.min(*count);
            (*count, left) = (*count - n, left - n);
            late += if due.is_some_and(|day| done.day() > day) { n } else { 0 };
            if *count == 0 {
                self.parts.pop_front();
            }
        }
        late
    }

    fn turn(&self, now: Time) -> Option<i64> {
        self.parts.front().map(|(due, _)| turn(*due, now))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Limit, Saved, Terms, Window, Windows};
    use super::*;

    /// 2026-06-09, ten in the morning.
    fn start() -> Time {
        Time::parse("2026-06-09T10:00:00+07:00").unwrap()
    }

    fn waiting(class: &str, due: Option<i64>, count: u64) -> Waiting {
        Waiting { class: class.into(), caller: "a".into(), route: "submit".into(), due, count }
    }

    fn outlook(terms: &Terms, call_ms: u64, calls: f64) -> Outlook {
        Outlook { feed: Feed::start(terms, &Saved::default(), start()), call: Duration::from_millis(call_ms), calls }
    }

    fn terms(rate: &str, at_once: u32) -> Terms {
        Terms { whole: Limit { rate: Quota::parse(rate), at_once: Some(at_once), daily: None }, ..Terms::default() }
    }

    /// Seconds from the start, within the two parts in a hundred that headroom takes, and a parcel.
    fn near(at: Option<Time>, seconds: i64) -> bool {
        at.is_some_and(|t| ((seconds * 990)..=(seconds * 1030 + 30_000)).contains(&t.ms_since(start())))
    }

    #[test]
    fn a_queue_drains_at_its_pace_however_long_it_is() {
        for n in [1, 500, 36_000, 1_000_000] {
            let f = forecast(&[waiting("citizen", None, n)], &outlook(&terms("20/s", 8), 50, 1.0), None, start());
            assert!(near(f.drained_at, i64::try_from(n / 20).unwrap()), "{n}: {f:?}");
            assert_eq!((f.waiting, f.late, f.classes[0].no_date), (n, 0, n));
        }
    }

    #[test]
    fn slow_calls_many_calls_and_another_rate_count() {
        let queue = [waiting("citizen", None, 36_000)];
        // Four at once that take a second each: four a second, whatever the rate allows.
        for rate in ["20/s", "37/s", "40/s", "1000/s"] {
            let f = forecast(&queue, &outlook(&terms(rate, 4), 1_000, 1.0), None, start());
            assert!(near(f.drained_at, 9_000), "{rate}: {f:?}");
        }
        assert!(near(forecast(&queue, &outlook(&terms("20/s", 50), 10, 2.0), None, start()).drained_at, 3_600));
        let forty = forecast(&queue, &outlook(&terms("20/s", 50), 10, 1.0), Quota::parse("40/s"), start());
        assert!(near(forty.drained_at, 900), "{forty:?}");
    }

    #[test]
    fn maintenance_and_quotas_make_it_wait() {
        let queue = [waiting("citizen", None, 36_000)];
        let mut all = terms("20/s", 8);
        all.maintenance = Windows::new(Window::parse("daily 10:10-12:10"));
        assert!(near(forecast(&queue, &outlook(&all, 50, 1.0), None, start()).drained_at, 1_800 + 7_200));
        let mut all = terms("20/s", 8);
        all.whole.daily = Some(30_000);
        let f = forecast(&queue, &outlook(&all, 50, 1.0), None, start());
        assert!(near(f.drained_at, 14 * 3_600 + 300), "the rest goes after midnight: {f:?}");
        all.whole.daily = Some(100);
        let f = forecast(&queue, &outlook(&all, 50, 1.0), None, start());
        assert_eq!((f.drained_at, f.classes[0].drained_at), (None, None), "360 days are too far to foretell");
    }

    #[test]
    fn those_that_miss_their_date_are_counted_by_class() {
        let today = start().day();
        // Fourteen hours are left of today: at 1/s 50 400 go, a little less with headroom; citizens have 40 of 45.
        let queue = [
            waiting("citizen", Some(today), 60_000),
            waiting("citizen", Some(today + 5), 10_000),
            waiting("bulk", Some(today), 1_000),
            waiting("bulk", None, 4_000),
        ];
        let f = forecast(&queue, &outlook(&terms("1/s", 8), 50, 1.0), None, start());
        let of = |class: &str| f.classes.iter().find(|c| c.class == class).unwrap();
        assert_eq!((of("bulk").late, of("bulk").waiting, of("bulk").no_date), (0, 5_000, 4_000));
        let gone = 50_400.0 / 1.02 - 5_000.0;
        let want = 60_000.0 - gone;
        assert!((of("citizen").late as f64 - want).abs() < want * 0.02, "{} of {want}", of("citizen").late);
        assert_eq!(f.late, of("citizen").late);
        assert_eq!(f.drained_at, of("citizen").drained_at);
    }

    /// Two routes of one partner, each with a window of its own beside the partner's: what is fed by the slower one comes later, and neither
    /// is held up by the other.
    #[test]
    fn routes_with_windows_of_their_own_drain_each_at_its_own_pace() {
        let limit = |rate: &str| Limit { rate: Quota::parse(rate), at_once: Some(8), daily: None };
        for (whole, submit, fee, waiting, seconds) in [
            ("20/s", limit("5/s"), limit("1/s"), (600, 600), (120, 600)),
            // The same in minutes, and the other way round.
            ("20/s", limit("60/min"), limit("300/min"), (600, 600), (600, 120)),
            // A hundred a day: a hundred today, the rest from the next midnight on, the last hundred on the fifth day.
            ("20/s", limit("5/s"), Limit { daily: Some(100), ..limit("1/s") }, (600, 600), (120, 14 * 3_600 + 4 * 86_400 + 100)),
            // The partner's own window is the narrower one: what the slow route leaves of it is the quick one's.
            ("4/s", limit("20/s"), limit("1/s"), (600, 600), (200, 600)),
        ] {
            let mut terms = terms(whole, 16);
            terms.routes = [("submit".to_owned(), submit), ("fee".to_owned(), fee)].into();
            let of = |class: &str, route: &str, count| Waiting { route: route.into(), ..self::waiting(class, None, count) };
            let queue = [of("citizen", "submit", waiting.0), of("fee", "fee", waiting.1)];
            let f = forecast(&queue, &outlook(&terms, 50, 1.0), None, start());
            let drained = |class: &str| f.classes.iter().find(|c| c.class == class).unwrap().drained_at;
            // Headroom; and a slot that opens between two of the partner's waits for the next of them.
            let about = |at: Option<Time>, want: i64| {
                at.is_some_and(|t| (want * 970 - 5_000..=want * 1_100 + 5_000).contains(&t.ms_since(start())))
            };
            assert!(about(drained("citizen"), seconds.0), "{whole} {submit:?}: {:?}", drained("citizen"));
            assert!(about(drained("fee"), seconds.1), "{whole} {fee:?}: {:?}", drained("fee"));
            assert_eq!(f.drained_at, drained("citizen").max(drained("fee")));
        }
    }

    #[test]
    fn nothing_waits_nothing_is_late() {
        let f = forecast(&[], &outlook(&terms("1/s", 1), 50, 1.0), None, start());
        assert_eq!((f.waiting, f.drained_at, f.late, f.classes.len()), (0, Some(start()), 0, 0));
    }
}
