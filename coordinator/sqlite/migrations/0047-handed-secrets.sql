-- The secrets that were handed to a task's worker, until its attempt has ended: the project may have others by then.
CREATE TABLE handed_secrets (
  task_id TEXT NOT NULL PRIMARY KEY REFERENCES tasks (id) ON DELETE CASCADE,
  sealed TEXT NOT NULL -- JSON, encrypted like the secrets of a project
) STRICT, WITHOUT ROWID;
