-- Idempotency keys of dossiers begin with the place of the dossier's code from now on. A journal that holds keys without goes on without:
-- the same message must come to the same key for ever.
INSERT INTO meta (name, value) SELECT 'plain_keys', 1 WHERE EXISTS (SELECT 1 FROM idempotency);
