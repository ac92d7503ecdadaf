-- Received bytes of large messages stand in the store of contents, under their digest; message.raw is empty then.
CREATE TABLE received (message INTEGER PRIMARY KEY, digest TEXT NOT NULL, size INTEGER NOT NULL);
CREATE INDEX received_digest ON received (digest);
