import { Effort } from '../../protocol/task.ts';
import { baseOf, pushedBranch, updateBaseText } from '../client/errand/update-base.ts';
import type { Client } from '../client/client.ts';
import { Failure } from '../client/errors.ts';
import { findProject, findTask } from '../client/find.ts';
import { readRepositoryText, type TypedRepository } from '../client/repository-text.ts';
import { ALSO_OPTION, readAlso, refuseLocal } from './also-option.ts';
import { confirm, YES_OPTION } from './ask.ts';
import { attachFiles, ATTACH_OPTION } from './attach.ts';
import { clientCommand } from './client-command.ts';
import { given, JSON_OPTION, numberOf, type Command } from './command.ts';
import { EXIT } from './exit.ts';
import { KEY_OPTION, keyOf } from './key-option.ts';
import { AFTER_TURN_OPTION } from './message-commands.ts';
import { OR_STDIN, print, printJson, readText } from './io.ts';
import { STATUS_STYLE } from './render/status.ts';
import { findRepository } from './repository-commands.ts';
import { readEffort } from './project-options.ts';
import { PROGRAM } from './render/program.ts';
import { oneLine } from './render/text.ts';
import { whyNothingStarts } from './render/view.ts';
import { UsageFailure } from './usage-failure.ts';
import { FOLLOW_OPTIONS, watch } from './watch.ts';

const NEW_BUDGET_OPTION = {
  type: 'string',
  placeholder: 'USD',
  help: 'its new total budget, with what it has spent already',
} as const;

