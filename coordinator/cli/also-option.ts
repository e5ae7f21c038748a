import { existsSync } from 'node:fs';
import type { RepositoryChoice } from '../../protocol/repositories.ts';
import type { Client } from '../client/client.ts';
import { findProject } from '../client/find.ts';
import { readRepositoryText } from '../client/repository-text.ts';
import { findRepository } from './repository-commands.ts';
import { UsageFailure } from './usage-failure.ts';

export const ALSO_OPTION = {
  type: 'string',
  multiple: true,
  placeholder: 'URL[#BASE[:BRANCH]]',
  help: 'a further repository, or a project by its name: what to start from there, and a branch to push to; may be repeated',
} as const;

/**
 * Reads the further repositories of an errand, as they were typed; an empty text is none. Rejects with `UsageFailure`
 * for a path.
 */
export async function readAlso(client: Client, also?: readonly string[]): Promise<RepositoryChoice[] | undefined> {
  if (also === undefined) return undefined;
  const choices: RepositoryChoice[] = [];
  for (const text of also.filter((one) => one !== '')) {
    const { place, ...branches } = readRepositoryText(text);
    choices.push({ ...(await readPlace(client, place)), ...branches });
  }
  return choices;
}

async function readPlace(client: Client, place: string): Promise<RepositoryChoice> {
  // A project may have the name of a folder that is here.
  if (!/^[.~]|[/:]/.test(place)) return { project_id: await findProject(client, place) };
  refuseLocal(place);
  return { repo_url: (await findRepository(client, place)) ?? place };
}

/** Throws `UsageFailure` for a folder: the server cannot reach it. */
export function refuseLocal(repo: string): void {
  if (!/^(file:|[./~])/.test(repo) && !existsSync(repo)) return;
  throw new UsageFailure(
    `'${repo}' is a path on this machine, and the server fetches the repository itself: give an address that it can reach, or --repo errand://sample for a trial.`,
  );
}
