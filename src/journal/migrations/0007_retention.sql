-- Retention: what may go when its dossier has ended long enough, what went, and each run's count of it.

-- What was removed: when, its SHA-256 (hex) and its size in bytes. NULL: it is here.
ALTER TABLE message ADD COLUMN body_gone INTEGER;
ALTER TABLE message ADD COLUMN body_digest TEXT;
ALTER TABLE message ADD COLUMN body_size INTEGER;
ALTER TABLE message ADD COLUMN raw_gone INTEGER;
ALTER TABLE message ADD COLUMN raw_digest TEXT;
ALTER TABLE message ADD COLUMN raw_size INTEGER;
ALTER TABLE outgoing ADD COLUMN gone INTEGER;
ALTER TABLE outgoing ADD COLUMN digest TEXT;
ALTER TABLE outgoing ADD COLUMN size INTEGER;
ALTER TABLE statement ADD COLUMN lines_gone INTEGER;

-- Messages by dossier and contents by the dossiers that hold them, written by the walk behind the journal's end, so that taking a message
-- in costs no row and no index more.
CREATE TABLE retention_message (dossier TEXT NOT NULL, message INTEGER NOT NULL, PRIMARY KEY (dossier, message)) WITHOUT ROWID;
CREATE TABLE retention_content (digest TEXT NOT NULL, dossier TEXT NOT NULL, PRIMARY KEY (digest, dossier)) WITHOUT ROWID;
CREATE INDEX retention_content_dossier ON retention_content (dossier);

-- ended_at: the last thing that happened to a dossier which has ended and of which nothing is open; NULL: not so when it was looked at
-- last (looked_at). The others: when that class of it was dealt with; NULL: not yet.
CREATE TABLE retention_dossier (
  dossier TEXT PRIMARY KEY, looked_at INTEGER NOT NULL, ended_at INTEGER, bodies INTEGER, received INTEGER, attempts INTEGER,
  files INTEGER) WITHOUT ROWID;
CREATE INDEX retention_open ON retention_dossier (looked_at) WHERE ended_at IS NULL;
CREATE INDEX retention_bodies ON retention_dossier (ended_at) WHERE bodies IS NULL AND ended_at IS NOT NULL;
CREATE INDEX retention_received ON retention_dossier (ended_at) WHERE received IS NULL AND ended_at IS NOT NULL;
CREATE INDEX retention_attempts ON retention_dossier (ended_at) WHERE attempts IS NULL AND ended_at IS NOT NULL;
CREATE INDEX retention_files ON retention_dossier (ended_at) WHERE files IS NULL AND ended_at IS NOT NULL;

-- Contents whose removal is decided. struck 0: the file may still be there.
CREATE TABLE retention_gone (digest TEXT PRIMARY KEY, at INTEGER NOT NULL, size INTEGER NOT NULL, struck INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
CREATE INDEX retention_doomed ON retention_gone (digest) WHERE struck = 0;

-- A run, from its begin to its audit entry; one that a crash cut goes on where it was. phase and cursor: how far it is.
CREATE TABLE retention_run (
  seq INTEGER PRIMARY KEY, began INTEGER NOT NULL, who TEXT NOT NULL, reason TEXT, ended INTEGER, phase INTEGER NOT NULL DEFAULT 0, cursor TEXT NOT NULL DEFAULT '');
CREATE INDEX retention_running ON retention_run (seq) WHERE ended IS NULL;
CREATE TABLE retention_tally (
  run INTEGER NOT NULL, class TEXT NOT NULL, rows INTEGER NOT NULL, bytes INTEGER NOT NULL, oldest INTEGER, newest INTEGER,
  PRIMARY KEY (run, class)) WITHOUT ROWID;
