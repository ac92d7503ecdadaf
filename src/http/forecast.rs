//! `GET /v1/forecast`: when each partner's queue is drained and how many dossiers miss their date, in figures and in sentences; `rate` asks
//! what if it were fed faster or slower. On the operators' address only. It costs the kinds of what waits, not its number.

use super::Door;
use super::problem::Problem;
use super::roles::Operation;
use super::v1::query;
use crate::clock::Time;
use crate::delivery::{Forecast, Outlook, Quota, forecast};
use crate::exchange::Refusal;
use crate::journal::Backlog;
use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{Extensions, HeaderMap};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;

/// What is asked.
#[derive(Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    partner: Option<String>,
    rate: Option<String>,
}

/// What the sentences are made of.
struct Told<'t> {
    title: &'t str,
    forecast: &'t Forecast,
    held: u64,
    paused: bool,
    now: Time,
}

pub(super) async fn show(
    State(door): State<Arc<Door>>,
    asked: Result<Query<Asked>, QueryRejection>,
    headers: HeaderMap,
    extensions: Extensions,
) -> Result<Json<Value>, Problem> {
    door.admit(&headers, &extensions, Operation::ForecastShow)?;
    let asked = query(asked)?;
    let rate = asked.rate.as_deref().map(|text| Quota::parse(text).ok_or_else(bad_rate)).transpose()?;
    let partners: Vec<(String, String)> = {
        let known = door.intake.known();
        let fed = known.catalogue.partners.values().filter(|p| !p.outs.is_empty());
        fed.filter(|p| asked.partner.as_ref().is_none_or(|a| *a == p.name)).map(|p| (p.name.clone(), p.title.clone())).collect()
    };
    if partners.is_empty() {
        let (vi, en) = ("Không có đối tác với tên này.", "There is no partner with this name that we call.");
        return Err(Refusal::new("partner-unknown", 404, vi, en).into());
    }
    let now = door.clock.now();
    let queues = door.journal.queues().await?;
    let mut told = Vec::new();
    for (name, title) in partners {
        let backlog = door.journal.backlog(&name).await?;
        let paused = queues.iter().find(|q| q.partner == name).and_then(|q| q.paused.clone());
        let Some(outlook) = (door.outlooks)(&name) else { continue };
        // A long queue takes some milliseconds of arithmetic: not on the threads that carry everybody's sockets.
        let one = tokio::task::spawn_blocking(move || one(&name, &title, &backlog, &outlook, rate, paused.as_deref(), now));
        told.push(one.await.map_err(|_| Problem::overloaded())?);
    }
    Ok(Json(json!({ "at": now.rfc3339(), "rate": asked.rate, "forecasts": told })))
}

fn one(
    name: &str,
    title: &str,
    backlog: &Backlog,
    outlook: &Outlook,
    rate: Option<Quota>,
    paused: Option<&str>,
    now: Time,
) -> Value {
    let f = forecast(&backlog.waiting, outlook, rate, now);
    let told = Told { title, forecast: &f, held: backlog.held, paused: paused.is_some(), now };
    let classes: Vec<Value> = f
        .classes
        .iter()
        .map(|c| {
            json!({ "class": c.class, "waiting": c.waiting, "drained_at": c.drained_at.map(Time::rfc3339), "late": c.late,
                "no_date": c.no_date })
        })
        .collect();
    json!({
        "partner": name,
        "waiting": f.waiting,
        "held": backlog.held,
        "paused": paused,
        "drained_at": f.drained_at.map(Time::rfc3339),
        "late": f.late,
        "classes": classes,
        "call_ms": u64::try_from(outlook.call.as_millis()).unwrap_or(u64::MAX),
        "calls_per_message": (outlook.calls * 100.0).round() / 100.0,
        "text": told.vietnamese(),
        "text_en": told.english(),
    })
}

fn bad_rate() -> Problem {
    Problem::request(
        "/rate",
        "Tốc độ phải có dạng 5/s, 300/min, 1000/h hoặc 20000/day.",
        "The rate must be such as 5/s, 300/min, 1000/h or 20000/day.",
    )
}

// === impl Told ===

