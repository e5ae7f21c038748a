/** The credential for HTTP basic authentication at a forge; `password` is usually a token. */
export type ForgeCredential = { username: string; password: string };

/** A repository on a forge and its credential; undefined: the repository is public. */
export type ForgeRepository = { repo_url: string; credential: ForgeCredential | undefined };
