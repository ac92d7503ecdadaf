-- The order of claims, the limits' state, and what waits by class, caller, route and due day.

-- step: what the head does next: 0 its first attempt, 1 a further one, 2 the question what became of a call; NULL: nothing (claimed, parked).
-- turn: of a first attempt its urgency (deadline, or what stands for it), else the time from which it may go.
ALTER TABLE lane ADD COLUMN route TEXT NOT NULL DEFAULT '';
ALTER TABLE lane ADD COLUMN step INTEGER;
ALTER TABLE lane ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
UPDATE lane SET route = (SELECT route FROM delivery WHERE seq = head), turn = coalesce(ready_at, 0),
  step = CASE WHEN ready_at IS NULL THEN NULL WHEN state = 2 THEN 2 ELSE 1 END;
DROP INDEX lane_ready;
CREATE INDEX lane_turn ON lane (partner, class, caller, route, step, turn, head) WHERE step IS NOT NULL;

-- Unfinished deliveries, so that a queue's length and its shape are a few numbers and never a count of rows. due: the day of the deadline,
-- counted from 1970-01-01 in Viet Nam; 0: no deadline is known.
CREATE TABLE backlog (
  partner TEXT NOT NULL, class TEXT NOT NULL, caller TEXT NOT NULL, route TEXT NOT NULL, due INTEGER NOT NULL, open INTEGER NOT NULL,
  PRIMARY KEY (partner, class, caller, route, due)) WITHOUT ROWID;
INSERT INTO backlog (partner, class, caller, route, due, open)
  SELECT partner, class, caller, route, CASE WHEN deadline = 9223372036854775807 THEN 0 ELSE (deadline + 25200000) / 86400000 END, count(*)
  FROM delivery WHERE state = 0 GROUP BY 1, 2, 3, 4, 5;

-- limits: the state of what limits the calls to a partner, as the policy writes it.
ALTER TABLE partner ADD COLUMN limits TEXT;
UPDATE partner SET limits = json_object('tat', tat) WHERE tat IS NOT NULL;
ALTER TABLE partner DROP COLUMN tat;
ALTER TABLE partner DROP COLUMN open;
