-- The queue's order is kept with each write, so that no read sorts or counts the queue.

-- How many tasks of a user may start now, and how many are at work. The triggers below are all that writes these.
ALTER TABLE users ADD COLUMN ready INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN at_work INTEGER NOT NULL DEFAULT 0;
UPDATE users SET
  ready = (SELECT count(*) FROM tasks WHERE user_id = users.id AND status = 'queued' AND retry_at IS NULL),
  at_work = (SELECT count(*) FROM tasks WHERE user_id = users.id AND status IN ('starting', 'running', 'waiting'));

CREATE TRIGGER tasks_counted_on_insert AFTER INSERT ON tasks BEGIN
  UPDATE users SET
    ready = ready + (new.status = 'queued' AND new.retry_at IS NULL),
    at_work = at_work + (new.status IN ('starting', 'running', 'waiting'))
  WHERE id = new.user_id;
END;
CREATE TRIGGER tasks_counted_on_update AFTER UPDATE OF status, retry_at ON tasks BEGIN
  UPDATE users SET
    ready = ready + (new.status = 'queued' AND new.retry_at IS NULL) - (old.status = 'queued' AND old.retry_at IS NULL),
    at_work = at_work + (new.status IN ('starting', 'running', 'waiting')) - (old.status IN ('starting', 'running', 'waiting'))
  WHERE id = new.user_id;
END;
CREATE TRIGGER tasks_counted_on_delete AFTER DELETE ON tasks BEGIN
  UPDATE users SET
    ready = ready - (old.status = 'queued' AND old.retry_at IS NULL),
    at_work = at_work - (old.status IN ('starting', 'running', 'waiting'))
  WHERE id = old.user_id;
END;

-- Whose turn it is: who has the fewest tasks at work, then who was served longest ago.
CREATE INDEX users_in_turn ON users (at_work, served_at, id, ready) WHERE ready > 0;

-- The ready tasks of each user in their order. It holds every column that is read: no row, with its long prompt, is.
CREATE INDEX tasks_ready ON tasks (user_id, priority DESC, queued_at, id, retry_at) WHERE status = 'queued' AND retry_at IS NULL;

-- Tasks that wait until their `retry_at`. Once it has come, it is set to null, and they are ready.
CREATE INDEX tasks_waiting ON tasks (retry_at) WHERE status = 'queued' AND retry_at IS NOT NULL;
CREATE INDEX tasks_waiting_by_age ON tasks (queued_at, retry_at) WHERE status = 'queued' AND retry_at IS NOT NULL;

-- For the metrics: how many are queued, and since when.
DROP INDEX tasks_queued;
CREATE INDEX tasks_queued ON tasks (queued_at) WHERE status = 'queued';

-- Queued tasks that have had an attempt: only these have a log of some size.
CREATE INDEX tasks_resuming ON tasks (id) WHERE status = 'queued' AND attempt > 0;
