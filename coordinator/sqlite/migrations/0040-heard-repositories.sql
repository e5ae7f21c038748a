-- The repositories whose forges are asked what their webhooks have not told: what changed until then was heard.
CREATE TABLE heard_repositories (
  repository TEXT PRIMARY KEY, -- what all its addresses have in common
  heard_to TEXT NOT NULL -- by the clock of the forge
) STRICT, WITHOUT ROWID;
