-- Cases live: the same matter is not opened twice, a person's word is kept with name and reason.

-- key: kind and what it is about; the same open matter is met again by it. version counts changes. decision: the word that closed it
-- (`closed`: with a reason only). met: how often it arose; met_at: when last.
ALTER TABLE matter ADD COLUMN key TEXT;
ALTER TABLE matter ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
ALTER TABLE matter ADD COLUMN decision TEXT;
ALTER TABLE matter ADD COLUMN met INTEGER NOT NULL DEFAULT 1;
ALTER TABLE matter ADD COLUMN met_at INTEGER;
CREATE INDEX matter_key ON matter (key, seq) WHERE key IS NOT NULL;
CREATE INDEX matter_kind ON matter (kind, seq);
CREATE INDEX matter_dossier ON matter (dossier, seq) WHERE dossier IS NOT NULL;

-- A case's history, insert-only. what: opened, again (with other facts), noted, decided, closed.
CREATE TABLE matter_entry (
  matter INTEGER NOT NULL, n INTEGER NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, reason TEXT, data TEXT NOT NULL,
  PRIMARY KEY (matter, n)) WITHOUT ROWID;
INSERT INTO matter_entry (matter, n, at, who, what, data) SELECT seq, 1, at, 'gateway', 'opened', data FROM matter;
UPDATE matter SET met_at = at;
