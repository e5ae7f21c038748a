-- A commit that a task pushed to one branch may be somebody else's on another. ref '': pushed before this was noted, to any.
-- kept: a commit of somebody else that this one took along, so that what replaces it has to contain that too; '': none.
CREATE TABLE new_task_pushes (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  repository TEXT NOT NULL,
  ref TEXT NOT NULL DEFAULT '',
  commit_id TEXT NOT NULL,
  kept TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (task_id, repository, ref, commit_id, kept)
) STRICT, WITHOUT ROWID;
INSERT INTO new_task_pushes (task_id, repository, commit_id) SELECT task_id, repository, commit_id FROM task_pushes;
DROP TABLE task_pushes;
ALTER TABLE new_task_pushes RENAME TO task_pushes;

-- Runs that were due up to then do not count as failures in a row: a person has begun anew. All begin anew here.
ALTER TABLE schedules ADD COLUMN failures_since TEXT NOT NULL DEFAULT '';
UPDATE schedules SET failures_since =
  coalesce((SELECT max(due_at) FROM schedule_runs WHERE schedule_id = schedules.id), '');
UPDATE schedules SET failures = 0 WHERE paused IS NULL;
