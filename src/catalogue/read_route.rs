//! Reading the routes of a partner.toml, and the rules they must keep:
//!
//! - what a route names exists, and its mapping carries the route's message;
//! - a door for messages names its dedupe key, and every kind of door the answers it needs;
//! - on `ask` and `never` routes only an answer known to come before processing is a retry, and HTTP 500, 502, 504 and a Server
//!   fault stay unknown; an `ask` route has an inquiry, itself safe to repeat;
//! - each procedure of a route is in the catalogue and has its form's mapping in every edition.

use super::made;
use super::read::{Parts, SEALS, known, overlay, path, plain, retry, texts};
use super::read_around::{self, Use};
use super::read_batch;
use super::read_first;
use super::read_limits::of_route;
use super::route::{Auth, InKind, InRoute, OutRoute, Repeat, Replies, SOAP_FAULT};
use super::seal::{Over, Seal};
use crate::config::PartnerSettings;
use crate::config::reader::{Table, duration};
use crate::delivery::{Rule, Then};
use crate::mapping::{Mapping, WireSchema, nearest};
use crate::model::Kind;
use std::collections::BTreeMap;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// How long an unpaid transaction is open, unless the route says otherwise.
const QUARTER: Duration = Duration::from_secs(15 * 60);

// === out ===

/// All calls of ours.
pub(super) fn outs(root: &Table<'_>, parts: &Parts<'_>, own: &PartnerSettings) -> BTreeMap<String, OutRoute> {
    let tables = root.named("out");
    let routes: BTreeMap<String, OutRoute> =
        tables.iter().filter_map(|(name, t)| Some(((*name).to_owned(), out(name, t, parts, own)?))).collect();
    for (name, t) in &tables {
        let Some(route) = routes.get(*name) else { continue };
        check_inquiry(t, route, &routes);
        check_refund(t, route, parts);
        read_first::check(t, route, &routes, parts);
        read_around::check(t, "map", &route.map, Use::Call, parts);
        route.content.iter().for_each(|map| read_around::check(t, "content", map, Use::Reading, parts));
        let twin = routes
            .values()
            .find(|r| r.name.as_str() < *name && r.message == route.message && r.enabled && route.enabled && overlap(r, route));
        if let Some(twin) = twin {
            t.fault_at(
                "message",
                format!("`out.{}` takes this message already", twin.name),
                Some("set enabled = false on one of them".into()),
            );
        }
    }
    routes
}

const OUT_KEYS: [&str; 22] = [
    "message",
    "map",
    "post",
    "headers",
    "sign-in",
    "seal",
    "judge",
    "content",
    "content-seal",
    "first",
    "repeat",
    "ask",
    "quiet",
    "ask-schedule",
    "procedures",
    "batch",
    "items",
    "limits",
    "retry",
    "enabled",
    "expires",
    "validate",
];

fn out(name: &str, t: &Table<'_>, parts: &Parts<'_>, own: &PartnerSettings) -> Option<OutRoute> {
    t.only(&OUT_KEYS);
    let _ = (t.need("message"), t.need("repeat"));
    let message = t.get("message").and_then(|item| {
        let kind = Kind::of_name(item.text()?);
        if kind.is_none() {
            let names = || Kind::ALL.iter().map(|(_, name)| *name);
            let near = nearest(item.text().unwrap_or_default(), names());
            let all = || format!("one of: {}", names().collect::<Vec<_>>().join(", "));
            item.fault("`message` must be a canonical message", Some(near.unwrap_or_else(all)));
        }
        kind
    });
    let map = t.need_text("map");
    let carried = map_message(t, "map", &map, parts);
    if let (Some(message), Some(carried)) = (message, carried)
        && message != carried
    {
        t.fault_at("message", format!("`{map}.map` carries {}, not {}", carried.name(), message.name()), None);
    }
    if let Some(content) = t.text("content") {
        let _ = map_message(t, "content", &content, parts);
    }
    let repeat = t.parsed("repeat", "safe, ask or never", Repeat::of_word);
    let judge = t.need_text("judge");
    check_judge(t, &judge, repeat, parts);
    let schedule = t.get("ask-schedule").map(|i| i.list()).unwrap_or_default();
    let schedule: Vec<Duration> = schedule.iter().filter_map(|i| i.parsed("a list of lengths of time", duration)).collect();
    let schedule = if schedule.is_empty() { vec![Duration::from_secs(5), Duration::from_secs(30), 2 * MINUTE] } else { schedule };
    let procedures = t.get("procedures").map(|i| i.texts());
    check_forms(t, procedures.as_deref().unwrap_or_default(), parts);
    let sign_in = t.text("sign-in");
    if sign_in.as_ref().is_some_and(|s| !parts.sign_in.contains(&s.as_str())) {
        t.fault_at("sign-in", "no sign-in of this name", known(parts.sign_in.iter()));
    }
    let (batch, items) = read_batch::sent(t, &map, repeat, parts);
    Some(OutRoute {
        name: name.to_owned(),
        message: message?,
        post: path(t, "post"),
        headers: t.table("headers").map(|h| texts(&h)).unwrap_or_default(),
        sign_in,
        seals: seals(t, "seal", &map, parts),
        validate: validated(t, &map, parts),
        map,
        judge,
        content: t.text("content"),
        content_seals: seals(t, "content-seal", &t.text("content").unwrap_or_default(), parts),
        first: t.text("first"),
        repeat: repeat?,
        ask: t.text("ask"),
        quiet: own.quiet.unwrap_or_else(|| t.duration("quiet", 2 * MINUTE)),
        ask_schedule: own.ask_schedule.clone().filter(|s| !s.is_empty()).unwrap_or(schedule),
        procedures,
        batch,
        items,
        limit: of_route(t, parts.setting.held),
        retry: t.table("retry").map(|r| overlay(retry(&r), own.retry)),
        enabled: t.flag("enabled", true),
        expires: t.duration("expires", QUARTER),
    })
}

