import type { Project } from '../../protocol/api.ts';
import { findProject } from '../client/find.ts';
import { clientCommand } from './client-command.ts';
import { JSON_OPTION } from './command.ts';
import { EXIT } from './exit.ts';
import { print, printJson } from './io.ts';
import type { PROJECT_OPTIONS } from './project-options.ts';
import { money } from './render/format.ts';
import { oneLine } from './render/text.ts';

/** A command or a text may be long. */
const VALUE_CHARS_MAX = 500;

export const showProject = clientCommand({
  name: 'project show',
  operands: ['NAME'],
  summary: 'Show the settings of a project, each with the option that changes it',
  options: { json: JSON_OPTION },
  run: async ({ values, operands: [named] }, io, open) => {
    const client = await open();
    const project = await client.call('getProject', { params: { id: await findProject(client, named) } });
    if (values.json === true) printJson(io, project);
    else {
      print(io, [[['bold', project.name], ` ${project.id}`]]);
      const rows = settingsOf(project);
      const columns = Math.max(...rows.map(([option]) => option.length)) + '--  '.length;
      print(
        io,
        rows.map(([option, value]) => [['dim', `--${option}`.padEnd(columns)], oneLine(value, VALUE_CHARS_MAX)]),
      );
    }
    return EXIT.succeeded;
  },
});

type Option = keyof typeof PROJECT_OPTIONS;

/** The settings that have a value, by their options. A list has a line for each. */
function settingsOf(project: Project): [Option, string][] {
  const settings: [Option, string | number | boolean | null | readonly string[]][] = [
    ['repo', project.repo_url],
    ['branch', project.base_branch],
    ['setup', project.setup_command],
    ['verify', project.verify_command],
    ['image', project.image ?? null],
    ['instructions', project.instructions],
    ['model', project.model],
    ['effort', project.effort],
    ['extra-model', project.extra_models],
    ['max-tokens', project.max_tokens],
    ['budget', project.budget_usd === null ? null : money(project.budget_usd)],
    ['max-turns', project.max_turns],
    ['egress', project.egress],
    ['egress-host', project.egress_hosts],
    ['allowed-host', project.allowed_hosts],
    ['ask-before-push', project.ask_before_push],
    ['ask-at-budget', project.ask_at_budget],
    ['mentions', project.mentions],
    ['follow-up', project.follow_up],
    ['pull-requests', project.pull_requests],
    ['pull-author', project.pull_author],
    ['env', Object.entries(project.env).map(([name, value]) => `${name}=${value}`)],
    ['secret', project.secret_names],
    ['git-token-stdin', project.has_git_token ? 'stored' : null],
  ];
  return settings.flatMap(([option, value]) => textsOf(value).map((text): [Option, string] => [option, text]));
}

function textsOf(value: string | number | boolean | null | readonly string[]): readonly string[] {
  if (value === null) return [];
  if (typeof value === 'boolean') return [value ? 'yes' : 'no'];
  return typeof value === 'object' ? value : [String(value)];
}
