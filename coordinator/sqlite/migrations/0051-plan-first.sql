-- Whether the person wants to see a plan before anything is changed.
ALTER TABLE tasks ADD COLUMN plan_first INTEGER NOT NULL DEFAULT 0;
