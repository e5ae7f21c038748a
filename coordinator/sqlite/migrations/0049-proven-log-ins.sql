-- When the person proved who they are. A log-in by a link inherits it from the log-in that made the link.
ALTER TABLE refresh_tokens ADD COLUMN proven_at TEXT; -- null: when the log-in began
