-- An errand may have pull requests in several repositories: an answer is written where its question was asked.
ALTER TABLE follow_up_items ADD COLUMN repo_url TEXT; -- null: the task's first repository
