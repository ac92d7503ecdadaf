//! What the door counts. Labels are words of our own tables (route, status, code): never a value of a request.

use crate::model::CaseKind;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Route and status of a request.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    route: String,
    status: u32,
}

/// Code word of a refusal.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RefusalLabels {
    route: String,
    code: &'static str,
}

/// Kind of a case.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CaseLabels {
    kind: String,
}

/// The door's counters; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    requests: Family<RequestLabels, Counter>,
    refusals: Family<RefusalLabels, Counter>,
    cases: Family<CaseLabels, Gauge>,
    pub(super) vitals: super::vitals::Vitals,
}

// === impl Metrics ===

impl Metrics {
    /// Counters registered at the registry.
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self { vitals: super::vitals::Vitals::register(registry), ..Self::default() };
        registry.register("http_requests", "Requests at the door by route and status", metrics.requests.clone());
        registry.register("http_refusals", "Refusals by route and code word", metrics.refusals.clone());
        registry.register("cases_open", "Cases that wait for a person, by kind", metrics.cases.clone());
        metrics
    }

    /// How many cases are open, by kind; a kind without one is shown as 0, so that an alarm can see it fall.
    pub fn cases(&self, open: &[(String, u64)]) {
        for kind in CaseKind::ALL.iter().map(|(_, word)| *word).chain(open.iter().map(|(word, _)| word.as_str())) {
            let n = open.iter().find(|(word, _)| word == kind).map_or(0, |(_, n)| *n);
            let labels = CaseLabels { kind: kind.to_owned() };
            self.cases.get_or_create(&labels).set(i64::try_from(n).unwrap_or(i64::MAX));
        }
    }

    /// One answer left; `code` when it was a refusal.
    pub fn answered(&self, route: &str, status: u16, code: Option<&'static str>) {
        self.requests.get_or_create(&RequestLabels { route: route.to_owned(), status: status.into() }).inc();
        if let Some(code) = code {
            self.refusals.get_or_create(&RefusalLabels { route: route.to_owned(), code }).inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_counted_by_its_code() {
        let mut registry = Registry::default();
        let metrics = Metrics::register(&mut registry);
        metrics.answered("/north/files", 413, Some("body-too-large"));
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        assert!(text.contains("http_requests_total{route=\"/north/files\",status=\"413\"} 1"), "{text}");
        assert!(text.contains("http_refusals_total{route=\"/north/files\",code=\"body-too-large\"} 1"), "{text}");
    }
}
