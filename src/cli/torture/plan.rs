//! What will be done to the gateway and its partners, drawn from a seed. Pure: the same seed and length give the same plan.
//!
//! Two things run beside each other: the gateway's lives, each ended by a kill, and gusts of bad weather at one partner at a time. A
//! third, the course of a dossier, is drawn from its number alone. How the machine's own speed falls between them is chance: a seed
//! repeats the plan, not the run.

use crate::app::Rehearsal;
use crate::simulator::{Chance, Climate, Down, Edition, Service};
use std::time::Duration;

/// The clock is never further off than this: beyond five minutes a signature's time is rightly refused.
const MOST_OFF_MS: u64 = 200_000;

/// Everything that is foreseen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Plan {
    /// The seed it was drawn from.
    pub(super) seed: u64,
    /// One after the other; each ends by a kill.
    pub(super) lives: Vec<Life>,
    /// In the order of their begin.
    pub(super) gusts: Vec<Gust>,
}

/// A life of the gateway, from its start to its kill.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Life {
    /// From its start to the kill; sometimes shorter than the start itself takes.
    pub(super) runs: Duration,
    /// From the kill to the next start.
    pub(super) dead: Duration,
    /// Clock steps and a full disk in it.
    pub(super) rehearsal: Rehearsal,
    /// From when until when, since its start, no file of it may grow.
    pub(super) quota: Option<(Duration, Duration)>,
}

/// Bad weather at one partner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gust {
    /// Since the storm's begin.
    pub(super) at: Duration,
    /// How long.
    pub(super) lasts: Duration,
    /// Where.
    pub(super) place: Place,
    /// What.
    pub(super) kind: Kind,
}

/// A partner, by role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// The city's portal.
    Portal,
    /// The Ministry.
    Ministry,
    /// The payment platform.
    Payment,
}

/// A kind of bad weather.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Connections are refused.
    Refused,
    /// Connections are taken and cut before processing.
    Cut,
    /// Every call is answered 503.
    Busy,
    /// Answers come late, some after the gateway's patience.
    Slow,
    /// A bit of everything: cuts before and after processing, 500 and 502, half and garbled answers.
    Sour,
}

/// The course of a dossier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The service.
    pub(super) service: Service,
    /// Its form's edition.
    pub(super) edition: Edition,
    /// What becomes of it.
    pub(super) course: Course,
    /// With its files.
    pub(super) files: bool,
    /// Handed in twice at once.
    pub(super) twin: bool,
}

/// What becomes of a dossier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Course {
    /// Received, processed, result returned.
    Plain,
    /// The same, a fee in between.
    Fee,
    /// The same, a paper asked for and brought.
    Supplement,
    /// Not received.
    Refused,
    /// Withdrawn when the Ministry has it.
    Withdrawn,
    /// Withdrawn right after it was handed in.
    Regretted,
    /// Its statuses are pushed in any order, each twice at once.
    Shuffled,
}

// === impl Place ===

impl Place {
    pub(super) const ALL: [Self; 3] = [Self::Portal, Self::Ministry, Self::Payment];

    /// The role's word, as `simulate` takes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Ministry => "ministry",
            Self::Payment => "payment",
        }
    }

    /// Calls to it in any second, as configured for the gateway under torture.
    pub(super) fn limit(self) -> usize {
        match self {
            Self::Portal => 60,
            Self::Ministry => 20,
            Self::Payment => 10,
        }
    }
}

// === impl Kind ===

impl Kind {
    const ALL: [Self; 5] = [Self::Refused, Self::Cut, Self::Busy, Self::Slow, Self::Sour];

    /// The weather of this kind.
    pub(super) fn climate(self) -> Climate {
        let base = calm();
        match self {
            Self::Refused => Climate { down: Some(Down::Refused), ..base },
            Self::Cut => Climate { down: Some(Down::Cut), ..base },
            Self::Busy => Climate { down: Some(Down::Busy), ..base },
            Self::Slow => Climate { latency: (50, 700), latency_after: (100, 3_000), ..base },
            Self::Sour => Climate {
                busy: 0.1,
                error: 0.05,
                error_after: 0.08,
                bad_gateway: 0.05,
                cut_before: 0.08,
                cut_after: 0.12,
                truncated: 0.05,
                malformed: 0.05,
                ..base
            },
        }
    }
}

/// The weather between two gusts: quick answers, some messages told twice.
pub(super) fn calm() -> Climate {
    Climate { latency: (1, 30), latency_after: (0, 10), duplicate: 0.15, ..Climate::default() }
}

// === impl Plan ===

impl Plan {
    /// A storm of this length.
    pub(super) fn new(seed: u64, length: Duration) -> Self {
        let mut chance = Chance::new(seed.wrapping_mul(0x9E37_79B9).wrapping_add(17));
        Self { seed, lives: lives(&mut chance, length), gusts: gusts(&mut chance, length) }
    }

    /// The course of the `number`-th dossier.
    pub(super) fn part(&self, number: u64) -> Part {
        let mut chance = Chance::new(self.seed.wrapping_mul(1_000_033).wrapping_add(number));
        let course = match chance.below(20) {
            0..=6 => Course::Plain,
            7..=10 => Course::Fee,
            11..=12 => Course::Supplement,
            13 => Course::Refused,
            14..=15 => Course::Withdrawn,
            16..=17 => Course::Regretted,
            _ => Course::Shuffled,
        };
        // What an admission costs is known by its wishes; the other services cost nothing.
        let service = match (course, chance.hits(0.5)) {
            (Course::Fee, _) => Service::Admission,
            (_, true) => Service::Exam,
            (_, false) => Service::Review,
        };
        let edition = if chance.hits(0.2) { Edition::Of2019 } else { Edition::Of2025 };
        Part { service, edition, course, files: chance.hits(0.15), twin: chance.hits(0.15) }
    }
}

