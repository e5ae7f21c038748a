-- The repositories of a task beside its first one, which is in the row of the task.
CREATE TABLE task_repositories (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  n INTEGER NOT NULL, -- their order, from 1
  key TEXT NOT NULL,
  repo_url TEXT NOT NULL,
  project_id TEXT REFERENCES projects (id) ON DELETE SET NULL, -- whose credential git uses
  base_branch TEXT, -- null: the default branch
  work_branch TEXT, -- the branch that the person named
  pushed_branch TEXT, -- the branch, once it was seen pushed
  approved_commit TEXT,
  held_commit TEXT,
  result TEXT, -- JSON: branch, commit, base commit, and the size of the diff
  diff TEXT,
  diff_truncated INTEGER,
  PRIMARY KEY (task_id, key)
) STRICT;
CREATE INDEX task_repositories_by_project ON task_repositories (project_id) WHERE project_id IS NOT NULL;
CREATE INDEX task_repositories_by_work_branch ON task_repositories (work_branch) WHERE work_branch IS NOT NULL;

-- A commit that was pushed to one repository may be somebody else's in another. '': the first repository.
CREATE TABLE new_task_pushes (
  task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
  repository TEXT NOT NULL,
  commit_id TEXT NOT NULL,
  PRIMARY KEY (task_id, repository, commit_id)
) STRICT, WITHOUT ROWID;
INSERT INTO new_task_pushes SELECT task_id, '', commit_id FROM task_pushes;
DROP TABLE task_pushes;
ALTER TABLE new_task_pushes RENAME TO task_pushes;
