-- Whether the work waits for approval before it is pushed, the commit that was approved, and the newest one that was refused
-- without approval.
ALTER TABLE projects ADD COLUMN ask_before_push INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN ask_before_push INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN approved_commit TEXT;
ALTER TABLE tasks ADD COLUMN held_commit TEXT;
