//! Weather: what goes wrong at a partner. Latency, refusals, cuts before or after processing, bad answers, a rate limit.
//!
//! Chance comes from a seed, so that a run can be repeated. Always holds: one call gets one [`Fate`], decided before it is
//! handled; a plan (a fate foretold for the next fitting call) goes before chance. Does not know what a call means.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::clock::{Clock as _, Wall};
use crate::seal::Chance;

/// What befalls one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing: the call is handled and answered.
    Calm,
    /// 503 before processing.
    Busy,
    /// 500 before processing.
    Error,
    /// 500 although processed.
    ErrorAfter,
    /// 502 although processed.
    BadGateway,
    /// The connection ends without a status line; nothing was processed.
    CutBefore,
    /// The connection ends without a status line; the call was processed.
    CutAfter,
    /// Processed; half of the answer's body, then the connection ends.
    Truncated,
    /// Processed; a body that is neither JSON nor XML.
    Malformed,
    /// 429 before processing: the rate limit was broken (a violation).
    TooMany,
}

/// How a simulator is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Down {
    /// The port is closed: connection refused. The control address stays open.
    Refused,
    /// Connections are taken and cut before processing.
    Cut,
    /// Every call is answered 503.
    Busy,
}

/// A fate foretold: befalls the next calls that fit.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// What befalls them.
    pub effect: Effect,
    /// Only calls of this operation.
    #[serde(default)]
    pub operation: Option<String>,
    /// Only calls about this dossier.
    #[serde(default)]
    pub dossier: Option<String>,
    /// How many calls; 1 when not said.
    #[serde(default = "one")]
    pub times: u32,
    /// Milliseconds waited before processing, besides the general latency.
    #[serde(default)]
    pub delay: u64,
    /// Milliseconds waited between processing and answer.
    #[serde(default)]
    pub delay_after: u64,
}

/// The climate: probabilities from 0 to 1, latencies in milliseconds, a limit in calls per second.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Climate {
    /// Shortest and longest wait before processing.
    pub latency: (u64, u64),
    /// Shortest and longest wait between processing and answer.
    pub latency_after: (u64, u64),
    /// Probability of each effect.
    pub busy: f64,
    /// Probability of 500 before processing.
    pub error: f64,
    /// Probability of 500 after processing.
    pub error_after: f64,
    /// Probability of 502 after processing.
    pub bad_gateway: f64,
    /// Probability of a cut before processing.
    pub cut_before: f64,
    /// Probability of a cut after processing.
    pub cut_after: f64,
    /// Probability of half an answer.
    pub truncated: f64,
    /// Probability of a garbled answer.
    pub malformed: f64,
    /// Probability that a message the simulator sends is sent twice.
    pub duplicate: f64,
    /// Most calls in any sliding second; what exceeds it is a violation and gets 429.
    pub rate: Option<u32>,
    /// Down, and how.
    pub down: Option<Down>,
}

/// What was decided for one call.
#[derive(Clone, Copy, Debug)]
pub struct Fate {
    /// What befalls it.
    pub effect: Effect,
    /// Wait before processing.
    pub before: Duration,
    /// Wait between processing and answer.
    pub after: Duration,
}

/// The weather of one simulator; changeable while it runs.
#[derive(Debug)]
pub struct Weather {
    inner: Mutex<Inner>,
    clock: Wall,
    down: tokio::sync::watch::Sender<Option<Down>>,
}

/// Text that is not a climate.
#[derive(Debug, thiserror::Error)]
#[error(
    "weather `{0}` is not understood: words are key=value, keys as in the climate, for example busy=0.05,latency=5-50,rate=5"
)]
pub struct Unclear(String);

#[derive(Debug)]
struct Inner {
    climate: Climate,
    plans: VecDeque<Plan>,
    chance: Chance,
    taken: VecDeque<Duration>,
    begun: VecDeque<Duration>,
    peak: usize,
}

fn one() -> u32 {
    1
}

// === impl Effect ===

impl Effect {
    /// True when the call must not be handled.
    #[must_use]
    pub fn before_processing(self) -> bool {
        matches!(self, Self::Busy | Self::Error | Self::CutBefore | Self::TooMany)
    }
}

// === impl Plan ===

