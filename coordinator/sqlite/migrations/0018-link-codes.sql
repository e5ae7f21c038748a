-- Codes of links that work once: one logs a device in, the other lets a person sign up. Only their hashes are stored.
CREATE TABLE link_codes (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('login', 'invite')),
  hash TEXT NOT NULL UNIQUE,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE, -- who is logged in, or who invites
  session TEXT, -- the log-in that made it: it ends with it; null: made on the server's machine
  created_at TEXT NOT NULL,
  expires_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_codes_by_user ON link_codes (user_id, kind, id);
