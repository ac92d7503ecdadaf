//! The journal's file: how it is opened, brought to this program's shape, and how a new run begins.
//!
//! What always holds: a shipped migration is never edited (its digest is checked at every start); a file that is newer than
//! this program, or not ours, is refused and not touched; opening costs the same whatever waits in the journal.

use super::lane;
use crate::clock::Time;
use crate::seal::sha256_hex;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// "LTGW": what `PRAGMA application_id` of a journal says.
pub(super) const APPLICATION: i32 = 0x4c54_4757;

/// Page size: 3 KB bodies go clearly faster with 8 KiB than with 4.
pub(super) const PAGE: u32 = 8192;

/// Size to which the WAL's file is cut when it begins anew, in bytes; as much as it may grow to before that (see `checkpoint`).
const WAL_LIMIT: i64 = 128 << 20;

/// All migrations, in order; the version of the file is how many were applied.
const MIGRATIONS: [(&str, &str); 9] = [
    ("first", include_str!("migrations/0001_first.sql")),
    ("cases", include_str!("migrations/0002_cases.sql")),
    ("order", include_str!("migrations/0003_order.sql")),
    ("money", include_str!("migrations/0004_money.sql")),
    ("statements", include_str!("migrations/0005_statements.sql")),
    ("later", include_str!("migrations/0006_later.sql")),
    ("retention", include_str!("migrations/0007_retention.sql")),
    ("placed", include_str!("migrations/0008_placed.sql")),
    ("received", include_str!("migrations/0009_received.sql")),
];

/// Why a journal could not be opened. What is refused was not changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds it.
    #[error("the journal in {} is held by the running gateway, process {pid}; stop it, or speak to it", .dir.display())]
    Held {
        /// The data folder.
        dir: PathBuf,
        /// The holder's process id as written in the lock file (`?`: not readable).
        pid: String,
    },
    /// Written by a newer program.
    #[error("the journal is of version {found}, this program knows versions up to {known}: use the newer program")]
    Newer {
        /// The file's version.
        found: u32,
        /// The newest this program knows.
        known: u32,
    },
    /// Not a journal of ours.
    #[error("{} is not a journal of lienthong (application id {id:#x})", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What its `application_id` says.
        id: i32,
    },
    /// A migration was edited after it was shipped.
    #[error("the journal's migration {version} is not the one this program carries: it was made by another build")]
    Altered {
        /// The migration.
        version: u32,
    },
    /// A file or folder could not be used.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The store failed.
    #[error("the journal's store failed while opening: {0}")]
    Store(#[from] rusqlite::Error),
}

/// The OS lock that says who holds the folder; let go when dropped, or by the system when the process dies.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

// === impl Lock ===

impl Lock {
    /// Takes the lock of a data folder; refused with the holder's pid.
    pub(super) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join("lock");
        let fault = |source| OpenError::File { path: path.clone(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut pid = String::new();
                let read = file.read_to_string(&mut pid).is_ok() && !pid.trim().is_empty();
                return Err(OpenError::Held {
                    dir: dir.to_owned(),
                    pid: if read { pid.trim().to_owned() } else { "?".to_owned() },
                });
            }
            Err(TryLockError::Error(source)) => return Err(fault(source)),
        }
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(fault)?;
        Ok(Self { _file: file })
    }
}

// === functions ===

/// Makes the data folder, durably.
pub(super) fn make_dir(dir: &Path) -> Result<(), OpenError> {
    let fault = |source| OpenError::File { path: dir.to_owned(), source };
    std::fs::create_dir_all(dir).map_err(fault)?;
    let parent = dir.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|d| d.sync_all()).map_err(fault)
}

/// The writing connection: WAL, synchronous as asked, no checkpoint of its own.
pub(super) fn writer(path: &Path, synchronous: &str) -> Result<Connection, OpenError> {
    let conn = Connection::open(path)?;
    conn.busy_timeout(Duration::from_secs(30))?;
    known_file(&conn, path)?;
    conn.pragma_update(None, "page_size", PAGE)?;
    conn.pragma_update_and_check(None, "journal_mode", "wal", |r| r.get::<_, String>(0))?;
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    conn.pragma_update(None, "cache_size", -32_768)?;
    // Savepoints keep old pages aside: in memory, so that no body is ever written to the system's temporary folder.
    conn.pragma_update(None, "temp_store", "memory")?;
    steady(&conn)?;
    conn.set_prepared_statement_cache_capacity(128);
    migrate(&conn)?;
    Ok(conn)
}