impl Plan {
    /// The next call, whatever it is.
    #[must_use]
    pub fn next(effect: Effect) -> Self {
        Self { effect, operation: None, dossier: None, times: 1, delay: 0, delay_after: 0 }
    }

    /// The next call of one operation.
    #[must_use]
    pub fn on(operation: &str, effect: Effect) -> Self {
        Self { operation: Some(operation.to_owned()), ..Self::next(effect) }
    }

    fn fits(&self, operation: &str, dossier: Option<&str>) -> bool {
        self.operation.as_deref().is_none_or(|o| o == operation) && self.dossier.as_deref().is_none_or(|d| Some(d) == dossier)
    }
}

// === impl Climate ===

impl Climate {
    /// Reads `busy=0.05,cut-after=0.02,latency=5-50,rate=5,down=refused`; the empty text is fair weather.
    pub fn parse(text: &str) -> Result<Self, Unclear> {
        let mut all = serde_json::Map::new();
        for word in text.split(',').map(str::trim).filter(|w| !w.is_empty()) {
            let unclear = || Unclear(word.to_owned());
            let (key, value) = word.split_once('=').ok_or_else(unclear)?;
            let value = match (value.split_once('-'), value.parse::<u64>(), value.parse::<f64>()) {
                _ if key == "down" => value.into(),
                (Some((a, b)), ..) => {
                    let (Ok(a), Ok(b)) = (a.parse::<u64>(), b.parse::<u64>()) else { return Err(unclear()) };
                    serde_json::json!([a, b])
                }
                (_, Ok(n), _) if key.starts_with("latency") => serde_json::json!([n, n]),
                (_, Ok(n), _) => n.into(),
                (_, _, Ok(p)) => p.into(),
                _ => return Err(unclear()),
            };
            all.insert(key.replace('-', "_"), value);
        }
        serde_json::from_value(all.into()).map_err(|_| Unclear(text.to_owned()))
    }
}

// === impl Weather ===

impl Weather {
    /// This climate, with chance from `seed`.
    #[must_use]
    pub fn new(climate: Climate, seed: u64) -> Self {
        let (down, _) = tokio::sync::watch::channel(climate.down);
        let inner = Inner {
            climate,
            plans: VecDeque::new(),
            chance: Chance::new(seed),
            taken: VecDeque::new(),
            begun: VecDeque::new(),
            peak: 0,
        };
        Self { inner: Mutex::new(inner), clock: Wall::new(), down }
    }

    /// The present climate.
    #[must_use]
    pub fn climate(&self) -> Climate {
        self.lock().climate.clone()
    }

    /// Changes the climate from the next call on.
    pub fn change(&self, with: impl FnOnce(&mut Climate)) {
        let down = {
            let mut inner = self.lock();
            with(&mut inner.climate);
            inner.climate.down
        };
        self.down.send_if_modified(|d| std::mem::replace(d, down) != down);
    }

    /// Goes down (or up again with `None`).
    pub fn go_down(&self, down: Option<Down>) {
        self.change(|c| c.down = down);
    }

    /// Foretells the fate of the next fitting call; plans are tried in the order given.
    pub fn plan(&self, plan: Plan) {
        self.lock().plans.push_back(plan);
    }

    /// Plans that have not befallen anyone yet.
    #[must_use]
    pub fn plans(&self) -> Vec<Plan> {
        self.lock().plans.iter().cloned().collect()
    }

    /// The most calls that began in any second so far.
    #[must_use]
    pub fn peak(&self) -> usize {
        self.lock().peak
    }

    /// Decides one call's fate; called once for each call, when it has been read.
    #[must_use]
    pub fn decide(&self, operation: &str, dossier: Option<&str>) -> Fate {
        let now = self.clock.since_start();
        let mut inner = self.lock();
        let inner = &mut *inner;
        let limit = inner.climate.rate;
        let over = inner.over_rate(now, limit);
        let mut before = inner.chance.between(inner.climate.latency);
        let mut after = inner.chance.between(inner.climate.latency_after);
        let effect = if over {
            Effect::TooMany
        } else if let Some(down) = inner.climate.down {
            if down == Down::Busy { Effect::Busy } else { Effect::CutBefore }
        } else if let Some(plan) = inner.planned(operation, dossier) {
            (before, after) = (before.saturating_add(plan.delay), after.saturating_add(plan.delay_after));
            plan.effect
        } else {
            inner.by_chance()
        };
        Fate { effect, before: Duration::from_millis(before), after: Duration::from_millis(after) }
    }