fn overlap(a: &OutRoute, b: &OutRoute) -> bool {
    match (&a.procedures, &b.procedures) {
        (Some(a), Some(b)) => a.iter().any(|p| b.contains(p)),
        _ => true,
    }
}

fn check_inquiry(t: &Table<'_>, route: &OutRoute, routes: &BTreeMap<String, OutRoute>) {
    match (&route.ask, route.repeat) {
        (None, Repeat::Ask) => t.fault_at("repeat", "`repeat = \"ask\"` needs the route that asks: `ask`", known(routes.keys())),
        (None, _) => {}
        (Some(ask), _) => match routes.get(ask) {
            None => t.fault_at("ask", format!("there is no route `out.{ask}`"), known(routes.keys())),
            Some(inquiry) if inquiry.repeat != Repeat::Safe => {
                t.fault_at("ask", format!("`out.{ask}` asks, so it must be `repeat = \"safe\"`"), None);
            }
            Some(inquiry) if !matches!(inquiry.message, Kind::DossierQuery | Kind::PaymentQuery | Kind::RefundQuery) => {
                t.fault_at("ask", format!("`out.{ask}` carries {}, which asks nothing", inquiry.message.name()), None);
            }
            Some(_) => {}
        },
    }
}

/// What became of a refund is the platform's word alone: without it no refund would ever end.
fn check_refund(t: &Table<'_>, route: &OutRoute, parts: &Parts<'_>) {
    if !matches!(route.message, Kind::RefundRequest | Kind::RefundQuery) || !parts.setting.held {
        return;
    }
    let hint = Some("a mapping of its answer: `content = \"refund-state\"`, with `message: refund.state` in its head".to_owned());
    match &route.content {
        None => {
            t.fault_at("message", format!("a route for {} needs `content`, which says how it went", route.message.name()), hint)
        }
        // One that is not there, or has no head, is told at its own place.
        Some(content) if parts.book.map(content).is_some_and(|map| map.message() != Kind::RefundState.name()) => {
            t.fault_at("content", format!("`{content}.map` does not carry refund.state"), hint);
        }
        Some(_) => {}
    }
}

/// On routes whose repeat does harm, what is retried must be known to come before processing.
pub(super) fn check_judge(t: &Table<'_>, name: &str, repeat: Option<Repeat>, parts: &Parts<'_>) {
    let Some(judge) = parts.judges.get(name) else {
        if t.get("judge").is_some() {
            t.fault_at("judge", "no judge of this name", known(parts.judges.keys()));
        }
        return;
    };
    if !matches!(repeat, Some(Repeat::Ask | Repeat::Never)) {
        return;
    }
    for (n, rule) in judge.rules.iter().enumerate() {
        if let Some(wrong) = harm(rule) {
            let hint = "leave the rule out: what fits no rule is unknown, and is asked after".to_owned();
            t.fault_at(
                "judge",
                format!("rule {} of judge `{name}` {wrong}; this route is not safe to repeat", n + 1),
                Some(hint),
            );
        }
    }
}

