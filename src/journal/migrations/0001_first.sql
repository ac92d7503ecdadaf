-- The journal as first shipped. A shipped migration is never edited: its digest is checked at every start.
-- Mutable rows are narrow; bodies are written once, in message and outgoing. Times are milliseconds since 1970, UTC.

-- One-off numbers: run.
CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;

-- What was taken in, insert-only. Small columns first, so that reading them never touches the bodies' pages.
CREATE TABLE message (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL, partner TEXT NOT NULL, route TEXT NOT NULL, kind TEXT NOT NULL, dossier TEXT,
  caller TEXT NOT NULL, received_at INTEGER NOT NULL, adapters TEXT NOT NULL, canonical INTEGER NOT NULL,
  fingerprint BLOB, receipt TEXT, body BLOB, raw BLOB);

-- The only random-keyed index there is.
CREATE TABLE idempotency (key BLOB NOT NULL, scope TEXT NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (key, scope)) WITHOUT ROWID;

CREATE TABLE dossier (code TEXT PRIMARY KEY, version INTEGER NOT NULL, caller TEXT NOT NULL, data TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE payment (
  id TEXT PRIMARY KEY, version INTEGER NOT NULL, dossier TEXT NOT NULL, requested_at INTEGER NOT NULL,
  expires_at INTEGER, -- only while it is open
  data TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX payment_dossier ON payment (dossier, requested_at);
CREATE INDEX payment_open ON payment (expires_at) WHERE expires_at IS NOT NULL;

CREATE TABLE movement (
  seq INTEGER PRIMARY KEY, payment TEXT NOT NULL, debit TEXT NOT NULL, credit TEXT NOT NULL, amount INTEGER NOT NULL, kind TEXT NOT NULL);
CREATE INDEX movement_payment ON movement (payment);

-- The timeline. Numbered by the single writer in commit order.
CREATE TABLE event (
  seq INTEGER PRIMARY KEY, dossier TEXT NOT NULL, caller TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL);
CREATE INDEX event_dossier ON event (dossier, seq);
CREATE INDEX event_caller ON event (caller, seq);

CREATE TABLE audit (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, about TEXT NOT NULL, data TEXT NOT NULL);

-- Statuses told before their time.
CREATE TABLE early (
  message TEXT PRIMARY KEY, dossier TEXT NOT NULL, at INTEGER NOT NULL, kept_at INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX early_dossier ON early (dossier, at);
CREATE INDEX early_kept ON early (kept_at);

CREATE TABLE file (
  id TEXT PRIMARY KEY, caller TEXT NOT NULL, reader TEXT, dossier TEXT, digest TEXT NOT NULL, size INTEGER NOT NULL, name TEXT NOT NULL,
  media TEXT, at INTEGER NOT NULL) WITHOUT ROWID;

-- Matters for a person.
CREATE TABLE matter (
  seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, dossier TEXT, data TEXT NOT NULL, closed_at INTEGER);
CREATE INDEX matter_open ON matter (seq) WHERE closed_at IS NULL;

-- Sequences of dossier codes.
CREATE TABLE number (agency TEXT NOT NULL, day TEXT NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (agency, day)) WITHOUT ROWID;

-- open: unfinished deliveries, so that a queue's length is a number and never a count.
CREATE TABLE partner (name TEXT PRIMARY KEY, open INTEGER NOT NULL DEFAULT 0, paused TEXT, tat INTEGER) WITHOUT ROWID;

-- What is to be delivered. Written when it arises and when it ends; in between its state is its lane's, if it is the head.
-- state: 0 open, 4 done, 5 rejected, 6 closed.
CREATE TABLE delivery (
  seq INTEGER PRIMARY KEY, partner TEXT NOT NULL, lane TEXT NOT NULL, state INTEGER NOT NULL DEFAULT 0, route TEXT NOT NULL,
  dossier TEXT, class TEXT NOT NULL, caller TEXT NOT NULL, deadline INTEGER NOT NULL, not_before INTEGER,
  id TEXT NOT NULL, at INTEGER NOT NULL, kind TEXT NOT NULL, created_at INTEGER NOT NULL,
  message INTEGER, -- whose body is sent; none: the own one in outgoing
  trace TEXT, -- W3C trace id of the request that caused it
  ended_at INTEGER, attempts INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0, adapters TEXT, reason TEXT,
  last_at INTEGER, last_ms INTEGER, last_what TEXT, last_outcome TEXT, last_why TEXT); -- the try that ended it
CREATE INDEX delivery_lane ON delivery (partner, lane, seq) WHERE state = 0;
CREATE INDEX delivery_open ON delivery (partner, seq) WHERE state = 0;
CREATE INDEX delivery_dossier ON delivery (dossier, seq) WHERE dossier IS NOT NULL;
CREATE INDEX delivery_failed ON delivery (state, seq) WHERE state > 4;

-- Bodies of deliveries that are not the accepted message's own, insert-only.
CREATE TABLE outgoing (delivery INTEGER PRIMARY KEY, body BLOB);

-- One row per (partner, key) that has unfinished deliveries: its head and how that stands.
-- state: 0 waiting, 1 claimed, 2 unknown, 3 parked. ready_at only while waiting or unknown. called_at: in doubt since that call.
CREATE TABLE lane (
  partner TEXT NOT NULL, key TEXT NOT NULL, dossier TEXT, class TEXT NOT NULL, caller TEXT NOT NULL, deadline INTEGER NOT NULL,
  ready_at INTEGER, head INTEGER NOT NULL, run INTEGER, claimed_at INTEGER, state INTEGER NOT NULL DEFAULT 0,
  attempts INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0, sent INTEGER NOT NULL DEFAULT 0,
  called_at INTEGER, why TEXT, asked INTEGER NOT NULL DEFAULT 0, adapters TEXT, reason TEXT, PRIMARY KEY (partner, key)) WITHOUT ROWID;
CREATE INDEX lane_ready ON lane (partner, ready_at, deadline) WHERE ready_at IS NOT NULL;
CREATE INDEX lane_held ON lane (state, partner) WHERE state > 0;

-- A delivery's history: its last tries but for the one that ended it, which stands in its own row.
CREATE TABLE attempt (
  delivery INTEGER NOT NULL, try INTEGER NOT NULL, at INTEGER NOT NULL, ms INTEGER NOT NULL, what TEXT NOT NULL, outcome TEXT NOT NULL,
  why TEXT, adapters TEXT NOT NULL, PRIMARY KEY (delivery, try)) WITHOUT ROWID;
