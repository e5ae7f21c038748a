-- The forges that this server knows, and the apps that it is registered as there.
CREATE TABLE forges (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  origin TEXT NOT NULL UNIQUE, -- such as https://github.com
  client_id TEXT, -- of the OAuth application; null: people cannot sign in with this forge
  app_id TEXT, -- of a GitHub App; null: there is no bot
  app_slug TEXT,
  secrets TEXT NOT NULL, -- client secret, private key and webhook secret: sealed JSON
  created_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The accounts at forges, and at the company's identity provider, that people have linked.
CREATE TABLE linked_accounts (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  forge_id TEXT REFERENCES forges (id) ON DELETE CASCADE, -- null: the identity provider
  issuer TEXT NOT NULL, -- the origin of the forge, or the issuer of the identity provider
  subject TEXT NOT NULL, -- the id of the person there, which outlives a rename
  login TEXT NOT NULL,
  tokens TEXT, -- access and refresh token, sealed JSON; null: none, or the forge has revoked them
  expires_at TEXT, -- of the access token; null: it does not expire
  created_at TEXT NOT NULL,
  UNIQUE (issuer, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX linked_accounts_by_user ON linked_accounts (user_id);
