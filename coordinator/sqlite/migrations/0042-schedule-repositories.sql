-- The further repositories of a schedule's errands, as JSON: an array of RepositoryChoice.
ALTER TABLE schedules ADD COLUMN repositories TEXT NOT NULL DEFAULT '[]';
