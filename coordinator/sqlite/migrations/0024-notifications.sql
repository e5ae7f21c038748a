-- Where people are notified: devices (Web Push), webhooks, ntfy topics.
CREATE TABLE channels (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  project_id TEXT REFERENCES projects (id) ON DELETE CASCADE, -- null: all errands of the person
  session TEXT, -- the log-in of a device; null for the others
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  host TEXT NOT NULL,
  address TEXT NOT NULL, -- where to send, and its keys: sealed
  fingerprint TEXT UNIQUE, -- of a device's subscription
  occasions TEXT NOT NULL, -- JSON array
  created_at TEXT NOT NULL,
  answer TEXT -- JSON: what the other side answered last
) STRICT, WITHOUT ROWID;
CREATE INDEX channels_by_user ON channels (user_id, id);
CREATE INDEX channels_by_project ON channels (project_id) WHERE project_id IS NOT NULL;

-- What channels are told. A row without `next_at` is settled; it stays for a while, so that nothing is told twice.
CREATE TABLE notifications (
  id TEXT PRIMARY KEY,
  channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  event_id INTEGER NOT NULL, -- the row of the log that it tells of
  occasion TEXT NOT NULL,
  subject TEXT NOT NULL, -- each is told once
  created_at TEXT NOT NULL,
  tries INTEGER NOT NULL,
  next_at TEXT,
  UNIQUE (channel_id, task_id, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX notifications_due ON notifications (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notifications_by_task ON notifications (task_id);

-- Errands that their person wants no notifications about.
CREATE TABLE muted_tasks (
  task_id TEXT PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
