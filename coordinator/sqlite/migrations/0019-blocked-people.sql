-- Since when the owner has blocked a person; null: not blocked.
ALTER TABLE users ADD COLUMN blocked_at TEXT;

-- What the model requests of all people cost on each day, in UTC. It begins with this version.
CREATE TABLE spending_days (
  day TEXT PRIMARY KEY,
  cost_usd REAL NOT NULL
) STRICT, WITHOUT ROWID;
