import type { PickableRepository } from '../../protocol/forges.ts';
import type { Client } from '../client/client.ts';
import { Refusal } from '../client/errors.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION, numberOf } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printBeside, printJson, printRows } from './io.ts';
import { localTime } from './render/format.ts';
import type { Line } from './render/line.ts';
import { PROGRAM } from './render/program.ts';
import { oneLine } from './render/text.ts';
import { UsageFailure } from './usage-failure.ts';

export const repositories = clientCommand({
  name: 'repositories',
  operands: ['[SEARCH]'],
  summary: 'List the repositories that you may push to, by your linked accounts',
  options: {
    limit: { type: 'string', placeholder: 'N', help: 'at most this many (20)' },
    json: JSON_OPTION,
  },
  run: async ({ operands: [search], values }, io, open) => {
    const client = await open();
    const limit = numberOf('limit', values.limit);
    const { items, faults } = await client.call('listRepositories', { query: { search, limit } });
    if (values.json === true) for (const repository of items) printJson(io, repository);
    else if (items.length > 0) printRows(io, items.map(partsOf));
    else if (faults.length === 0) print(io, [[noneText(search), ['command', `${PROGRAM} link`]]]);
    printBeside(
      io,
      faults.map((fault) => [['red', fault]]),
    );
    return EXIT.succeeded;
  },
});

function noneText(search: string | undefined): string {
  if (search === undefined) return 'No repositories. Link an account with: ';
  return `Your linked accounts may push to no repository whose name has '${oneLine(search, 80)}'. Link another with: `;
}

function partsOf({ name, forge, private: is_private, pushed_at }: PickableRepository): Line {
  const pushed = pushed_at === null ? 'never pushed' : `pushed ${localTime(pushed_at)}`;
  return [['bold', oneLine(name, 80)], forge, ...(is_private ? ['private'] : []), ['dim', pushed]];
}

/** `owner/name` or `name`, as opposed to an address. */
const SHORT_NAME = /^[\w.-]{1,100}(\/[\w.-]{1,100})?$/;

/**
 * The address of a repository that was named without its host, by the person's linked accounts; undefined: it is an
 * address, or no such repository is known, and the server says what is wrong with it.
 */
export async function findRepository(client: Client, wanted: string): Promise<string | undefined> {
  if (!SHORT_NAME.test(wanted)) return undefined;
  const items = await search(client, wanted.split('/').at(-1) ?? wanted);
  const typed = wanted.toLowerCase();
  const fits = ({ name }: PickableRepository) => {
    const own = name.toLowerCase();
    return own === typed || own.endsWith(`/${typed}`);
  };
  const found = items.filter(fits);
  if (found.length > 1)
    throw new UsageFailure(
      `'${wanted}' may be ${found.map(({ name, forge }) => `${forge}/${name}`).join(' or ')}: give the whole address.`,
    );
  const [one] = found;
  if (one) return one.repo_url;
  const near = items.slice(0, 3).map(({ name }) => name);
  if (near.length > 0)
    throw new UsageFailure(`You may push to no repository '${wanted}'. Did you mean ${near.join(' or ')}?`);
  return undefined;
}

async function search(client: Client, text: string): Promise<PickableRepository[]> {
  try {
    return (await client.call('listRepositories', { query: { search: text, limit: 50 } })).items;
  } catch (error) {
    // An older server has no such list.
    if (error instanceof Refusal && error.code === 'not_found') return [];
    throw error;
  }
}
