//! Who may speak at which partner's route: every caller at every route of every shipped partner. Default deny.
//!
//! A route that asks for a seal lets everybody come as far as the seal: a message without the right one is refused there.

use crate::rig::{Gate, basic};
use lienthong::catalogue::{Auth, Catalogue, Files, InKind};
use lienthong::config::Placeholders;
use std::collections::BTreeMap;

/// A caller: its name, its Authorization header, where it comes from, and the one (partner, way) it may use.
struct Speaker {
    name: &'static str,
    header: Option<String>,
    peer: &'static str,
    may: Option<(&'static str, Auth)>,
}

fn speakers(gate: &Gate) -> Vec<Speaker> {
    let bearer = |token: &str| Some(format!("Bearer {token}"));
    let here = "127.0.0.1:1";
    vec![
        Speaker { name: "nobody", header: None, peer: here, may: None },
        Speaker { name: "portal", header: bearer(gate.token()), peer: here, may: Some(("hanoi", Auth::Bearer)) },
        Speaker { name: "ministry", header: Some(basic("bo", "chu-bo")), peer: here, may: Some(("moet", Auth::Basic)) },
        Speaker { name: "stranger", header: Some(basic("la", "chu-la")), peer: here, may: None },
        Speaker { name: "operator", header: bearer("van-hanh"), peer: here, may: None },
        Speaker { name: "bills", header: None, peer: "10.20.0.9:1", may: Some(("keypay", Auth::Network)) },
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn every_caller_at_every_partners_route_gets_exactly_what_is_its_own() {
    let gate = Gate::open().await;
    let catalogue = Catalogue::load(&Files::embedded(), &BTreeMap::new(), &Placeholders).unwrap();
    let rows = gate.rows();
    let mut seen = 0;
    for partner in catalogue.partners.values() {
        for route in partner.ins.values().filter(|r| r.kind != InKind::Token) {
            for speaker in speakers(&gate) {
                let headers: Vec<(&str, &str)> = speaker.header.iter().map(|h| ("authorization", h.as_str())).collect();
                let path = format!("/{}{}", partner.name, route.post);
                let answer = gate.send_from(speaker.peer, &path, &headers, "").await;
                let own = speaker.may.is_some_and(|(p, way)| p == partner.name && Some(way) == route.auth);
                let admitted = ![401, 403].contains(&answer.status);
                assert_eq!(admitted, own || route.auth == Some(Auth::Seal), "{} at {path}: {}", speaker.name, answer.status);
                seen += 1;
            }
        }
    }
    assert!(seen >= 60, "only {seen} combinations");
    assert_eq!(gate.rows(), rows, "an empty body changes nothing anywhere");
}
