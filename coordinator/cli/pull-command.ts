import type { PullRequest } from '../../protocol/pulls.ts';
import type { Client } from '../client/client.ts';
import { isPassing } from '../client/errors.ts';
import { findTask } from '../client/find.ts';
import { wait } from '../client/wait.ts';
import { PullAuthor } from '../../protocol/pulls.ts';
import { clientCommand } from './client-command.ts';
import { given, JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson } from './io.ts';
import { oneOf } from './project-options.ts';
import { pullLines } from './render/pull-lines.ts';
import { UsageFailure } from './usage-failure.ts';

/** How long the command waits for the forge. The server goes on by itself. */
const WAIT_MS = 60_000;
const LOOK_MS = 500;

export const pr = clientCommand({
  name: 'pr',
  operands: ['ID'],
  summary: 'Open a pull request from what an errand has pushed, or show those that it has',
  options: {
    draft: { type: 'boolean', help: 'open it as a draft' },
    ready: { type: 'boolean', help: 'open it ready for review, if its project says draft' },
    as: { type: 'string', placeholder: 'WHO', help: 'in whose name: app or person (as its project says)' },
    repository: { type: 'string', placeholder: 'NAME', help: 'in this one of its repositories alone' },
    json: JSON_OPTION,
  },
  run: async ({ values, operands: [text] }, io, open) => {
    const { draft = false, ready = false } = values;
    if (draft && ready) throw new UsageFailure('Give --draft or --ready, not both.');
    const author = oneOf('as', PullAuthor, values.as);
    const client = await open();
    const id = await findTask(client, text);
    const { repository } = values;
    const body = given({ draft: draft || ready ? draft : undefined, author, repository });
    await client.call('openPull', { params: { id }, body });
    const pulls = await opened(client, id);
    if (values.json === true) for (const pull of pulls) printJson(io, pull);
    else print(io, pulls.flatMap(pullLines));
    return pulls.some(({ state }) => state === 'failed') ? EXIT.failed : EXIT.succeeded;
  },
});

/** The pull requests of a task, once the forge has answered or after a while. */
async function opened(client: Client, id: string): Promise<PullRequest[]> {
  for (const end = performance.now() + WAIT_MS; ; await wait(LOOK_MS, client.signal)) {
    const is_late = performance.now() > end;
    try {
      const { pulls = [] } = await client.call('getTask', { params: { id } });
      // What is retried later will not be there soon.
      const is_soon = pulls.some(({ state, problem }) => state === 'opening' && problem === null);
      if (!is_soon || is_late) return pulls;
    } catch (error) {
      if (is_late || !isPassing(error)) throw error;
    }
  }
}
