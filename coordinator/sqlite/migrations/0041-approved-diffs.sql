-- Whether the diff is of the commit that was approved: only objects of Git LFS that it names may be uploaded.
ALTER TABLE diffs ADD COLUMN approved INTEGER NOT NULL DEFAULT 0;
ALTER TABLE task_repositories ADD COLUMN diff_approved INTEGER NOT NULL DEFAULT 0;
