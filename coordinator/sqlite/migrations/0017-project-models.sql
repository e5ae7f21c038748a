-- Which models the errands of a project may use besides their own (JSON), and the most tokens of one answer.
ALTER TABLE projects ADD COLUMN extra_models TEXT NOT NULL DEFAULT '[]';
ALTER TABLE projects ADD COLUMN max_tokens INTEGER;
