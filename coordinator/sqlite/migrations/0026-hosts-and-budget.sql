-- Hosts that a person allowed when an errand asked for them (JSON), and whether errands ask for more at their budget.
ALTER TABLE projects ADD COLUMN allowed_hosts TEXT NOT NULL DEFAULT '[]';
ALTER TABLE projects ADD COLUMN ask_at_budget INTEGER NOT NULL DEFAULT 0;
