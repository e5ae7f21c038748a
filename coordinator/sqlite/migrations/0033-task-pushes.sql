-- The commits that a task has pushed: the only ones that it may replace.
CREATE TABLE task_pushes (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  commit_id TEXT NOT NULL,
  PRIMARY KEY (task_id, commit_id)
) STRICT, WITHOUT ROWID;
