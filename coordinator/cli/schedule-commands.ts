import { Effort } from '../../protocol/task.ts';
import { findProject, findSchedule, shortIds } from '../client/find.ts';
import { allSchedules } from '../client/lists.ts';
import type { Client } from '../client/client.ts';
import { ALSO_OPTION, readAlso } from './also-option.ts';
import { confirm, YES_OPTION } from './ask.ts';
import { clientCommand } from './client-command.ts';
import { given, JSON_OPTION, numberOf } from './command.ts';
import { EXIT } from './exit.ts';
import { KEY_OPTION, keyOf } from './key-option.ts';
import { OR_STDIN, print, printJson, readText, rowColumns } from './io.ts';
import { readEffort } from './project-options.ts';
import { localTime } from './render/format.ts';
import { PROGRAM } from './render/program.ts';
import { runLines, scheduleLines } from './render/schedule-lines.ts';
import { oneLine } from './render/text.ts';
import { UsageFailure } from './usage-failure.ts';

/** What a schedule may be given; the rest comes from its project or the server. */
const OPTIONS = {
  cron: { type: 'string', placeholder: 'EXPR', help: 'when, such as "0 3 * * 1-5": minute hour day month weekday' },
  zone: { type: 'string', placeholder: 'ZONE', help: 'the time zone, such as Europe/Berlin (that of this machine)' },
  repo: { type: 'string', placeholder: 'URL', help: 'the repository' },
  project: { type: 'string', placeholder: 'NAME', help: 'a project, in place of --repo' },
  also: ALSO_OPTION,
  model: { type: 'string', placeholder: 'NAME', help: 'the model' },
  effort: { type: 'string', placeholder: 'LEVEL', help: `how much it thinks: ${Effort.options.join(', ')}` },
  budget: { type: 'string', placeholder: 'USD', help: 'the most that one errand may cost' },
  json: JSON_OPTION,
} as const;

export const scheduleList = clientCommand({
  name: 'schedule list',
  operands: [],
  summary: 'List your schedules, with the last run of each',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const schedules = await allSchedules(await open());
    const ids = shortIds(schedules);
    if (values.json === true) for (const schedule of schedules) printJson(io, schedule);
    else if (schedules.length > 0)
      print(
        io,
        schedules.flatMap((schedule) => scheduleLines(schedule, ids.get(schedule.id) ?? schedule.id)),
      );
    else print(io, [['No schedules. Make one with: ', ['command', `${PROGRAM} schedule add`]]]);
    return EXIT.succeeded;
  },
});

export const scheduleAdd = clientCommand({
  name: 'schedule add',
  operands: ['NAME', 'TEXT'],
  summary: `Send an errand again and again, at set times; ${OR_STDIN}`,
  options: OPTIONS,
  run: async ({ operands: [name, typed], values }, io, open) => {
    const { cron, zone: time_zone = Intl.DateTimeFormat().resolvedOptions().timeZone } = values;
    if (cron === undefined)
      throw new UsageFailure('--cron is missing: such as --cron "0 3 * * *" for each night at 3.');
    if ((values.repo === undefined) === (values.project === undefined))
      throw new UsageFailure('Give either --repo URL or --project NAME.');
    const prompt = await readText(io, typed);
    const client = await open();
    const body = { name, prompt, cron, time_zone, ...(await fieldsOf(client, values)) };
    const made = await client.call('createSchedule', { body });
    if (values.json === true) printJson(io, made);
    else print(io, [['The schedule ', ['bold', made.name], ` is due first at ${localTime(made.next_at)}.`]]);
    return EXIT.succeeded;
  },
});