/// Lives that fill the storm, at least 50 in ten minutes; a short storm has shorter ones.
fn lives(chance: &mut Chance, length: Duration) -> Vec<Life> {
    let whole = ms(length);
    let longest = (whole / 5).clamp(2_000, 15_000);
    let (mut lives, mut now) = (Vec::new(), 0);
    while now < whole {
        // One in ten is killed while it still starts.
        let runs = if chance.hits(0.1) { chance.between((20, 500)) } else { chance.between((1_200, longest)) };
        let dead = if chance.hits(0.2) { chance.between((500, longest / 4)) } else { chance.between((0, 300)) };
        lives.push(Life {
            runs: Duration::from_millis(runs),
            dead: Duration::from_millis(dead),
            rehearsal: rehearsal(chance, runs),
            quota: (runs > 2_500 && chance.hits(0.17)).then(|| a_while(chance, runs)),
        });
        now += runs + dead;
    }
    lives
}

/// In one life of three the clock is off from the start, in one of three it is stepped under way, in one of six the disk is full a while;
/// in another one of six a quota holds for a while.
fn rehearsal(chance: &mut Chance, runs: u64) -> Rehearsal {
    let mut all = Rehearsal::default();
    let off = |chance: &mut Chance| {
        let far = i64::try_from(chance.below(MOST_OFF_MS)).unwrap_or(0);
        if chance.hits(0.5) { far } else { -far }
    };
    if chance.hits(0.33) {
        all.clock.push((Duration::ZERO, off(chance)));
    }
    if chance.hits(0.33) {
        all.clock.push((Duration::from_millis(chance.between((200, runs.max(201)))), off(chance)));
    }
    if runs > 2_500 && chance.hits(0.17) {
        all.full.push(a_while(chance, runs));
    }
    all
}

/// From when until when in a life the disk takes no more.
fn a_while(chance: &mut Chance, runs: u64) -> (Duration, Duration) {
    let from = chance.between((300, runs / 2));
    (Duration::from_millis(from), Duration::from_millis(from + chance.between((500, 2_500))))
}

/// A gust every few seconds, at one partner, of one kind; none in the first second.
fn gusts(chance: &mut Chance, length: Duration) -> Vec<Gust> {
    let longest = (ms(length) / 6).clamp(1_500, 8_000);
    let (mut gusts, mut now) = (Vec::new(), 1_000);
    while now < ms(length) {
        let place = *chance.pick(&[Place::Ministry, Place::Ministry, Place::Portal, Place::Payment]).unwrap_or(&Place::Ministry);
        let kind = *chance.pick(&Kind::ALL).unwrap_or(&Kind::Sour);
        let lasts = chance.between((600, longest));
        gusts.push(Gust { at: Duration::from_millis(now), lasts: Duration::from_millis(lasts), place, kind });
        now += lasts + chance.between((200, longest / 2));
    }
    gusts
}

fn ms(of: Duration) -> u64 {
    u64::try_from(of.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEN_MINUTES: Duration = Duration::from_secs(600);

    #[test]
    fn the_same_seed_gives_the_same_plan_and_another_another() {
        assert_eq!(Plan::new(1, TEN_MINUTES), Plan::new(1, TEN_MINUTES));
        assert_ne!(Plan::new(1, TEN_MINUTES).lives, Plan::new(2, TEN_MINUTES).lives);
    }

    #[test]
    fn ten_minutes_hold_at_least_fifty_kills_and_every_weather_everywhere() {
        for seed in 0..40 {
            let plan = Plan::new(seed, TEN_MINUTES);
            assert!(plan.lives.len() >= 50, "seed {seed}: {} kills", plan.lives.len());
            for kind in Kind::ALL {
                assert!(plan.gusts.iter().any(|g| g.kind == kind), "seed {seed}: {kind:?}");
            }
            let some = |f: fn(&Life) -> bool| plan.lives.iter().any(f);
            assert!(some(|l| !l.rehearsal.full.is_empty()) && some(|l| l.rehearsal.clock.iter().any(|(at, _)| !at.is_zero())));
            assert!(some(|l| l.quota.is_some()), "seed {seed}: no quota");
            assert!(some(|l| l.runs < Duration::from_millis(500)), "one is killed while it starts");
        }
    }

    #[test]
    fn what_the_quiet_time_stands_on_holds_in_every_weather() {
        // A call still on its way when it is asked after is the Ministry's delay, not the gateway's fault: it stays below the quiet time.
        for kind in Kind::ALL {
            assert!(Duration::from_millis(kind.climate().latency.1) < super::super::stage::QUIET);
        }
    }

    #[test]
    fn every_course_is_run_and_only_an_admission_costs() {
        let plan = Plan::new(3, Duration::from_secs(30));
        let parts: Vec<Part> = (0..400).map(|n| plan.part(n)).collect();
        for course in [
            Course::Plain,
            Course::Fee,
            Course::Supplement,
            Course::Refused,
            Course::Withdrawn,
            Course::Regretted,
            Course::Shuffled,
        ] {
            assert!(parts.iter().any(|p| p.course == course), "{course:?}");
        }
        assert!(parts.iter().all(|p| (p.course == Course::Fee) == (p.service == Service::Admission)));
    }
}
