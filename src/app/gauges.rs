//! What `/metrics` shows of the partners' loops: read from the board at each scrape, so that nothing is counted twice.

use crate::dispatch::{Board, Standing};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;

/// The partners' gauges.
#[derive(Debug)]
pub(super) struct Gauges(pub(super) Board);

/// A gauge's name, what it says, and its value where there is one.
type Gauge = (&'static str, &'static str, fn(&Standing) -> Option<f64>);

const GAUGES: [Gauge; 10] = [
    ("partner_open", "1 while calls to the partner go out, 0 while its breaker or maintenance keeps them back", |s| {
        Some(f64::from(u8::from(s.breaker == "closed" && s.shut.is_none())))
    }),
    ("partner_closed_until_seconds", "Unix time at which a closed partner is tried again", |s| {
        s.until.or(s.shut.map(|(_, t)| t)).map(|t| t.0 as f64 / 1000.0)
    }),
    ("partner_calls_in_flight", "Calls to the partner under way", |s| Some(f64::from(s.in_flight))),
    ("partner_calls_begun", "Calls to the partner begun since the start", |s| Some(s.calls as f64)),
    ("partner_rate", "Calls a second the partner is kept to now", |s| Some(s.rate_milli as f64 / 1000.0)),
    ("partner_next_call_seconds", "Unix time at which the next call may begin, as far as limits decide it", |s| {
        s.next_at.map(|t| t.0 as f64 / 1000.0)
    }),
    ("partner_ramp", "Part of its calls at once a recovering partner gets", |s| {
        Some(s.ramp.map_or(1.0, |(now, full)| f64::from(now) / f64::from(full.max(1))))
    }),
    ("partner_quota_left", "Calls left of the partner's daily quota", |s| s.quota.map(|(left, _)| f64::from(left))),
    ("partner_allowance_left", "Calls the partner still takes by its own word", |s| s.allowance.map(|(left, _)| f64::from(left))),
    ("partner_call_seconds", "Mean time of a call to the partner, its settlement included", |s| {
        s.outlook.as_ref().map(|o| o.call.as_secs_f64())
    }),
];

impl Collector for Gauges {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let standings = self.0.all();
        for (name, help, value) in GAUGES {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (partner, value) in standings.iter().filter_map(|(p, s)| Some((p, value(s)?))) {
                let labels = [("partner", partner.as_str())];
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
