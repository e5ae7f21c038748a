/** What a forge asks for over HTTP basic authentication; `password` is usually a token. */
export type ForgeCredential = { username: string; password: string };

/** A repository on a forge, and the credential for it; undefined: the repository is public. */
export type ForgeRepository = { repo_url: string; credential: ForgeCredential | undefined };
