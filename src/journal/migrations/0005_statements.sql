-- Reconciliation: statements of payment platforms and how each line stands to our books.

-- state: 0 being written, 1 in force, 2 replaced by a later one of the same partner and day.
CREATE TABLE statement (
  seq INTEGER PRIMARY KEY, partner TEXT NOT NULL, day TEXT NOT NULL, digest TEXT NOT NULL, at INTEGER NOT NULL, who TEXT NOT NULL,
  state INTEGER NOT NULL DEFAULT 0, data TEXT NOT NULL);
CREATE INDEX statement_day ON statement (partner, day, seq);

-- theirs, ours: VND, as far as each side has it. movement: ours, when the statement's row met one.
CREATE TABLE statement_line (
  statement INTEGER NOT NULL, n INTEGER NOT NULL, class TEXT NOT NULL, way TEXT NOT NULL, payment TEXT NOT NULL, dossier TEXT,
  theirs INTEGER, ours INTEGER, movement INTEGER, data TEXT NOT NULL, PRIMARY KEY (statement, n)) WITHOUT ROWID;
CREATE INDEX statement_line_movement ON statement_line (movement) WHERE movement IS NOT NULL;

CREATE INDEX movement_at ON movement (at);
-- What tells somebody that a fee is paid, for the list of what was told and not paid.
CREATE INDEX delivery_told ON delivery (created_at) WHERE kind IN ('fee.change', 'fee.paid');
