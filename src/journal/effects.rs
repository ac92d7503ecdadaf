//! Effects, made ready off the writer's thread and written on it: whole, or stale and not at all.
//!
//! What always holds: every row is checked against the version it was computed from, inside the command's savepoint; the
//! timeline is numbered by the single writer, so its order is the order of commits.

use super::lane::{self, NewRow};
use super::matter::{CaseRow, StepRow};
use super::money::{self, ReceiptRow, RefundRow};
use super::writer::{Fault, Made, Marks};
use super::{Acceptance, Accepted, Close, Early, Effects, FileRow, Known, NewAudit, NewMessage, Raw, retention};
use crate::clock::Time;
use crate::model::{Movement, PaymentState};
use rusqlite::{Connection, OptionalExtension as _, params};

/// The version of the canonical forms this program writes.
const CANONICAL: u32 = 1;

/// Effects with everything serialised.
pub(super) struct Ready {
    dossier: Option<(String, u64, String, String)>,
    payments: Vec<PaymentRow>,
    movements: Vec<Movement>,
    refunds: Vec<RefundRow>,
    receipts: Vec<ReceiptRow>,
    events: Vec<(String, Time, String, String)>,
    deliveries: Vec<NewRow>,
    closes: Vec<Close>,
    early: Vec<(Early, String)>,
    early_done: Vec<String>,
    files: Vec<FileRow>,
    cases: Vec<CaseRow>,
    case_steps: Vec<StepRow>,
    audit: Vec<AuditRow>,
}

/// An audit entry, serialised.
pub(super) struct AuditRow {
    entry: NewAudit,
    data: String,
}

struct PaymentRow {
    id: String,
    version: u64,
    dossier: String,
    requested_at: Time,
    expires_at: Option<Time>,
    data: String,
}

/// An acceptance with everything serialised.
pub(super) struct ReadyAcceptance {
    key: Option<(String, [u8; 32], [u8; 32])>,
    message: NewMessage,
    receipt: String,
    effects: Ready,
}

// === impl Ready ===

impl Ready {
    /// Serialises what is JSON in the store.
    pub(super) fn new(effects: Effects) -> Result<Self, Fault> {
        let dossier = match effects.dossier {
            Some(d) => Some((json(&d, "dossier")?, d.version, d.code, d.caller)),
            None => None,
        };
        let payments = effects.payments.into_iter().map(|p| {
            let data = json(&p, "payment")?;
            let expires_at = (p.state == PaymentState::Requested).then_some(p.expires_at);
            Ok(PaymentRow {
                id: p.transaction,
                version: p.version,
                dossier: p.dossier,
                requested_at: p.requested_at,
                expires_at,
                data,
            })
        });
        Ok(Self {
            dossier: dossier.map(|(data, version, code, caller)| (code, version, caller, data)),
            payments: payments.collect::<Result<_, Fault>>()?,
            movements: effects.movements,
            refunds: effects.refunds.into_iter().map(RefundRow::new).collect::<Result<_, Fault>>()?,
            receipts: effects.receipts.iter().map(ReceiptRow::new).collect::<Result<_, Fault>>()?,
            events: effects.events.into_iter().map(|e| (e.dossier, e.at, e.kind, e.data.to_string())).collect(),
            deliveries: effects.deliveries.into_iter().map(NewRow::new).collect(),
            closes: effects.closes,
            early: effects.early.into_iter().map(|e| (e.body.to_string(), e)).map(|(body, e)| (e, body)).collect(),
            early_done: effects.early_done,
            files: effects.files,
            cases: effects.cases.into_iter().map(CaseRow::new).collect(),
            case_steps: effects.case_steps.into_iter().map(StepRow::new).collect(),
            audit: effects.audit.into_iter().map(AuditRow::new).collect(),
        })
    }

    /// The dossier they are about, when it changes.
    pub(super) fn dossier(&self) -> Option<&str> {
        self.dossier.as_ref().map(|d| d.0.as_str())
    }

    /// Writes all; `false`: stale. `message` is the accepted message they come from, `at` when (none: each delivery's own time).
    pub(super) fn write(
        &self,
        conn: &Connection,
        marks: &mut Marks,
        message: Option<i64>,
        at: Option<Time>,
    ) -> Result<bool, Fault> {
        Ok(self.write_versions(conn)? && self.write_rest(conn, marks, message, at)?)
    }