/// Why a rule must not judge a call whose repeat does harm.
fn harm(rule: &Rule) -> Option<&'static str> {
    let unclear = |rule: &Rule| rule.http.as_ref().is_none_or(|codes| [500, 502, 504].into_iter().any(|c| codes.contains(c)));
    let busy_word = rule.at.as_ref().is_some_and(|(_, words)| !words.is_empty());
    if rule.fault.as_deref() == Some("Server") {
        return Some("decides on a Server fault, which does not say whether the call was processed");
    }
    if unclear(rule) && rule.fault.is_none() && !busy_word {
        return Some("decides on HTTP 500, 502 or 504, which do not say whether the call was processed");
    }
    let only_before = rule.http.as_ref().is_some_and(|codes| (100..600).all(|c| !codes.contains(c) || matches!(c, 429 | 503)));
    let busy = busy_word && !unclear(rule);
    if rule.then == Then::Retry && !only_before && !busy {
        return Some("retries an answer that is not known to come before processing (HTTP 429, 503, or a busy code)");
    }
    None
}

/// What a procedure needs before a partner can take it.
const CATALOGUED: &str = "a row in schemas/catalogue/procedures.csv, and in services.toml beside it `host = \"ministry\"`";
const EDITION: &str = "[[edition]] with procedure, name and from; its schema is forms/<procedure>@<name>.json";

fn check_forms(t: &Table<'_>, procedures: &[String], parts: &Parts<'_>) {
    for code in procedures {
        if !parts.setting.procedures.list().iter().any(|p| p.code() == code) {
            t.fault_at("procedures", format!("procedure {code} is not in the catalogue"), Some(CATALOGUED.into()));
        }
        let editions: Vec<&str> = parts.editions.iter().filter(|(c, _, _)| c == code).map(|(_, _, name)| name).collect();
        if editions.is_empty() {
            t.fault_at("procedures", format!("procedure {code} has no edition in forms/editions.toml"), Some(EDITION.into()));
        }
        for edition in editions {
            let file = format!("form/{code}@{edition}.map");
            if !parts.texts.contains_key(&file) {
                t.fault_at("procedures", format!("procedure {code} has no mapping of its form: {file}"), None);
            }
        }
    }
}

// === in ===

/// All doors.
pub(super) fn ins(root: &Table<'_>, parts: &Parts<'_>) -> BTreeMap<String, InRoute> {
    let mut routes: BTreeMap<String, InRoute> = BTreeMap::new();
    for (name, t) in root.named("in") {
        let route = door(name, &t, parts);
        if let Some(twin) = routes.values().find(|r| r.post == route.post) {
            t.fault_at("post", format!("`in.{}` stands at this path already", twin.name), None);
        }
        routes.insert(name.to_owned(), route);
    }
    routes
}

fn door(name: &str, t: &Table<'_>, parts: &Parts<'_>) -> InRoute {
    t.only(&["post", "map", "kind", "auth", "dedupe", "about", "seal", "wait", "max_body", "decides", "reply", "validate"]);
    let kind = t.parsed("kind", "message, question, token, upload or issue", InKind::of_word).unwrap_or(InKind::Message);
    let replies = t.table("reply").map(|r| replies(&r, parts)).unwrap_or_default();
    let map = t.text("map");
    let message = map.as_ref().and_then(|m| map_message(t, "map", m, parts));
    if map.is_none() && matches!(kind, InKind::Message | InKind::Question | InKind::Issue) {
        t.fault("`map` is missing");
    }
    let auth = t.parsed("auth", "bearer, basic, seal or network", Auth::of_word);
    if kind != InKind::Token && t.get("auth").is_none() {
        t.fault("`auth` is missing: bearer, basic, seal or network");
    }
    let route = InRoute {
        name: name.to_owned(),
        post: path(t, "post"),
        kind,
        message,
        auth,
        dedupe: t.texts("dedupe"),
        about: t.text("about"),
        seals: seals(t, "seal", map.as_deref().unwrap_or_default(), parts),
        validate: validated(t, map.as_deref().unwrap_or_default(), parts),
        map,
        wait: t.get("wait").map(|_| t.duration("wait", Duration::ZERO)),
        max_body: t.get("max_body").map(|_| t.size("max_body", 0)),
        decides: t.flag("decides", false),
        replies,
    };
    check_door(t, &route, parts);
    route.map.iter().for_each(|map| read_around::check(t, "map", map, Use::Reading, parts));
    route
}

