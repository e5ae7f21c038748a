-- When each message is to be heard, and whether it may still be changed. A worker that takes messages with a call says
-- so in its first event; from `claimed_at` on a message stays as it is.
ALTER TABLE messages ADD COLUMN hear TEXT NOT NULL DEFAULT 'next_call';
ALTER TABLE messages ADD COLUMN revision INTEGER NOT NULL DEFAULT 1;
ALTER TABLE messages ADD COLUMN claimed_at TEXT;
ALTER TABLE messages ADD COLUMN model TEXT; -- asked for with the message; null: unchanged
ALTER TABLE messages ADD COLUMN effort TEXT;

ALTER TABLE attempts ADD COLUMN model TEXT; -- what it began with; null: it began before this column
ALTER TABLE attempts ADD COLUMN takes_messages INTEGER NOT NULL DEFAULT 0;

-- What the newest answer came from.
ALTER TABLE tasks ADD COLUMN model_used TEXT;
ALTER TABLE tasks ADD COLUMN effort_used TEXT;