export const scheduleSet = clientCommand({
  name: 'schedule set',
  operands: ['NAME'],
  summary: "Change a schedule; --also '' leaves it no further repository",
  options: {
    name: { type: 'string', placeholder: 'NAME', help: 'a new name' },
    text: { type: 'string', placeholder: 'TEXT', help: `what its errands are to do; ${OR_STDIN}` },
    ...OPTIONS,
  },
  run: async ({ operands: [part], values }, io, open) => {
    if (values.repo !== undefined && values.project !== undefined)
      throw new UsageFailure('Give either --repo URL or --project NAME.');
    const { name, text, cron, zone: time_zone } = values;
    const prompt = text === undefined ? undefined : await readText(io, text);
    const client = await open();
    const body = { ...given({ name, prompt, cron, time_zone }), ...(await fieldsOf(client, values)) };
    if (Object.keys(body).length === 0) throw new UsageFailure('Give what to change, such as --cron "0 3 * * *".');
    const changed = await client.call('patchSchedule', { params: { id: await findSchedule(client, part) }, body });
    if (values.json === true) printJson(io, changed);
    else print(io, [['The schedule ', ['bold', changed.name], ` is due next at ${localTime(changed.next_at)}.`]]);
    return EXIT.succeeded;
  },
});

/** Pauses or resumes a schedule. */
function enableCommand(name: 'pause' | 'resume', summary: string) {
  return clientCommand({
    name: `schedule ${name}`,
    operands: ['NAME'],
    summary,
    options: {},
    run: async ({ operands: [part] }, io, open) => {
      const client = await open();
      const params = { id: await findSchedule(client, part) };
      const { next_at } = await client.call('patchSchedule', { params, body: { enabled: name === 'resume' } });
      print(io, [[name === 'pause' ? 'It is paused.' : `It is due next at ${localTime(next_at)}.`]]);
      return EXIT.succeeded;
    },
  });
}

export const schedulePause = enableCommand('pause', 'Pause a schedule: its due times start nothing');
export const scheduleResume = enableCommand('resume', 'Resume a schedule, also one that has paused itself');

export const scheduleRun = clientCommand({
  name: 'schedule run',
  operands: ['NAME'],
  summary: 'Start the errand of a schedule now',
  options: { ...KEY_OPTION, json: JSON_OPTION },
  run: async ({ operands: [part], values }, io, open) => {
    const client = await open();
    const run = await client.call('runSchedule', { params: { id: await findSchedule(client, part) } }, keyOf(values));
    if (values.json === true) printJson(io, run);
    else print(io, [['The errand is ', ['bold', run.task_id ?? '']]]);
    return EXIT.succeeded;
  },
});

export const scheduleRuns = clientCommand({
  name: 'schedule runs',
  operands: ['NAME'],
  summary: 'List what became of its due times, the latest first',
  options: { limit: { type: 'string', placeholder: 'N', help: 'how many (20)' }, json: JSON_OPTION },
  run: async ({ operands: [part], values }, io, open) => {
    const client = await open();
    const params = { id: await findSchedule(client, part) };
    const query = { limit: numberOf('limit', values.limit) ?? 20 };
    const { items } = await client.call('listScheduleRuns', { params, query });
    if (values.json === true) for (const run of items) printJson(io, run);
    else
      print(io, items.length > 0 ? items.flatMap((item) => runLines(item, rowColumns(io))) : [['It was not due yet.']]);
    return EXIT.succeeded;
  },
});

export const scheduleRemove = clientCommand({
  name: 'schedule remove',
  operands: ['NAME'],
  summary: 'Remove a schedule; its errands stay',
  options: { yes: YES_OPTION },
  run: async ({ operands: [part], values }, io, open) => {
    const client = await open();
    const params = { id: await findSchedule(client, part) };
    const { name } = await client.call('getSchedule', { params });
    await confirm(io, `Remove the schedule ${oneLine(name, 40)}?`, values.yes);
    await client.call('deleteSchedule', { params });
    print(io, [['The schedule ', ['bold', name], ' is removed.']]);
    return EXIT.succeeded;
  },
});

type Values = { repo?: string; project?: string; also?: string[]; model?: string; effort?: string; budget?: string };

/** What both a new and a changed schedule may be given. */
async function fieldsOf(client: Client, { repo, project, also, model, effort, budget }: Values) {
  const project_id = project === undefined ? undefined : await findProject(client, project);
  const budget_usd = numberOf('budget', budget);
  const repositories = await readAlso(client, also);
  return given({ repo_url: repo, project_id, repositories, model, effort: readEffort(effort), budget_usd });
}
