-- What the model requests of each person cost in each month, in UTC. Removing errands changes
-- nothing; what people of deleted accounts have spent has the user ''.
CREATE TABLE spending (
  user_id TEXT NOT NULL,
  month TEXT NOT NULL,
  cost_usd REAL NOT NULL,
  PRIMARY KEY (month, user_id)
) STRICT, WITHOUT ROWID;

INSERT INTO spending (user_id, month, cost_usd)
SELECT user_id, substr(updated_at, 1, 7), sum(cost_usd) FROM tasks WHERE cost_usd > 0 GROUP BY 1, 2;
