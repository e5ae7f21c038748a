-- Who did what. `hash` covers the row and the hash of the one before, so that a row that is changed or missing shows.
-- It refers to no other table: an account that was deleted stays in it.
CREATE TABLE audit (
  id INTEGER PRIMARY KEY, -- counts from 1 without gaps
  at TEXT NOT NULL,
  action TEXT NOT NULL,
  user_id TEXT, -- who did it; null: somebody unknown, or the server itself
  email TEXT, -- of that account, at that time
  address TEXT,
  subject TEXT, -- the id of what it was done to
  detail TEXT NOT NULL, -- JSON
  previous_hash TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
