-- The branch that the person named: the work begins there and is pushed there. Null: it goes to a branch of the task's own.
ALTER TABLE tasks ADD COLUMN work_branch TEXT;
CREATE INDEX tasks_by_work_branch ON tasks (repo_url, work_branch) WHERE work_branch IS NOT NULL;