    /// Dossier, payments and open cases, each checked against the version it was computed from; `false`: stale. Written before all else, so that
    /// what is stale has hardly ever written anything that must be undone.
    pub(super) fn write_versions(&self, conn: &Connection) -> Result<bool, Fault> {
        if !(self.write_dossier(conn)? && self.write_payments(conn)?) {
            return Ok(false);
        }
        for refund in &self.refunds {
            if !refund.write(conn)? {
                return Ok(false);
            }
        }
        for step in &self.case_steps {
            if !step.write(conn)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// All the rest; `false`: a delivery that is to be closed has moved on, or a file's content was removed meanwhile.
    pub(super) fn write_rest(
        &self,
        conn: &Connection,
        marks: &mut Marks,
        message: Option<i64>,
        at: Option<Time>,
    ) -> Result<bool, Fault> {
        for close in &self.closes {
            if !lane::close_seen(conn, marks, close, at)? {
                return Ok(false);
            }
        }
        for delivery in &self.deliveries {
            delivery.write(conn, marks, message, at)?;
        }
        self.movements.iter().try_for_each(|m| money::write_movement(conn, m))?;
        self.receipts.iter().try_for_each(|r| r.write(conn))?;
        self.write_timeline(conn)?;
        self.write_early(conn)?;
        if !write_files(conn, &self.files)? {
            return Ok(false);
        }
        self.cases.iter().try_for_each(|c| c.write(conn))?;
        self.audit.iter().try_for_each(|a| a.write(conn))?;
        Ok(true)
    }

    fn write_dossier(&self, conn: &Connection) -> Result<bool, Fault> {
        let Some((code, version, caller, data)) = &self.dossier else { return Ok(true) };
        let changed = if *version == 1 {
            conn.prepare_cached(
                "INSERT INTO dossier (code, version, caller, data) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (code) DO NOTHING",
            )?
            .execute(params![code, number(*version), caller, data])?
        } else {
            conn.prepare_cached("UPDATE dossier SET version = ?2, caller = ?3, data = ?4 WHERE code = ?1 AND version = ?2 - 1")?
                .execute(params![code, number(*version), caller, data])?
        };
        Ok(changed == 1)
    }

    fn write_payments(&self, conn: &Connection) -> Result<bool, Fault> {
        for p in &self.payments {
            let sql = if p.version == 1 {
                "INSERT INTO payment (id, version, dossier, requested_at, expires_at, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (id) DO NOTHING"
            } else {
                "UPDATE payment SET version = ?2, dossier = ?3, requested_at = ?4, expires_at = ?5, data = ?6
                 WHERE id = ?1 AND version = ?2 - 1"
            };
            let row = params![p.id, number(p.version), p.dossier, p.requested_at.0, p.expires_at.map(|t| t.0), p.data];
            if conn.prepare_cached(sql)?.execute(row)? != 1 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn write_timeline(&self, conn: &Connection) -> Result<(), Fault> {
        for (dossier, at, kind, data) in &self.events {
            let caller: Option<String> = match &self.dossier {
                Some((code, _, caller, _)) if code == dossier => Some(caller.clone()),
                _ => conn
                    .prepare_cached("SELECT caller FROM dossier WHERE code = ?1")?
                    .query_row([dossier], |r| r.get(0))
                    .optional()?,
            };
            conn.prepare_cached("INSERT INTO event (dossier, caller, at, kind, data) VALUES (?1, ?2, ?3, ?4, ?5)")?
                .execute(params![dossier, caller.unwrap_or_default(), at.0, kind, data])?;
        }
        Ok(())
    }

    fn write_early(&self, conn: &Connection) -> Result<(), Fault> {
        for message in &self.early_done {
            conn.prepare_cached("DELETE FROM early WHERE message = ?1")?.execute([message])?;
        }
        for (e, body) in &self.early {
            conn.prepare_cached(
                "INSERT OR REPLACE INTO early (message, dossier, at, kept_at, kind, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(params![e.message, e.dossier, e.at.0, e.kept_at.0, e.kind.name(), body])?;
        }
        Ok(())
    }
}

// === impl AuditRow ===

impl AuditRow {
    pub(super) fn new(entry: NewAudit) -> Self {
        Self { data: entry.data.to_string(), entry }
    }

    pub(super) fn write(&self, conn: &Connection) -> Result<(), Fault> {
        let a = &self.entry;
        conn.prepare_cached("INSERT INTO audit (at, who, what, about, data) VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![a.at.0, a.who, a.what, a.about, self.data])?;
        Ok(())
    }
}

// === impl ReadyAcceptance ===

impl ReadyAcceptance {
    /// Serialises what is JSON in the store.
    pub(super) fn new(a: Acceptance) -> Result<Self, Fault> {
        Ok(Self {
            key: a.idempotency.map(|i| (i.scope, i.key, i.fingerprint)),
            message: a.message,
            receipt: a.receipt.to_string(),
            effects: Ready::new(a.effects)?,
        })
    }

    /// Writes the message with all it causes, unless its key is known or a row has changed.
    pub(super) fn write(&self, conn: &Connection, marks: &mut Marks) -> Result<Made<Accepted>, Fault> {
        if let Some((scope, key, _)) = &self.key
            && let Some(known) = known(conn, scope, key)?
        {
            return Ok(Made::Dropped(Accepted::Known(known)));
        }
        let m = &self.message;
        if !self.effects.write_versions(conn)? {
            return Ok(Made::Dropped(Accepted::Stale));
        }
        conn.prepare_cached(
            "INSERT INTO message (id, partner, route, kind, dossier, caller, received_at, adapters, canonical, fingerprint, receipt, body, raw)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute(params![
            m.id,
            m.partner,
            m.route,
            m.kind.name(),
            m.dossier,
            m.caller,
            m.received_at.0,
            m.adapters,
            CANONICAL,
            self.key.as_ref().map(|k| k.2),
            self.receipt,
            m.body,
            m.raw.here()
        ])?;
        let message = conn.last_insert_rowid();
        if let Raw::Stored(blob) = &m.raw {
            conn.prepare_cached("INSERT INTO received (message, digest, size) VALUES (?1, ?2, ?3)")?.execute(params![
                message,
                blob.digest,
                number(blob.size)
            ])?;
        }
        if let Some((scope, key, _)) = &self.key {
            conn.prepare_cached("INSERT INTO idempotency (key, scope, message) VALUES (?1, ?2, ?3)")?
                .execute(params![key, scope, message])?;
        }
        if !self.effects.write_rest(conn, marks, Some(message), Some(m.received_at))? {
            return Ok(Made::Dropped(Accepted::Stale));
        }
        marks.tell(m.dossier.as_deref().or(self.effects.dossier()), None);
        Ok(Made::Kept(Accepted::New { message: u64::try_from(message).unwrap_or(0) }))
    }
}

// === functions ===

/// The earlier message under a key.
pub(super) fn known(conn: &Connection, scope: &str, key: &[u8; 32]) -> Result<Option<Known>, Fault> {
    let row = conn
        .prepare_cached(
            "SELECT m.seq, m.id, m.fingerprint, m.receipt FROM idempotency i JOIN message m ON m.seq = i.message
             WHERE i.key = ?1 AND i.scope = ?2",
        )?
        .query_row(params![key, scope], |r| Ok((r.get::<_, i64>(0)?, r.get(1)?, r.get(2)?, r.get::<_, String>(3)?)))
        .optional()?;
    row.map(|(message, id, fingerprint, receipt)| {
        let receipt = serde_json::from_str(&receipt).map_err(|_| Fault::Row("message"))?;
        Ok(Known { message: u64::try_from(message).unwrap_or(0), id, fingerprint, receipt })
    })
    .transpose()
}

/// Registers files that came now; a content that was removed before is here again with it.
pub(super) fn add_files(conn: &Connection, files: &[FileRow]) -> Result<(), Fault> {
    for f in files {
        add_file(conn, f)?;
    }
    Ok(())
}

/// Registers the files of a message; one that is there already is only given its dossier and reader. `false`: its content was removed
/// meanwhile.
fn write_files(conn: &Connection, files: &[FileRow]) -> Result<bool, Fault> {
    for f in files {
        let there = conn
            .prepare_cached("UPDATE file SET reader = coalesce(?2, reader), dossier = coalesce(?3, dossier) WHERE id = ?1")?
            .execute(params![f.id, f.reader, f.dossier])?;
        if there == 0 {
            add_file(conn, f)?;
        } else if retention::is_gone(conn, &f.digest)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn add_file(conn: &Connection, f: &FileRow) -> Result<(), Fault> {
    conn.prepare_cached("INSERT INTO file (id, caller, reader, dossier, digest, size, name, media, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)")?
        .execute(params![f.id, f.caller, f.reader, f.dossier, f.digest, number(f.size), f.name, f.media, f.at.0])?;
    conn.prepare_cached("DELETE FROM retention_gone WHERE digest = ?1")?.execute([&f.digest])?;
    Ok(())
}

/// As SQLite keeps a whole number; sizes and amounts are far below the limit.
pub(super) fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn json<T: serde::Serialize>(value: &T, table: &'static str) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|_| Fault::Row(table))
}
