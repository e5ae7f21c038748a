-- The pull requests of tasks, those that are still to be opened too: a row is there before the forge is asked.
CREATE TABLE pulls (
  id TEXT PRIMARY KEY,
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  repo_url TEXT NOT NULL, -- as the task names it
  origin TEXT NOT NULL, -- of the forge, such as https://github.com
  repository_id TEXT, -- these four are null until it is opened
  owner TEXT,
  name TEXT,
  number INTEGER,
  url TEXT,
  title TEXT NOT NULL,
  state TEXT NOT NULL,
  draft INTEGER NOT NULL,
  author TEXT NOT NULL, -- as it was opened
  wished_author TEXT NOT NULL,
  head_branch TEXT NOT NULL,
  head_commit TEXT NOT NULL,
  base_branch TEXT, -- null: the default branch, until it is opened
  checks TEXT, -- JSON; null: the forge was not asked yet
  rounds INTEGER NOT NULL DEFAULT 0, -- how often what was said about it sent the task back to work
  told_commit TEXT, -- the commit that its text on the forge tells of
  wished_at TEXT NOT NULL, -- when it was asked for: opening it is given up some time later
  problem TEXT, -- why the last call failed, for people
  failures INTEGER NOT NULL DEFAULT 0, -- in a row
  next_look_at TEXT, -- when the forge is asked next; null: never again by itself
  created_at TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX pulls_by_task ON pulls (task_id, id);
CREATE INDEX pulls_by_number ON pulls (origin, repository_id, number);
CREATE INDEX pulls_due ON pulls (next_look_at) WHERE next_look_at IS NOT NULL;
-- A branch has one pull request at a time.
CREATE UNIQUE INDEX pulls_of_branch ON pulls (task_id, repo_url, head_branch) WHERE state IN ('opening', 'open');

ALTER TABLE projects ADD COLUMN pull_requests TEXT NOT NULL DEFAULT 'none';
ALTER TABLE projects ADD COLUMN pull_author TEXT NOT NULL DEFAULT 'app';
