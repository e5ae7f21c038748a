-- What was deleted, and is being cleared away in steps: from its row here on nobody sees it. A table of its own, of narrow rows, since to mark
-- thousands of tasks must not write thousands of prompts anew.
CREATE TABLE removed (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('task', 'project', 'user'))
) STRICT, WITHOUT ROWID;
CREATE INDEX removed_by_kind ON removed (kind, id);

-- A task that goes on after its end has no `ended_at` any more.
CREATE INDEX tasks_ended ON tasks (ended_at, id) WHERE ended_at IS NOT NULL;

-- With each task that is deleted its messages are looked for, by the foreign key too.
CREATE INDEX messages_by_task ON messages (task_id);
