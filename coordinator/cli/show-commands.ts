import { TaskStatus, type Task } from '../../protocol/task.ts';
import { findProject, findTask, shortIds } from '../client/find.ts';
import { firstTasks } from '../client/lists.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION, numberOf } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printBeside, printJson, rowColumns } from './io.ts';
import { STATUS_STYLE, statusWord } from './render/status.ts';
import { localTime, money, waiting } from './render/format.ts';
import type { Line } from './render/line.ts';
import { PROGRAM } from './render/program.ts';
import { rowLines } from './render/row.ts';
import { oneLine } from './render/text.ts';
import { standLines } from './render/stand-lines.ts';
import { heading, View, whyNothingStarts } from './render/view.ts';
import { UsageFailure } from './usage-failure.ts';
import { FOLLOW_OPTIONS, watch } from './watch.ts';

/** A status as people see it: an errand that waits for its person may have a worker or not. */
const SHOWN = TaskStatus.options.filter((status) => statusWord(status) === status);
const COUNT_DEFAULT = 20;
const STATUS_COLUMNS = 10;
const GAP_COLUMNS = 2;
/** A title that is cut to less than this tells little. */
const TITLE_COLUMNS_MIN = 20;

export const tasks = clientCommand({
  name: 'tasks',
  operands: [],
  summary: 'List the errands, newest first',
  options: {
    status: { type: 'string', placeholder: 'STATUS', help: `${SHOWN.join(', ')}; several with commas` },
    project: { type: 'string', placeholder: 'NAME', help: 'only the errands of this project' },
    search: { type: 'string', placeholder: 'WORDS', help: 'only those with these words, or words that begin so' },
    unread: { type: 'boolean', help: 'only those that rest and that you have not looked at' },
    archived: { type: 'boolean', help: 'only those that you archived, which are left out otherwise' },
    'needs-you': { type: 'boolean', help: 'list those first that need you' },
    limit: { type: 'string', placeholder: 'N', help: 'how many to list (20)' },
    all: { type: 'boolean', help: 'list all of them' },
    json: JSON_OPTION,
  },
  run: async ({ values }, io, open) => {
    const count = countOf(values);
    const client = await open();
    const query = {
      status: values.status && statusesOf(values.status),
      q: values.search,
      unread: values.unread === true ? ('true' as const) : undefined,
      archived: archivedOf(values),
      order: values['needs-you'] === true ? ('needs_you' as const) : undefined,
      project_id: values.project === undefined ? undefined : await findProject(client, values.project),
    };
    const { items, more } = await firstTasks(client, query, count);
    if (values.json === true) for (const item of items) printJson(io, item);
    else
      print(
        io,
        items.length > 0
          ? [...table(items, rowColumns(io)), ...whatTheyWaitFor(items), ...whyNothingStarts(items)]
          : values.search !== undefined
            ? [['No errand has these words.']]
            : values.archived === true
              ? [['No errand is archived.']]
              : [['No errands. Send one with: ', ['command', `${PROGRAM} task "…" --repo errand://sample`]]],
      );
    if (more) printBeside(io, [[`These are the first ${items.length}. More are listed with --limit N or --all.`]]);
    return EXIT.succeeded;
  },
});

/** How many errands to list. */
function countOf({ limit, all }: { limit?: string; all?: boolean }): number {
  if (limit !== undefined && all === true) throw new UsageFailure('Give either --limit or --all.');
  const count = all === true ? Infinity : (numberOf('limit', limit) ?? COUNT_DEFAULT);
  if (count !== Infinity && !(Number.isInteger(count) && count > 0))
    throw new UsageFailure(`--limit is not a whole number from 1 on: ${limit}`);
  return count;
}

/** Archived errands are left out of the list; a search finds them too. */
function archivedOf({ archived, search }: { archived?: boolean; search?: string }): 'true' | 'false' | undefined {
  if (archived === true) return 'true';
  return search === undefined ? 'false' : undefined;
}

export const watchCommand = clientCommand({
  name: 'watch',
  operands: ['ID'],
  summary: 'Watch an errand until it has ended; the exit code tells how',
  options: { 'until-asked': FOLLOW_OPTIONS['until-asked'], json: JSON_OPTION },
  run: async ({ values, operands: [id] }, io, open) => {
    const client = await open();
    const task = await client.call('getTask', { params: { id: await findTask(client, id) } });
    return watch(client, task, values, io);
  },
});

export const show = clientCommand({
  name: 'show',
  operands: ['ID'],
  summary: 'Show how an errand stands now, and what it asks',
  options: { json: JSON_OPTION },
  run: async ({ values, operands: [id] }, io, open) => {
    const client = await open();
    const task = await client.call('getTask', { params: { id: await findTask(client, id) } });
    if (values.json === true) printJson(io, task);
    else print(io, [...heading(task), ...standLines(task, Date.now()), ...new View(task).outcome(task)]);
    return EXIT.succeeded;
  },
});

/** The statuses that the server knows for those that people see. */
function statusesOf(given: string): string {
  const words = given.split(',').map((word) => word.trim());
  return [...new Set(words.flatMap((word) => (word === 'waiting' ? ['waiting', 'parked'] : [word])))].join(',');
}

/** One line per task. Titles are cut so that a line fits into `columns`; where little is left, they go below it. */
function table(tasks: readonly Task[], columns: number): Line[] {
  const ids = shortIds(tasks);
  return tasks.flatMap(({ id, status, cancel_reason, usage, created_at, title }) => {
    const short = ids.get(id) ?? id;
    const word = cancel_reason === null ? statusWord(status) : 'cancelling';
    const facts = `${localTime(created_at)}  ${money(usage.cost_usd).padStart(8)}`;
    const room = columns - short.length - STATUS_COLUMNS - facts.length - 3 * GAP_COLUMNS;
    const beside = room >= TITLE_COLUMNS_MIN;
    const shown = oneLine(title, beside ? room : Math.max(TITLE_COLUMNS_MIN, columns - GAP_COLUMNS));
    const parts: Line = [['bold', short], [STATUS_STYLE[status], word.padEnd(STATUS_COLUMNS)], ['dim', facts], shown];
    return rowLines(parts, columns);
  });
}

/** A line for each errand that waits for a limit or an outage to end. */
function whatTheyWaitFor(tasks: readonly Task[]): Line[] {
  const ids = shortIds(tasks);
  return tasks.flatMap(({ id, status, waiting_for }): Line[] =>
    status === 'queued' && waiting_for?.kind === 'limit'
      ? [[['bold', ids.get(id) ?? id], ' ', ['yellow', waiting(waiting_for, Date.now())]]]
      : [],
  );
}
