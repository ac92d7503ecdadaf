-- Money: refunds, receipts, and movements that nobody can change or take out.

ALTER TABLE movement ADD COLUMN at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE movement ADD COLUMN dossier TEXT NOT NULL DEFAULT '';
ALTER TABLE movement ADD COLUMN refund TEXT; -- which refund moved it
UPDATE movement SET credit = 'overpaid' WHERE kind = 'overpayment';
UPDATE movement SET dossier = coalesce((SELECT dossier FROM payment WHERE id = movement.payment), '');

CREATE TRIGGER movement_sound BEFORE INSERT ON movement WHEN NEW.amount <= 0 OR NEW.debit = NEW.credit
  BEGIN SELECT RAISE(ABORT, 'a movement has two sides and a sum above zero'); END;
CREATE TRIGGER movement_unchanged BEFORE UPDATE ON movement BEGIN SELECT RAISE(ABORT, 'movements are append-only'); END;
CREATE TRIGGER movement_kept BEFORE DELETE ON movement BEGIN SELECT RAISE(ABORT, 'movements are append-only'); END;

CREATE TABLE refund (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, version INTEGER NOT NULL, payment TEXT NOT NULL, dossier TEXT NOT NULL,
  state TEXT NOT NULL, at INTEGER NOT NULL, amount INTEGER NOT NULL, data TEXT NOT NULL);
CREATE INDEX refund_dossier ON refund (dossier, seq);
CREATE INDEX refund_state ON refund (state, seq);

-- number: without gaps, in the order of commits.
CREATE TABLE receipt (
  number INTEGER PRIMARY KEY, payment TEXT NOT NULL UNIQUE, dossier TEXT NOT NULL, at INTEGER NOT NULL, amount INTEGER NOT NULL,
  data TEXT NOT NULL);
CREATE INDEX receipt_dossier ON receipt (dossier, number);
CREATE TRIGGER receipt_unchanged BEFORE UPDATE ON receipt BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
CREATE TRIGGER receipt_kept BEFORE DELETE ON receipt BEGIN SELECT RAISE(ABORT, 'receipts are append-only'); END;
