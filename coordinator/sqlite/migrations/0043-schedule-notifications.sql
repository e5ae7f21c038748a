-- A notification may be about a schedule, which need not have an errand.
CREATE TABLE new_notifications (
  id TEXT PRIMARY KEY,
  channel_id TEXT NOT NULL REFERENCES channels (id) ON DELETE CASCADE,
  task_id TEXT REFERENCES tasks (id) ON DELETE CASCADE,
  event_id INTEGER, -- the row of the errand's log that it tells of
  schedule_id TEXT REFERENCES schedules (id) ON DELETE CASCADE,
  occasion TEXT NOT NULL,
  subject TEXT NOT NULL, -- each is told once
  created_at TEXT NOT NULL,
  tries INTEGER NOT NULL,
  next_at TEXT,
  CHECK ((task_id IS NULL) = (event_id IS NULL) AND (task_id IS NULL) <> (schedule_id IS NULL)),
  UNIQUE (channel_id, task_id, subject),
  UNIQUE (channel_id, schedule_id, subject)
) STRICT, WITHOUT ROWID;
INSERT INTO new_notifications (id, channel_id, task_id, event_id, occasion, subject, created_at, tries, next_at)
  SELECT id, channel_id, task_id, event_id, occasion, subject, created_at, tries, next_at FROM notifications;
DROP TABLE notifications;
ALTER TABLE new_notifications RENAME TO notifications;
CREATE INDEX notifications_due ON notifications (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX notifications_by_task ON notifications (task_id) WHERE task_id IS NOT NULL;
CREATE INDEX notifications_by_schedule ON notifications (schedule_id) WHERE schedule_id IS NOT NULL;
