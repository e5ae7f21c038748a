import { confirm, YES_OPTION } from './ask.ts';
import { Client } from '../client/client.ts';
import { command, given, numberOf } from './command.ts';
import { EXIT } from './exit.ts';
import { allProjects, findProject } from '../client/find.ts';
import { print, printJson, readSecret } from './io.ts';
import { PROGRAM } from './render/program.ts';
import { oneLine } from './render/text.ts';

export const projects = command({
  name: 'projects',
  operands: [],
  summary: 'List the projects',
  options: { json: { type: 'boolean', help: 'one JSON object a line, for scripts' } },
  run: async ({ values }, io) => {
    const list = await allProjects(await Client.open(io.session, io.signal));
    if (values.json === true) for (const project of list) printJson(io, project);
    else
      print(
        io,
        list.length > 0
          ? list.map(({ id, name, repo_url }) => [id, '  ', ['bold', name], '  ', ['dim', repo_url]])
          : [['No projects. Make one with: ', ['command', `${PROGRAM} project add NAME --repo URL`]]],
      );
    return EXIT.succeeded;
  },
});

export const addProject = command({
  name: 'project add',
  operands: ['NAME'],
  summary: 'Make a project: a repository with its defaults',
  options: {
    repo: { type: 'string', placeholder: 'URL', help: 'the repository (needed)' },
    branch: { type: 'string', placeholder: 'NAME', help: "what errands start from (the repository's default)" },
    setup: { type: 'string', placeholder: 'COMMAND', help: 'run before the work, such as npm ci' },
    verify: { type: 'string', placeholder: 'COMMAND', help: 'must pass for an errand to succeed, such as npm test' },
    model: { type: 'string', placeholder: 'NAME', help: 'the model' },
    budget: { type: 'string', placeholder: 'USD', help: 'what an errand may cost at most' },
    'max-turns': { type: 'string', placeholder: 'N', help: 'how many turns an errand may take' },
    'git-token-stdin': { type: 'boolean', help: "read the forge's token from the standard input" },
    json: { type: 'boolean', help: 'print the project as JSON' },
  },
  run: async ({ values, operands: [name] }, io) => {
    const client = await Client.open(io.session, io.signal);
    const { repo: repo_url = '', branch: base_branch, setup: setup_command, verify: verify_command, model } = values;
    const fields = {
      base_branch,
      setup_command,
      verify_command,
      model,
      budget_usd: numberOf('budget', values.budget),
      max_turns: numberOf('max-turns', values['max-turns']),
      git_token: values['git-token-stdin'] === true ? await readSecret(io) : undefined,
    };
    const project = await client.call('createProject', { body: { name, repo_url, ...given(fields) } });
    if (values.json === true) printJson(io, project);
    else
      print(io, [
        ['The project ', ['bold', project.name], ` is ${project.id}.`],
        [
          ['dim', 'send an errand with: '],
          ['command', `${PROGRAM} task "…" --project ${project.id}`],
        ],
      ]);
    return EXIT.succeeded;
  },
});

export const removeProject = command({
  name: 'project remove',
  operands: ['NAME'],
  summary: 'Remove a project with its errands and their logs; the branches stay',
  options: { yes: YES_OPTION },
  run: async ({ values, operands: [name] }, io) => {
    const client = await Client.open(io.session, io.signal);
    const params = { id: await findProject(client, name) };
    const project = await client.call('getProject', { params });
    await confirm(io, `Remove the project ${oneLine(project.name, 100)}, with all its errands?`, values.yes);
    await client.call('deleteProject', { params });
    print(io, [['The project ', ['bold', project.name], ' is removed.']]);
    return EXIT.succeeded;
  },
});
