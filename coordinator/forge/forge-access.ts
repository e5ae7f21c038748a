import type { ForgeClient, RepositoryName } from './forge.ts';

/** A repository on a forge that Errand can talk to, with a token that may be used for it now. */
export type OpenForge = {
  client: ForgeClient;
  repository: RepositoryName;
  token: string;
  /** Whose name the forge shows: the person's own, or the bot's. */
  as: 'person' | 'app';
};

/** Finds the forge of a repository and a token for it, and refreshes the token where it has expired. */
export type ForgeAccess = {
  /**
   * The access that git has too: the token of the project, else the person's linked account, else the server's.
   * Resolves with undefined if the address is on no forge that Errand knows, or there is no token for it.
   */
  forPerson: (who: { user_id: string; project_id: string | null }, repo_url: string) => Promise<OpenForge | undefined>;
  /**
   * The access of the server's own app, by its installation at this repository; undefined: it is not installed, or
   * suspended. Rejects if the forge does not say so.
   */
  forApp: (repo_url: string) => Promise<OpenForge | undefined>;
};