fn check_door(t: &Table<'_>, route: &InRoute, parts: &Parts<'_>) {
    if !plain(&route.post) {
        t.fault_at("post", format!("`{}` cannot be a path at our door", route.post), Some("letters, digits and / - _ .".into()));
    }
    let listed = t.get("dedupe").is_none_or(|item| item.value().is_array());
    if route.kind == InKind::Message && route.dedupe.is_empty() && listed {
        t.fault_at(
            "dedupe",
            "a door for messages needs `dedupe`: what makes two of them the same",
            Some("canonical paths, or [\"*\"]".into()),
        );
    }
    if let Some(schema) = route.message.and_then(|m| parts.setting.schemas.get(m.name())) {
        for path in route.dedupe.iter().filter(|p| *p != "*") {
            let first = path.split('.').next().unwrap_or_default();
            if schema.get("properties").is_some_and(|p| p.get(first).is_none()) {
                t.fault_at("dedupe", format!("the message has no field `{path}`"), None);
            }
        }
    }
    if route.auth == Some(Auth::Seal) && route.seals.is_empty() {
        t.fault_at("auth", "`auth = \"seal\"` needs the seal: `seal = [\"name\"]`", None);
    }
    let proven = route.auth == Some(Auth::Network) && !route.seals.is_empty() && route.message == Some(Kind::PaymentNotice);
    if route.decides && !proven {
        t.fault_at(
            "decides",
            "only a sealed payment.notice from the partner's own network may decide",
            Some("auth = \"network\" and seal = [\"name\"]; or leave `decides` out and let a query decide".into()),
        );
    }
    let r = &route.replies;
    let needed: &[(&str, bool)] = match route.kind {
        InKind::Message => {
            &[("accepted", r.accepted.is_some()), ("refused", r.refused.is_some()), ("broken", r.broken.is_some())]
        }
        InKind::Question | InKind::Issue | InKind::Upload => &[("answer", r.answer.is_some()), ("refused", r.refused.is_some())],
        InKind::Token => &[],
    };
    for (key, _) in needed.iter().filter(|(_, there)| !there) {
        t.fault_at("reply", format!("`reply.{key}` is missing"), None);
    }
    if let Some(reply) = t.table("reply").filter(|_| parts.setting.held) {
        for (key, name) in r.named() {
            let carried = parts.book.map(name).and_then(|map| Kind::of_name(map.message()));
            if let Some(kind) = carried.filter(|kind| made::answers(route, key, *kind, false).is_none()) {
                let hint = told_at(route.kind, key).map(|kinds| format!("a mapping of {kinds}"));
                reply.fault_at(key, format!("`{name}.map` carries {}, which is not told here", kind.name()), hint);
            }
        }
    }
    read_batch::received(t, route, parts);
    if route.wait.is_some() && r.waited.is_none() {
        t.fault_at("reply", "a door that waits needs `reply.waited`, for when the time is over", None);
    }
}

/// What an answer carries, in words.
fn told_at(door: InKind, key: &str) -> Option<&'static str> {
    match (key, door) {
        ("refused" | "broken", _) => Some("refusal or receipt"),
        ("accepted" | "waited", InKind::Message) | ("answer", InKind::Issue) => Some("receipt"),
        ("answer", InKind::Upload) => Some("file.stored"),
        ("answer", InKind::Question) => Some("bill.answer"),
        _ => None,
    }
}

fn replies(t: &Table<'_>, parts: &Parts<'_>) -> Replies {
    t.only(&["accepted", "refused", "broken", "answer", "waited"]);
    let map = |key: &str| {
        let name = t.text(key)?;
        if !(key == "broken" && name == SOAP_FAULT) {
            let _ = map_message(t, key, &name, parts);
            read_around::check(t, key, &name, Use::Answer, parts);
        }
        Some(name)
    };
    Replies {
        accepted: map("accepted"),
        refused: map("refused"),
        broken: map("broken"),
        answer: map("answer"),
        waited: map("waited"),
    }
}

// === both ===

