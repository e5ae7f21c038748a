-- The message that tells the worker of the answer. Null: there is none, or the answer is older than this column.
ALTER TABLE needs ADD COLUMN message_id TEXT;
