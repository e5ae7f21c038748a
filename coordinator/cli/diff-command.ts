import type { TaskDetail } from '../../protocol/task.ts';
import type { Client } from '../client/client.ts';
import { findTask } from '../client/find.ts';
import { clientCommand } from './client-command.ts';
import { EXIT } from './exit.ts';
import { printBeside, type Io } from './io.ts';
import { clean } from './render/text.ts';

export const diff = clientCommand({
  name: 'diff',
  operands: ['ID'],
  summary: 'Show what an errand changed, as git does; exit code 1: it does not have all of it',
  options: {
    repository: {
      type: 'string',
      placeholder: 'NAME',
      help: 'of an errand in several repositories: in this one alone',
    },
  },
  run: async ({ values, operands: [text] }, io, open) => {
    const client = await open();
    const id = await findTask(client, text);
    const task = await client.call('getTask', { params: { id } });
    if (values.repository !== undefined) return writeDiff(client, io, task, values.repository);
    if (!task.repositories) return writeDiff(client, io, task);
    let code: number = EXIT.succeeded;
    // Lines between the diffs of files are passed over by whatever applies them.
    for (const { key, commit } of task.repositories) {
      io.stdout.write(`# ${key}${commit === null ? ': unchanged' : ''}\n`);
      if (commit !== null) code = Math.max(code, await writeDiff(client, io, task, key));
    }
    return code;
  },
});

/** Writes a diff: of one repository by its key, else of the only one. Resolves with the exit code. */
async function writeDiff(client: Client, io: Io, task: TaskDetail, repository?: string): Promise<number> {
  const query = repository === undefined ? {} : { repository };
  const { diff: text, truncated } = await client.call('getDiff', { params: { id: task.id }, query });
  // A file or a program gets the diff as it is; a terminal gets it without control characters.
  io.stdout.write(io.live ? clean(text) : text);
  const missing = whatIsMissing(text, truncated);
  const where = repository === undefined ? '' : ` in ${repository}`;
  const said = [
    ...(missing.length > 0 ? [[`This is not the whole change${where}: ${missing.join('; ')}.`]] : []),
    // A file may have the character itself.
    ...(text.includes('\uFFFD') ? [[`\uFFFD${where} may stand for bytes that are not UTF-8.`]] : []),
  ];
  if (said.length > 0) printBeside(io, [...said, ...fetchLine(task, repository)]);
  return missing.length > 0 ? EXIT.failed : EXIT.succeeded;
}

/** What keeps a diff from making the same change where it is applied. */
function whatIsMissing(text: string, truncated: boolean): string[] {
  const binary = text.match(/^Binary files .* differ$/gm)?.length ?? 0;
  return [
    ...(truncated ? ['it was too long to be kept, and is cut'] : []),
    ...(binary > 0 ? [`it has no content of ${binary} binary ${binary === 1 ? 'file' : 'files'}`] : []),
  ];
}

/** How to get the whole of it, if it was pushed. */
function fetchLine({ repo_url, branch, result, repositories }: TaskDetail, key: string | undefined) {
  const of = repositories?.find((one) => one.key === key) ?? { repo_url, branch: result?.branch ?? branch };
  return of.branch === null
    ? []
    : [['Get the whole of it with: ', ['command', `git fetch ${of.repo_url} ${of.branch}`] as const]];
}
