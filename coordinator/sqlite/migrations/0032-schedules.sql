-- Errands that start by themselves. Times are ISO in UTC.
CREATE TABLE schedules (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  project_id TEXT REFERENCES projects (id) ON DELETE SET NULL,
  repo_url TEXT, -- null: that of the project. Without both, the project was deleted
  prompt TEXT NOT NULL,
  cron TEXT NOT NULL, -- five fields, read in the time zone
  time_zone TEXT NOT NULL,
  model TEXT,
  effort TEXT,
  budget_usd REAL,
  paused TEXT, -- why its due times start nothing; null: they start errands
  failures INTEGER NOT NULL, -- errands that failed in a row
  handled_until TEXT NOT NULL, -- each due time up to this one has its row in schedule_runs
  next_at TEXT NOT NULL, -- the first due time after it
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX schedules_due ON schedules (next_at);
CREATE INDEX schedules_by_user ON schedules (user_id, id);
CREATE INDEX schedules_by_project ON schedules (project_id) WHERE project_id IS NOT NULL;

-- What became of each due time: an errand, or the reason why there is none.
CREATE TABLE schedule_runs (
  schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
  due_at TEXT NOT NULL,
  by_hand INTEGER NOT NULL, -- 1: a person started it, between due times
  task_id TEXT, -- it outlives the task
  outcome TEXT, -- how the errand ended; null: it has not, or there is none
  reason TEXT,
  detail TEXT, -- the reason in words, where there is more to say
  created_at TEXT NOT NULL,
  PRIMARY KEY (schedule_id, due_at),
  CHECK ((task_id IS NULL) = (reason IS NOT NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX schedule_runs_open ON schedule_runs (schedule_id, due_at) WHERE task_id IS NOT NULL AND outcome IS NULL;
CREATE INDEX schedule_runs_by_task ON schedule_runs (task_id) WHERE task_id IS NOT NULL;

-- The schedule that started a task; null: a person did. It may be gone.
ALTER TABLE tasks ADD COLUMN schedule_id TEXT;
CREATE INDEX tasks_of_schedule ON tasks (schedule_id)
  WHERE schedule_id IS NOT NULL AND status NOT IN ('succeeded', 'failed', 'cancelled');
