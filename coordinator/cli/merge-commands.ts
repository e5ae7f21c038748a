import { MergeMethod, type PullRequest } from '../../protocol/pulls.ts';
import type { TaskDetail } from '../../protocol/task.ts';
import type { Client } from '../client/client.ts';
import { Failure } from '../client/errors.ts';
import { changesPage, otherSeenCommit, seenOf } from '../client/errand/seen-commit.ts';
import { findTask } from '../client/find.ts';
import { confirm, YES_OPTION } from './ask.ts';
import { clientCommand } from './client-command.ts';
import { given, JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printBeside, printJson, type Io } from './io.ts';
import { oneOf } from './project-options.ts';
import { pullLines } from './render/pull-lines.ts';
import { oneLine } from './render/text.ts';

const REPOSITORY = { type: 'string', placeholder: 'NAME', help: 'that of this one of its repositories' } as const;

export const ready = clientCommand({
  name: 'ready',
  operands: ['ID'],
  summary: 'Mark the pull request of an errand, which is a draft, as ready for review',
  options: { repository: REPOSITORY, json: JSON_OPTION },
  run: async ({ values, operands: [text] }, io, open) => {
    const client = await open();
    const { id, pull, repository } = await findPull(client, text, values.repository);
    const body = { ...seenOf(pull), ...given({ repository }) };
    const { pulls = [] } = await client.call('readyPull', { params: { id }, body });
    return show(io, pulls, pull, values.json);
  },
});

export const merge = clientCommand({
  name: 'merge',
  operands: ['ID'],
  summary: 'Merge the pull request of an errand, after a look at which commit that is',
  options: {
    method: {
      type: 'string',
      placeholder: 'METHOD',
      help: `${MergeMethod.options.join(', ')} (the default of the repository)`,
    },
    repository: REPOSITORY,
    yes: YES_OPTION,
    json: JSON_OPTION,
  },
  run: async ({ values, operands: [text] }, io, open) => {
    const method = oneOf('method', MergeMethod, values.method);
    const client = await open();
    const { id, task, pull, repository } = await findPull(client, text, values.repository);
    if (pull.state !== 'merged') {
      if (values.yes === true)
        printBeside(
          io,
          otherCommits(task, pull).map((sentence) => [sentence]),
        );
      await confirm(io, questionOf(task, pull), values.yes);
    }
    const body = { ...seenOf(pull), ...given({ repository, method }) };
    const { pulls = [] } = await client.call('mergePull', { params: { id }, body });
    return show(io, pulls, pull, values.json);
  },
});

function questionOf(task: TaskDetail, pull: PullRequest): string {
  const { number, title, head, base } = pull;
  const into = oneLine(base ?? 'the default branch', 60);
  const other = otherCommits(task, pull).map((sentence) => `${sentence} `);
  const page = changesPage(pull);
  const where = page === null ? '' : `Its changes are at ${oneLine(page, 300)} . `;
  return `${other.join('')}${where}Merge #${number} '${oneLine(title, 80)}' at the commit ${head.commit.slice(0, 8)} into ${into}?`;
}

/** That others have pushed to it, where they have. */
function otherCommits(task: TaskDetail, pull: PullRequest): string[] {
  const seen = otherSeenCommit(task, pull);
  return seen === undefined ? [] : [`'errand diff' shows another commit, ${seen.slice(0, 8)}.`];
}

type Found = { id: string; task: TaskDetail; pull: PullRequest; repository: string | undefined };

/**
 * The pull request that is meant: of the repository with this key, else the only open one, else the only one. Whether
 * the only repository of an errand has that key, the server says.
 */
async function findPull(client: Client, text: string, named: string | undefined): Promise<Found> {
  const id = await findTask(client, text);
  const task = await client.call('getTask', { params: { id } });
  const fits = ({ repository = named }) => named === undefined || repository === named;
  const all = newestPulls(task).filter(fits);
  const open = all.filter(({ pull }) => pull.state === 'open');
  const [found, ...others] = open.length > 0 ? open : all;
  const where = named === undefined ? '' : ` in ${named}`;
  if (!found) throw new Failure(`The errand has no pull request${where} that is open.`);
  if (others.length === 0) return { id, task, pull: found.pull, repository: found.repository ?? named };
  const keys = [found, ...others].map(({ repository }) => repository).join(', ');
  throw new Failure(`The errand has several pull requests: name one by --repository: ${keys}`);
}

/** Those that are on their forge, the newest one of each repository, and its key. An errand of one names it by none. */
function newestPulls({ repositories, repo_url, pulls = [] }: TaskDetail): Pick<Found, 'pull' | 'repository'>[] {
  return (repositories ?? [{ key: undefined, repo_url }]).flatMap(({ key: repository, repo_url: of }) => {
    const pull = pulls.findLast((each) => each.repo_url === of && each.number !== null);
    return pull ? [{ pull, repository }] : [];
  });
}

function show(io: Io, pulls: readonly PullRequest[], { id }: PullRequest, json: boolean | undefined): number {
  const now = pulls.filter((pull) => pull.id === id);
  if (json === true) for (const pull of now) printJson(io, pull);
  else print(io, now.flatMap(pullLines));
  return EXIT.succeeded;
}