impl Told<'_> {
    fn vietnamese(&self) -> String {
        let f = self.forecast;
        let mut text = format!("{}: ", self.title);
        match f.drained_at {
            _ if f.waiting == 0 => text.push_str("không có lượt chuyển nào đang chờ."),
            Some(at) => {
                let _ =
                    write!(text, "{} lượt chuyển đang chờ, dự kiến xong lúc {}; ", grouped(f.waiting, '.'), self.when(at, true));
                let late = if f.late == 0 { "không có".to_owned() } else { grouped(f.late, '.') };
                let _ = write!(text, "{late} hồ sơ trễ hạn.");
            }
            None => {
                let _ = write!(text, "{} lượt chuyển đang chờ, chưa thể xong trong 60 ngày tới; ", grouped(f.waiting, '.'));
                let _ = write!(text, "ít nhất {} hồ sơ trễ hạn.", grouped(f.late, '.'));
            }
        }
        if self.held > 0 {
            let _ = write!(text, " Ngoài ra có {} lượt chuyển đang chờ người xử lý.", grouped(self.held, '.'));
        }
        if self.paused {
            text.push_str(" Đang tạm dừng: dự báo này tính như thể được mở lại ngay bây giờ.");
        }
        text
    }

    fn english(&self) -> String {
        let f = self.forecast;
        let mut text = format!("{}: ", self.title);
        match f.drained_at {
            _ if f.waiting == 0 => text.push_str("nothing waits."),
            Some(at) => {
                let _ = write!(text, "{} messages wait, drained at {}; ", grouped(f.waiting, ','), self.when(at, false));
                let late = if f.late == 0 { "no".to_owned() } else { grouped(f.late, ',') };
                let _ = write!(text, "{late} dossiers miss their date.");
            }
            None => {
                let _ = write!(text, "{} messages wait and are not drained within 60 days; ", grouped(f.waiting, ','));
                let _ = write!(text, "at least {} dossiers miss their date.", grouped(f.late, ','));
            }
        }
        if self.held > 0 {
            let _ = write!(text, " {} more are held for a person.", grouped(self.held, ','));
        }
        if self.paused {
            text.push_str(" It is paused: this is as if it were resumed now.");
        }
        text
    }

    /// The hour, and the day when it is another than today.
    fn when(&self, at: Time, vietnamese: bool) -> String {
        let Some(civil) = at.civil() else { return at.rfc3339() };
        match (at.day() == self.now.day(), vietnamese) {
            (true, true) => format!("{} hôm nay", civil.strftime("%H:%M")),
            (true, false) => format!("{} today", civil.strftime("%H:%M")),
            (false, true) => format!("{} ngày {}", civil.strftime("%H:%M"), civil.strftime("%d/%m/%Y")),
            (false, false) => format!("{} on {}", civil.strftime("%H:%M"), civil.strftime("%Y-%m-%d")),
        }
    }
}

/// A number with its thousands set apart.
fn grouped(n: u64, between: char) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(between);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{ClassForecast, Feed, Limit, Saved, Terms, Waiting};
    use std::time::Duration;

    fn at(text: &str) -> Time {
        Time::parse(&format!("{text}:00+07:00")).unwrap()
    }

    #[test]
    fn the_sentences_say_when_and_how_many_in_both_languages() {
        let forecast = |drained_at, waiting, late| Forecast { waiting, drained_at, late, classes: Vec::<ClassForecast>::new() };
        let now = at("2026-06-09T10:00");
        for (f, held, paused, vi, en) in [
            (
                forecast(Some(at("2026-06-09T14:20")), 12_500, 312),
                0,
                false,
                "Bộ: 12.500 lượt chuyển đang chờ, dự kiến xong lúc 14:20 hôm nay; 312 hồ sơ trễ hạn.",
                "Bộ: 12,500 messages wait, drained at 14:20 today; 312 dossiers miss their date.",
            ),
            (
                forecast(Some(at("2026-06-10T01:05")), 900, 0),
                7,
                true,
                "Bộ: 900 lượt chuyển đang chờ, dự kiến xong lúc 01:05 ngày 10/06/2026; không có hồ sơ trễ hạn. Ngoài ra có 7 lượt chuyển đang chờ người xử lý. Đang tạm dừng: dự báo này tính như thể được mở lại ngay bây giờ.",
                "Bộ: 900 messages wait, drained at 01:05 on 2026-06-10; no dossiers miss their date. 7 more are held for a person. It is paused: this is as if it were resumed now.",
            ),
            (forecast(Some(now), 0, 0), 0, false, "Bộ: không có lượt chuyển nào đang chờ.", "Bộ: nothing waits."),
            (
                forecast(None, 9_000_000, 1_000),
                0,
                false,
                "Bộ: 9.000.000 lượt chuyển đang chờ, chưa thể xong trong 60 ngày tới; ít nhất 1.000 hồ sơ trễ hạn.",
                "Bộ: 9,000,000 messages wait and are not drained within 60 days; at least 1,000 dossiers miss their date.",
            ),
        ] {
            let told = Told { title: "Bộ", forecast: &f, held, paused, now };
            assert_eq!((told.vietnamese().as_str(), told.english().as_str()), (vi, en));
        }
    }

    #[test]
    fn the_answer_has_the_figures_by_class() {
        let now = at("2026-06-09T10:00");
        let whole = Limit { rate: Quota::parse("10/s"), ..Limit::default() };
        let feed = Feed::start(&Terms { whole, ..Terms::default() }, &Saved::default(), now);
        let outlook = Outlook { feed, call: Duration::from_millis(80), calls: 1.25 };
        let of = |class: &str, due, count| Waiting { class: class.into(), caller: "a".into(), route: "r".into(), due, count };
        let yesterday = now.day() - 1;
        let backlog = Backlog { waiting: vec![of("citizen", Some(yesterday), 8), of("bulk", None, 2)], held: 3 };
        let told = one("office", "Bộ", &backlog, &outlook, None, None, now);
        assert_eq!(
            (&told["waiting"], &told["held"], &told["late"], &told["call_ms"]),
            (&json!(10), &json!(3), &json!(8), &json!(80))
        );
        assert_eq!(told["classes"][0]["class"], "bulk");
        assert_eq!((&told["classes"][0]["no_date"], &told["classes"][1]["late"]), (&json!(2), &json!(8)));
        assert!(told["drained_at"].as_str().unwrap().starts_with("2026-06-09T10:00:0"), "{told}");
    }
}
