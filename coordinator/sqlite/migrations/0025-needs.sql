-- What a task needs from its person. `ref` names it within its kind: the call of a question, a host, a commit.
CREATE TABLE needs (
  id TEXT NOT NULL PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  kind TEXT NOT NULL,
  ref TEXT NOT NULL,
  body TEXT NOT NULL, -- JSON: the question, its options, and what it is about
  asked_at TEXT NOT NULL,
  closed_at TEXT, -- null: it is open
  answer TEXT -- JSON; null: it is open, or was withdrawn
) STRICT;
CREATE UNIQUE INDEX needs_open ON needs (task_id, kind, ref) WHERE closed_at IS NULL;
CREATE INDEX needs_by_task ON needs (task_id, kind, ref);
