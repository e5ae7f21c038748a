-- For finding attempts by the names of the workers that exist.
CREATE INDEX attempts_by_worker ON attempts (worker);

-- For removing a user's ended tasks, the first to end first.
CREATE INDEX tasks_ended_by_user ON tasks (user_id, ended_at, id) WHERE ended_at IS NOT NULL;

-- A full index of `seq` cost a quarter of each insert, and found only what a worker sends again. Every 64th event is
-- enough to find the others from: within an attempt, `id` and `seq` ascend together. That no `seq` is stored twice
-- follows from `attempts.last_seq`, which changes in the transaction that stores the events.
DROP INDEX events_by_seq;
CREATE INDEX events_by_seq ON events (task_id, attempt, seq) WHERE seq % 64 = 1;
