-- What the server itself writes about a task counts too. Its size is read from this index alone; that of the events of
-- workers, which have a seq, is kept with the attempts. With the column `seq` the index covers the statement.
CREATE INDEX events_of_server ON events (task_id, seq, octet_length(body)) WHERE seq IS NULL;