export const task = clientCommand({
  name: 'task',
  operands: ['TEXT'],
  summary: `Send an errand; ${OR_STDIN}`,
  options: {
    repo: {
      type: 'string',
      placeholder: 'URL[#BASE[:BRANCH]]',
      help: 'the repository, or owner/name of a linked account, and its branches as in --also; errand://sample for a trial',
    },
    project: { type: 'string', placeholder: 'NAME', help: 'a project, by its name or id, in place of --repo' },
    branch: { type: 'string', placeholder: 'NAME', help: "what to start from (the repository's default)" },
    'push-to': {
      type: 'string',
      placeholder: 'NAME',
      help: 'a branch to work on and push to, in place of one of its own',
    },
    also: ALSO_OPTION,
    pull: { type: 'string', placeholder: 'N', help: 'go on with this open pull request: work on its branch' },
    model: { type: 'string', placeholder: 'NAME', help: "the model (the server's default)" },
    effort: { type: 'string', placeholder: 'LEVEL', help: `how much the model thinks: ${Effort.options.join(', ')}` },
    budget: { type: 'string', placeholder: 'USD', help: 'the most it may cost, in US dollars' },
    'max-turns': { type: 'string', placeholder: 'N', help: 'the most turns it may take' },
    'ask-before-push': { type: 'boolean', help: 'wait for your approval before the work is pushed' },
    'plan-first': { type: 'boolean', help: 'be asked with a plan before anything is changed' },
    priority: { type: 'string', placeholder: 'N', help: 'from -10 to 10, higher first of your own (0)' },
    attach: ATTACH_OPTION,
    ...KEY_OPTION,
    ...FOLLOW_OPTIONS,
    json: JSON_OPTION,
  },
  run: async ({ values, operands: [typed_prompt] }, io, open) => {
    const { repo, project, json = false } = values;
    if ((repo === undefined) === (project === undefined))
      throw new UsageFailure('Give either --repo URL or --project NAME; for a trial: --repo errand://sample');
    if (repo !== undefined) refuseLocal(repo);
    const numbers = {
      budget_usd: numberOf('budget', values.budget),
      max_turns: numberOf('max-turns', values['max-turns']),
      priority: numberOf('priority', values.priority),
      continue_pull: numberOf('pull', values.pull?.replace(/^#/, '')),
    };
    const prompt = await readText(io, typed_prompt);
    const client = await open();
    const project_id = project === undefined ? undefined : await findProject(client, project);
    const typed = await readRepo(client, repo);
    const { branch: base_branch, 'push-to': work_branch, model } = values;
    const effort = readEffort(values.effort);
    const own = keyOf(values);
    const attachments = await attachFiles(client, values.attach, own.idempotency_key);
    const { 'ask-before-push': ask_before_push, 'plan-first': plan_first } = values;
    const repositories = await readAlso(client, values.also);
    const more = {
      ...typed,
      project_id,
      repositories,
      base_branch: base_branch ?? typed.base_branch,
      work_branch: work_branch ?? typed.work_branch,
      model,
      effort,
      attachments,
      ask_before_push,
      plan_first,
      ...numbers,
    };
    const body = { prompt, ...given(more) };
    const created = await client.call('createTask', { body }, own);
    if (values.follow || values['until-asked']) return watch(client, created, values, io);
    if (json) printJson(io, created);
    else
      print(io, [
        ['The errand is ', [STATUS_STYLE[created.status], created.status], ': ', ['bold', created.id]],
        ...whyNothingStarts([created]),
        [
          ['dim', 'watch it with: '],
          ['command', `${PROGRAM} watch ${created.id}`],
        ],
      ]);
    return EXIT.succeeded;
  },
});

type TypedRepo = Omit<TypedRepository, 'place'> & { repo_url?: string; make_project?: true };

/** Reads `--repo`: an address, or owner/name of a linked account, each with branches behind it as in `--also`. */
async function readRepo(client: Client, repo: string | undefined): Promise<TypedRepo> {
  if (repo === undefined) return {};
  const { place, ...branches } = readRepositoryText(repo);
  const picked = await findRepository(client, place);
  if (picked !== undefined) return { repo_url: picked, make_project: true, ...branches };
  // Of an address that is pasted, the server knows whether it is a page, and what follows a place on that page.
  return branches.work_branch === undefined ? { repo_url: repo } : { repo_url: place, ...branches };
}

/** The same under the name that people look for. */
export const send: Command = { ...task, name: 'send', summary: 'The same as task' };

export const say = clientCommand({
  name: 'say',
  operands: ['ID', 'TEXT'],
  summary: `Say something to an errand; one that has ended goes on; ${OR_STDIN}`,
  options: {
    attach: ATTACH_OPTION,
    'after-turn': AFTER_TURN_OPTION,
    model: { type: 'string', placeholder: 'NAME', help: 'the model from then on' },
    effort: { type: 'string', placeholder: 'LEVEL', help: `the effort from then on: ${Effort.options.join(', ')}` },
    budget: NEW_BUDGET_OPTION,
    ...KEY_OPTION,
  },
  run: async ({ values, operands: [id, typed] }, io, open) => {
    const budget_usd = numberOf('budget', values.budget);
    const hear = values['after-turn'] === true ? ('after_turn' as const) : undefined;
    const effort = readEffort(values.effort);
    const text = await readText(io, typed);
    const client = await open();
    const found = await findTask(client, id);
    const own = keyOf(values);
    const attachments = await attachFiles(client, values.attach, own.idempotency_key);
    const body = { text, ...given({ budget_usd, hear, model: values.model, effort, attachments }) };
    const { resumed } = await client.call('createMessage', { params: { id: found }, body }, own);
    print(io, [[resumed ? 'Sent. The errand goes on with it.' : 'Sent.']]);
    return EXIT.succeeded;
  },
});

export const update = clientCommand({
  name: 'update',
  operands: ['ID'],
  summary: 'Have an errand merge the newest state of its base',
  options: {},
  run: async ({ operands: [id] }, io, open) => {
    const client = await open();
    const params = { id: await findTask(client, id) };
    const task = await client.call('getTask', { params });
    if (pushedBranch(task) === null)
      throw new Failure('The errand has pushed no branch yet: there is nothing to bring up to date.');
    const { resumed } = await client.call('createMessage', { params, body: { text: updateBaseText(baseOf(task)) } });
    print(io, [[resumed ? 'Asked. The errand goes on with it.' : 'Asked.']]);
    return EXIT.succeeded;
  },
});

export const cancel = clientCommand({
  name: 'cancel',
  operands: ['ID'],
  summary: 'Stop an errand; what it did so far is pushed',
  options: {},
  run: async ({ operands: [id] }, io, open) => {
    const client = await open();
    const { status } = await client.call('cancelTask', { params: { id: await findTask(client, id) } });
    print(io, [[status === 'cancelled' ? 'Cancelled.' : 'It is being cancelled.']]);
    return EXIT.succeeded;
  },
});

export const retry = clientCommand({
  name: 'retry',
  operands: ['ID'],
  summary: 'Run an errand again that failed, was cancelled or waits for a limit, from where it was',
  options: {
    budget: NEW_BUDGET_OPTION,
    ...FOLLOW_OPTIONS,
  },
  run: async ({ values, operands: [id] }, io, open) => {
    const body = given({ budget_usd: numberOf('budget', values.budget) });
    const client = await open();
    const again = await client.call('retryTask', { params: { id: await findTask(client, id) }, body });
    if (values.follow || values['until-asked']) return watch(client, again, values, io);
    print(io, [
      ['The errand is ', [STATUS_STYLE[again.status], again.status], ' again.'],
      ...whyNothingStarts([again]),
    ]);
    return EXIT.succeeded;
  },
});

export const archive = clientCommand({
  name: 'archive',
  operands: ['ID'],
  summary: 'Put an errand away that has ended: out of the list, and still found by a search',
  options: {},
  run: async ({ operands: [id] }, io, open) => {
    const client = await open();
    await client.call('patchTask', { params: { id: await findTask(client, id) }, body: { archived: true } });
    print(io, [['Archived. List such errands with: ', ['command', `${PROGRAM} tasks --archived`]]]);
    return EXIT.succeeded;
  },
});

export const unarchive = clientCommand({
  name: 'unarchive',
  operands: ['ID'],
  summary: 'Take an errand out of the archive; one that goes on comes back by itself',
  options: {},
  run: async ({ operands: [id] }, io, open) => {
    const client = await open();
    await client.call('patchTask', { params: { id: await findTask(client, id) }, body: { archived: false } });
    print(io, [['It is in the list again.']]);
    return EXIT.succeeded;
  },
});

export const remove = clientCommand({
  name: 'remove',
  operands: ['ID'],
  summary: 'Remove an errand that has ended, with its log; its branch stays',
  options: { yes: YES_OPTION },
  run: async ({ values, operands: [id] }, io, open) => {
    const client = await open();
    const params = { id: await findTask(client, id) };
    const { title } = await client.call('getTask', { params });
    await confirm(io, `Remove the errand '${oneLine(title, 80)}', with its log?`, values.yes);
    await client.call('deleteTask', { params });
    print(io, [['Removed.']]);
    return EXIT.succeeded;
  },
});
