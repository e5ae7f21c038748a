-- Tasks, projects and users that are being deleted in steps: what is in this table is hidden from everyone. It is a
-- table of its own because marking a task in `tasks` would rewrite its row, with its long prompt.
CREATE TABLE removed (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('task', 'project', 'user'))
) STRICT, WITHOUT ROWID;
CREATE INDEX removed_by_kind ON removed (kind, id);

-- When an ended task goes on, its `ended_at` is null again.
CREATE INDEX tasks_ended ON tasks (ended_at, id) WHERE ended_at IS NOT NULL;

-- Deleting a task looks up its messages, by its foreign key too.
CREATE INDEX messages_by_task ON messages (task_id);