    /// True when a message the simulator sends shall be sent twice.
    #[must_use]
    pub fn twice(&self) -> bool {
        let mut inner = self.lock();
        let p = inner.climate.duplicate;
        inner.chance.hits(p)
    }

    /// Hears when the simulator goes down or up.
    #[must_use]
    pub fn watch_down(&self) -> tokio::sync::watch::Receiver<Option<Down>> {
        self.down.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Inner ===

impl Inner {
    /// Notes that a call began; true when it would be one more than the limit in the second that ends now.
    fn over_rate(&mut self, now: Duration, limit: Option<u32>) -> bool {
        let second = Duration::from_secs(1);
        for window in [&mut self.begun, &mut self.taken] {
            while window.front().is_some_and(|&t| now.saturating_sub(t) >= second) {
                window.pop_front();
            }
        }
        self.begun.push_back(now);
        self.peak = self.peak.max(self.begun.len());
        if limit.is_some_and(|n| self.taken.len() >= usize::try_from(n).unwrap_or(usize::MAX)) {
            return true;
        }
        self.taken.push_back(now);
        false
    }

    fn planned(&mut self, operation: &str, dossier: Option<&str>) -> Option<Plan> {
        let at = self.plans.iter().position(|p| p.fits(operation, dossier))?;
        let plan = self.plans.get_mut(at)?;
        plan.times = plan.times.saturating_sub(1);
        let found = plan.clone();
        if found.times == 0 {
            self.plans.remove(at);
        }
        Some(found)
    }

    fn by_chance(&mut self) -> Effect {
        let c = &self.climate;
        let table = [
            (c.busy, Effect::Busy),
            (c.error, Effect::Error),
            (c.error_after, Effect::ErrorAfter),
            (c.bad_gateway, Effect::BadGateway),
            (c.cut_before, Effect::CutBefore),
            (c.cut_after, Effect::CutAfter),
            (c.truncated, Effect::Truncated),
            (c.malformed, Effect::Malformed),
        ];
        let mut draw = self.chance.unit();
        for (p, effect) in table {
            if draw < p {
                return effect;
            }
            draw -= p;
        }
        Effect::Calm
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_goes_before_chance_and_befalls_once() {
        let weather = Weather::new(Climate::default(), 1);
        weather.plan(Plan::on("submit", Effect::CutAfter));
        assert_eq!(weather.decide("inquiry", None).effect, Effect::Calm);
        assert_eq!(weather.decide("submit", None).effect, Effect::CutAfter);
        assert_eq!(weather.decide("submit", None).effect, Effect::Calm);
    }

    #[test]
    fn the_same_seed_gives_the_same_weather() {
        let climate = Climate::parse("busy=0.3,cut-after=0.3,latency=5-50").unwrap();
        let run = |seed| {
            let w = Weather::new(climate.clone(), seed);
            (0..50).map(|_| w.decide("x", None)).map(|f| (f.effect, f.before)).collect::<Vec<_>>()
        };
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
        let effects = run(7).into_iter().map(|(e, _)| e).collect::<Vec<_>>();
        assert!(effects.contains(&Effect::Calm) && effects.contains(&Effect::Busy) && effects.contains(&Effect::CutAfter));
        assert!(run(7).iter().all(|(_, d)| (5..=50).contains(&d.as_millis())));
    }

    #[test]
    fn more_than_the_limit_in_a_second_is_too_many() {
        let weather = Weather::new(Climate::parse("rate=3").unwrap(), 1);
        let effects: Vec<Effect> = (0..5).map(|_| weather.decide("x", None).effect).collect();
        assert_eq!(effects, [Effect::Calm, Effect::Calm, Effect::Calm, Effect::TooMany, Effect::TooMany]);
        assert_eq!(weather.peak(), 5);
    }

    #[test]
    fn a_climate_with_an_unknown_word_is_refused() {
        for text in ["rain=1", "busy", "busy=much", "latency=a-b", "down=often"] {
            assert!(Climate::parse(text).is_err(), "{text}");
        }
        assert_eq!(Climate::parse("down=refused").unwrap().down, Some(Down::Refused));
        assert_eq!(Climate::parse("latency=20").unwrap().latency, (20, 20));
    }
}
