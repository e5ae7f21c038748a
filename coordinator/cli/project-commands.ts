import type { ProjectSaved } from '../../protocol/project-saved.ts';
import { findProject } from '../client/find.ts';
import { allProjects } from '../client/lists.ts';
import { confirm, YES_OPTION } from './ask.ts';
import { clientCommand } from './client-command.ts';
import { given, JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printBeside, printJson, printRows, type Io } from './io.ts';
import { PROJECT_OPTIONS, projectFields } from './project-options.ts';
import { REMOVAL_OPTIONS, removedVariables, removesVariables } from './project-variables.ts';
import { PROGRAM } from './render/program.ts';
import { oneLine } from './render/text.ts';
import { UsageFailure } from './usage-failure.ts';

export const projects = clientCommand({
  name: 'projects',
  operands: [],
  summary: 'List the projects',
  options: { json: JSON_OPTION },
  run: async ({ values }, io, open) => {
    const list = await allProjects(await open());
    if (values.json === true) for (const project of list) printJson(io, project);
    else if (list.length === 0)
      print(io, [['No projects. Make one with: ', ['command', `${PROGRAM} project add NAME --repo URL`]]]);
    else
      printRows(
        io,
        list.map(({ id, name, repo_url }) => [id, ['bold', name], ['dim', repo_url]]),
      );
    return EXIT.succeeded;
  },
});

export const addProject = clientCommand({
  name: 'project add',
  operands: ['NAME'],
  summary: 'Make a project: a repository with its defaults',
  options: PROJECT_OPTIONS,
  run: async ({ values, operands: [name] }, io, open) => {
    const { repo_url, ...fields } = await projectFields(values, io);
    if (repo_url === undefined) throw new UsageFailure('--repo is missing: the address of the repository.');
    const client = await open();
    const project = await client.call('createProject', { body: { ...fields, name, repo_url } });
    printSaved(io, project, values.json);
    if (values.json !== true)
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

export const setProject = clientCommand({
  name: 'project set',
  operands: ['NAME'],
  summary: 'Change the settings of a project; an empty value clears one',
  options: {
    name: { type: 'string', placeholder: 'NAME', help: 'a new name' },
    ...PROJECT_OPTIONS,
    ...REMOVAL_OPTIONS,
    'no-git-token': { type: 'boolean', help: "remove the forge's token" },
  },
  run: async ({ values, operands: [named] }, io, open) => {
    const fields = {
      ...given({ name: values.name }),
      ...(await projectFields(values, io)),
      ...(values['no-git-token'] === true && { git_token: null }),
    };
    if (Object.keys(fields).length === 0 && !removesVariables(values))
      throw new UsageFailure('Give what to change, such as --verify "npm test".');
    const client = await open();
    const params = { id: await findProject(client, named) };
    const body = { ...fields, ...(await removedVariables(client, params.id, values, fields)) };
    const project = await client.call('patchProject', { params, body });
    printSaved(io, project, values.json);
    if (values.json !== true) print(io, [['The project ', ['bold', project.name], ' is changed.']]);
    return EXIT.succeeded;
  },
});

function printSaved(io: Io, project: ProjectSaved, json: boolean | undefined): void {
  if (json === true) printJson(io, project);
  printBeside(
    io,
    project.warnings.map((warning) => [['yellow', warning]]),
  );
}

export const removeProject = clientCommand({
  name: 'project remove',
  operands: ['NAME'],
  summary: 'Remove a project with its errands and their logs; the branches stay',
  options: { yes: YES_OPTION },
  run: async ({ values, operands: [name] }, io, open) => {
    const client = await open();
    const params = { id: await findProject(client, name) };
    const project = await client.call('getProject', { params });
    await confirm(io, `Remove the project ${oneLine(project.name, 100)}, with all its errands?`, values.yes);
    await client.call('deleteProject', { params });
    print(io, [['The project ', ['bold', project.name], ' is removed.']]);
    return EXIT.succeeded;
  },
});
