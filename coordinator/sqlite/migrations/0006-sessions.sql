-- What tells a user's log-ins apart: when each began, which client was last given a token, and where that was.
ALTER TABLE refresh_tokens ADD COLUMN began_at TEXT;
ALTER TABLE refresh_tokens ADD COLUMN user_agent TEXT; -- null: the token is older than this column
ALTER TABLE refresh_tokens ADD COLUMN address TEXT;
UPDATE refresh_tokens SET began_at = families.began_at
  FROM (SELECT family, min(created_at) AS began_at FROM refresh_tokens GROUP BY family) AS families
  WHERE families.family = refresh_tokens.family;

-- A log-in that has not ended has one token that was not used, however often it was refreshed.
CREATE INDEX refresh_tokens_unused ON refresh_tokens (user_id, family) WHERE used_at IS NULL;
