-- What the attempt's events take: their bodies, and 200 bytes for each beside it.
ALTER TABLE attempts ADD COLUMN log_bytes INTEGER NOT NULL DEFAULT 0;

UPDATE attempts SET log_bytes = (
  SELECT coalesce(sum(octet_length(body) + 200), 0) FROM events
  WHERE events.task_id = attempts.task_id AND events.attempt = attempts.n AND events.seq IS NOT NULL
);
