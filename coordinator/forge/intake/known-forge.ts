import type { ForgeClient } from '../forge.ts';

/** A forge of this server, as the intake needs it. */
export type KnownForge = {
  id: string;
  client: ForgeClient;
  /** What its webhooks are signed with; undefined: none are expected. */
  webhook_secret: string | undefined;
  /** The names that are mentioned to call Errand, without `@`: `errand`, and that of the app. */
  names: string[];
};

/** The forges of this server by id. */
export type FindForge = (forge_id: string) => KnownForge | undefined;