/// A reading connection: cannot write.
pub(super) fn reader(path: &Path) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(30))?;
    conn.pragma_update(None, "query_only", true)?;
    conn.pragma_update(None, "cache_size", -8_192)?;
    conn.pragma_update(None, "temp_store", "memory")?;
    steady(&conn)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// The connection that moves the WAL into the file.
pub(super) fn checkpointer(path: &Path, synchronous: &str) -> Result<Connection, OpenError> {
    let conn = Connection::open(path)?;
    conn.busy_timeout(Duration::from_secs(1))?;
    conn.pragma_update(None, "synchronous", synchronous)?;
    conn.pragma_update(None, "wal_autocheckpoint", 0)?;
    conn.pragma_update(None, "journal_size_limit", WAL_LIMIT)?;
    Ok(conn)
}

/// A wall that goes back by less is no step.
const STEP_MS: i64 = 1_000;

/// Begins a new run, synced: its number; claims that earlier runs left unsettled become unknown. Costs as many rows as calls were under
/// way. Between two runs no interval can be measured: a doubt counts from now on, and where the wall was set back since the last run, what
/// waits is moved back with it.
pub(super) fn begin_run(conn: &mut Connection, now: Option<Time>) -> Result<u64, OpenError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let run: i64 = tx.query_row(
        "INSERT INTO meta (name, value) VALUES ('run', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1 RETURNING value",
        [],
        |r| r.get(0),
    )?;
    tx.execute(
        "UPDATE lane SET state = 2, ready_at = claimed_at, called_at = claimed_at, why = 'crash', asked = 0, sent = 1, reason = 'crash',
         step = 2, turn = claimed_at, run = NULL, claimed_at = NULL WHERE state > 0 AND state = 1",
        [],
    )?;
    if let Some(now) = now {
        let seen: Option<i64> = tx.query_row(
            "SELECT max(coalesce((SELECT at FROM audit ORDER BY seq DESC LIMIT 1), 0),
                        coalesce((SELECT received_at FROM message ORDER BY seq DESC LIMIT 1), 0))",
            [],
            |r| r.get(0),
        )?;
        let back = seen.unwrap_or(0) - now.0;
        if back > STEP_MS {
            lane::shift(&tx, now.plus_ms(back), -back)?;
        }
        tx.execute("UPDATE lane SET called_at = ?1 WHERE state > 0 AND called_at IS NOT NULL", [now.0])?;
    }
    tx.commit()?;
    Ok(u64::try_from(run).unwrap_or(0))
}

/// Whether the journal holds idempotency keys of before migration 8.
pub(super) fn plain_keys(conn: &Connection) -> Result<bool, rusqlite::Error> {
    conn.query_row("SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'plain_keys')", [], |r| r.get(0))
}

/// One plan per statement, whatever values are bound: else SQLite prepares many a kept statement anew at each use.
fn steady(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(|_| ())
}

fn known_file(conn: &Connection, path: &Path) -> Result<(), OpenError> {
    let id: i32 = conn.pragma_query_value(None, "application_id", |r| r.get(0))?;
    let tables: i64 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |r| r.get(0))?;
    if id == APPLICATION || (id == 0 && tables == 0) { Ok(()) } else { Err(OpenError::Foreign { path: path.to_owned(), id }) }
}

fn migrate(conn: &Connection) -> Result<(), OpenError> {
    let known = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    let found: u32 = conn.pragma_query_value(None, "user_version", |r| r.get(0))?;
    if found > known {
        return Err(OpenError::Newer { found, known });
    }
    for (version, (name, sql)) in (1..).zip(MIGRATIONS) {
        let digest = sha256_hex(sql.as_bytes());
        if version <= found {
            let stored: String = conn.query_row("SELECT digest FROM migration WHERE version = ?1", [version], |r| r.get(0))?;
            if stored != digest {
                return Err(OpenError::Altered { version });
            }
            continue;
        }
        let tx = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate)?;
        tx.execute_batch(
            "CREATE TABLE IF NOT EXISTS migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL)",
        )?;
        tx.execute_batch(sql)?;
        tx.execute("INSERT INTO migration (version, name, digest) VALUES (?1, ?2, ?3)", params![version, name, digest])?;
        tx.pragma_update(None, "application_id", APPLICATION)?;
        tx.pragma_update(None, "user_version", version)?;
        tx.commit()?;
    }
    Ok(())
}