/// The seals of a route; their fields are in its mapping (V10).
fn seals(t: &Table<'_>, key: &str, map: &str, parts: &Parts<'_>) -> Vec<String> {
    let names = t.texts(key);
    for name in names.iter().filter(|n| !parts.seals.contains(&n.as_str())) {
        t.fault_at(key, format!("there is no seal `{name}`"), known(parts.seals.iter()));
    }
    if let Some(map) = parts.book.map(map) {
        let hmacs: Vec<&str> =
            names.iter().map(String::as_str).filter(|n| matches!(parts.sealing.get(*n), Some(Seal::Hmac { .. }))).collect();
        for name in &hmacs {
            check_seal(t, key, name, map, parts);
        }
        // A seal that cannot be read is told at its own place.
        let others = names.iter().all(|n| matches!(parts.sealing.get(n), Some(Seal::Webhook { .. })));
        if others && map.is_sealed() {
            let text = format!("`{}.map` has a seal's hole, and no seal over fields fills it", map.name());
            t.fault_of(SEALS, key, text, Some(format!("`{key} = [\"name\"]`, or take the line `= $seal` away")));
        }
    }
    names
}

/// A seal over fields: its hole is there, and each field is single, always there, a plain scalar of the root level.
fn check_seal(t: &Table<'_>, key: &str, name: &str, map: &Mapping, parts: &Parts<'_>) {
    let Some(Seal::Hmac { over, .. }) = parts.sealing.get(name) else { return };
    let file = map.name();
    if !map.is_sealed() {
        t.fault_of(SEALS, key, format!("`{file}.map` has no hole for the seal `{name}`"), Some("a line `field = $seal`".into()));
    }
    for field in over {
        let Over::Field(field) = field else { continue };
        let text = match map.root_field(field) {
            None => format!("the seal `{name}` covers `{field}`, which is no field of the root level in `{file}.map`"),
            Some(found) if !found.plain => {
                format!("the seal `{name}` covers `{field}`, which is no plain scalar in `{file}.map`")
            }
            Some(found) if !found.required => {
                format!("the seal `{name}` covers `{field}`, which may be missing by `{file}.map`: without it there is no seal")
            }
            Some(_) => continue,
        };
        t.fault_of(SEALS, key, text, Some("sealed fields stand at the root level, once, without `?`".into()));
    }
}

/// Whether a route asks for validation by the XSD its mapping names.
fn validated(t: &Table<'_>, map: &str, parts: &Parts<'_>) -> bool {
    let asked = t.parsed("validate", "\"xsd\"", |w| (w == "xsd").then_some(())).is_some();
    let Some(mapping) = parts.book.map(map).filter(|_| asked) else { return asked };
    let Some(path) = mapping.schema() else {
        let hint = "`schema: folder/name.xsd` in its head, a file under schemas/".to_owned();
        t.fault_at("validate", format!("`{map}.map` names no schema to validate by"), Some(hint));
        return asked;
    };
    // A schema that is not there or cannot be read is told with its own place.
    let schema = parts.setting.xsds.get(path);
    if schema.is_some_and(|s| s.xsd().is_none()) {
        t.fault_at("validate", format!("`{map}.map` names no XSD: {path}"), None);
    }
    match schema.and_then(WireSchema::xsd).map(crate::mapping::Xsd::validator) {
        Some(Ok(validator)) => drop(parts.validators.borrow_mut().insert(map.to_owned(), validator)),
        Some(Err(why)) => t.fault_at("validate", format!("the schema {path} cannot be used: {why}"), None),
        None => {}
    }
    asked
}

/// The message of a mapping, from the head of its text: so that partner.toml's faults are told even when a mapping has its own.
pub(super) fn map_message(t: &Table<'_>, key: &str, name: &str, parts: &Parts<'_>) -> Option<Kind> {
    let Some(text) = parts.texts.get(&format!("{name}.map")) else {
        if !name.is_empty() {
            let maps = parts.texts.keys().filter_map(|file| file.strip_suffix(".map"));
            let bare = name.strip_suffix(".map").map(|bare| format!("without its ending: `{key} = \"{bare}\"`"));
            t.fault_at(key, format!("there is no file `{name}.map`"), bare.or_else(|| nearest(name, maps)));
        }
        return None;
    };
    let head = text.lines().skip_while(|l| l.starts_with('#')).take_while(|l| !l.trim().is_empty());
    let message = head.filter_map(|l| l.strip_prefix("message:")).map(|m| m.split('#').next().unwrap_or_default().trim()).next();
    let Some(message) = message else {
        t.fault_at(key, format!("`{name}.map` is a part, not a mapping: it has no head"), None);
        return None;
    };
    let kind = Kind::of_name(message);
    // What no schema has either is told in the mapping's own head.
    if kind.is_none() && parts.setting.schemas.contains_key(message) {
        t.fault_at(key, format!("`{name}.map` carries `{message}`, which is no canonical message"), None);
    }
    kind
}
