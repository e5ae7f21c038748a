-- How far each durable subscriber has read the log, by its name.
CREATE TABLE subscribers (
  name TEXT PRIMARY KEY,
  cursor INTEGER NOT NULL, -- the id of the last event that it has handled
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;
