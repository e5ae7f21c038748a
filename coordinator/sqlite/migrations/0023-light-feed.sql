-- For lists: what changed since a time, and what needs its person.
CREATE INDEX tasks_by_update ON tasks (user_id, updated_at, id);
CREATE INDEX tasks_needing_person ON tasks (user_id, id)
  WHERE status = 'waiting' OR status = 'parked' OR (status = 'failed' AND reason = 'budget_exhausted');

-- How far a person has read the log of a task, on all their devices.
CREATE TABLE read_marks (
  task_id TEXT PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  event_id INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
-- What has ended before there were marks counts as read.
INSERT INTO read_marks (task_id, event_id)
  SELECT id, (SELECT max(id) FROM events WHERE task_id = tasks.id) FROM tasks
  WHERE ended_at IS NOT NULL AND EXISTS (SELECT 1 FROM events WHERE task_id = tasks.id);

-- The tasks that were removed, for clients that were away meanwhile. `event_id`: the newest event of the user by then.
CREATE TABLE tombstones (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  task_id TEXT NOT NULL,
  event_id INTEGER NOT NULL
) STRICT;
CREATE INDEX tombstones_by_user ON tombstones (user_id, event_id);

CREATE TRIGGER removed_leaves_tombstone AFTER INSERT ON removed WHEN new.kind = 'task' BEGIN
  INSERT INTO tombstones (user_id, task_id, event_id)
    SELECT user_id, id, coalesce((SELECT max(id) FROM events WHERE user_id = tasks.user_id), 0) FROM tasks WHERE id = new.id;
END;

-- The newest 1000 of each user are enough: whoever missed more starts over.
CREATE TRIGGER tombstones_end AFTER INSERT ON tombstones WHEN new.id % 100 = 0 BEGIN
  DELETE FROM tombstones WHERE user_id = new.user_id AND id <= (
    SELECT id FROM tombstones WHERE user_id = new.user_id ORDER BY event_id DESC, id DESC LIMIT 1 OFFSET 1000
  );
END;
