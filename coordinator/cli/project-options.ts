import type { z } from 'zod';
import { Egress, type ProjectCreate } from '../../protocol/api.ts';
import { PullAuthor, PullRequests } from '../../protocol/pulls.ts';
import { Effort } from '../../protocol/task.ts';
import { given, numberOf, type Values } from './command.ts';
import { readSecret, type Io } from './io.ts';
import { UsageFailure } from './usage-failure.ts';

/** The options for a project's settings. An empty value clears a setting. */
export const PROJECT_OPTIONS = {
  repo: { type: 'string', placeholder: 'URL', help: 'the repository' },
  branch: { type: 'string', placeholder: 'NAME', help: "what errands start from (the repository's default)" },
  setup: { type: 'string', placeholder: 'COMMAND', help: 'run before the work, such as npm ci' },
  verify: { type: 'string', placeholder: 'COMMAND', help: 'what an errand changes must pass it, such as npm test' },
  instructions: {
    type: 'string',
    placeholder: 'TEXT',
    help: 'what you want of every errand, such as Answer in German',
  },
  image: {
    type: 'string',
    placeholder: 'NAME',
    help: "one of the server's images, for the workers (the server's default)",
  },
  model: { type: 'string', placeholder: 'NAME', help: "the model (the server's default)" },
  effort: { type: 'string', placeholder: 'LEVEL', help: `how much the model thinks: ${Effort.options.join(', ')}` },
  'extra-model': {
    type: 'string',
    placeholder: 'NAME',
    multiple: true,
    help: 'a model that errands may use besides their own; may be repeated, and replaces all earlier ones',
  },
  'max-tokens': { type: 'string', placeholder: 'N', help: "the most tokens of one answer (the model's own limit)" },
  budget: { type: 'string', placeholder: 'USD', help: 'the most an errand may cost, in US dollars' },
  'max-turns': { type: 'string', placeholder: 'N', help: 'the most turns an errand may take' },
  egress: { type: 'string', placeholder: 'KIND', help: `what commands may reach: ${Egress.options.join(', ')}` },
  'egress-host': {
    type: 'string',
    placeholder: 'HOST',
    multiple: true,
    help: 'with --egress list, such as *.example.com; may be repeated',
  },
  'allowed-host': {
    type: 'string',
    placeholder: 'HOST',
    multiple: true,
    help: 'a further host, beside --egress; may be repeated, and replaces those that you allowed when an errand asked',
  },
  'ask-before-push': {
    type: 'string',
    placeholder: 'YES|NO',
    help: 'whether errands wait for your approval before a push',
  },
  'ask-at-budget': {
    type: 'string',
    placeholder: 'YES|NO',
    help: 'whether errands ask for more once their budget is spent',
  },
  mentions: {
    type: 'string',
    placeholder: 'YES|NO',
    help: 'whether your @errand, or the label errand, in an issue or pull request starts an errand',
  },
  'follow-up': {
    type: 'string',
    placeholder: 'YES|NO',
    help: "whether reviews and failed checks of an errand's pull request send it back to work",
  },
  'pull-requests': {
    type: 'string',
    placeholder: 'KIND',
    help: `whether errands that have succeeded open a pull request: ${PullRequests.options.join(', ')}`,
  },
  'pull-author': {
    type: 'string',
    placeholder: 'WHO',
    help: 'in whose name: app, so that you can approve it, where the app is installed; or person',
  },
  env: {
    type: 'string',
    placeholder: 'NAME=VALUE',
    multiple: true,
    help: "a plain variable for the commands, which everybody may read; may be repeated, and the others stay. NAME alone takes the value from this shell's environment",
  },
  secret: {
    type: 'string',
    placeholder: 'NAME=VALUE',
    multiple: true,
    help: 'a secret variable for the commands, which is never shown again; otherwise like --env',
  },
  'git-username': { type: 'string', placeholder: 'NAME', help: "the forge's user name that belongs to the token" },
  'git-token-stdin': { type: 'boolean', help: "read the forge's token from the standard input" },
  'no-check': { type: 'boolean', help: 'do not ask the repository whether it can be read' },
  json: { type: 'boolean', help: 'print the project as JSON' },
} as const;

/** Turns the options into the fields of a request. Rejects with `UsageFailure` for a value that is not valid. */
export async function projectFields(values: Values<typeof PROJECT_OPTIONS>, io: Io): Promise<Partial<ProjectCreate>> {
  return given({
    repo_url: values.repo,
    base_branch: orNull(values.branch),
    setup_command: orNull(values.setup),
    verify_command: orNull(values.verify),
    instructions: orNull(values.instructions),
    image: orNull(values.image),
    model: orNull(values.model),
    effort: values.effort === '' ? null : readEffort(values.effort),
    extra_models: values['extra-model']?.filter((name) => name !== ''),
    max_tokens: numberOrNull('max-tokens', values['max-tokens']),
    budget_usd: numberOrNull('budget', values.budget),
    max_turns: numberOrNull('max-turns', values['max-turns']),
    egress: oneOf('egress', Egress, values.egress),
    egress_hosts: values['egress-host']?.filter((host) => host !== ''),
    allowed_hosts: values['allowed-host']?.filter((host) => host !== ''),
    ask_before_push: yesOrNo('ask-before-push', values['ask-before-push']),
    ask_at_budget: yesOrNo('ask-at-budget', values['ask-at-budget']),
    mentions: yesOrNo('mentions', values.mentions),
    follow_up: yesOrNo('follow-up', values['follow-up']),
    pull_requests: oneOf('pull-requests', PullRequests, values['pull-requests']),
    pull_author: oneOf('pull-author', PullAuthor, values['pull-author']),
    env: values.env && readVariables('env', values.env, io),
    secrets: values.secret && readVariables('secret', values.secret, io),
    git_username: orNull(values['git-username']),
    git_token: values['git-token-stdin'] === true ? await readSecret(io) : undefined,
    check: values['no-check'] === true ? false : undefined,
  });
}

function orNull(text: string | undefined): string | null | undefined {
  return text === '' ? null : text;
}

function numberOrNull(option: string, text: string | undefined): number | null | undefined {
  return text === '' ? null : numberOf(option, text);
}

function yesOrNo(option: string, text: string | undefined): boolean | undefined {
  if (text === undefined) return undefined;
  const word = text.toLowerCase();
  if (word === 'yes' || word === 'no') return word === 'yes';
  throw new UsageFailure(`--${option} must be yes or no: ${text}`);
}

/** One of the words of an enum; undefined: not given. Throws `UsageFailure` for another word. */
export function oneOf<T extends Record<string, string>>(
  option: string,
  words: z.ZodEnum<T>,
  text: string | undefined,
): T[keyof T] | undefined {
  if (text === undefined) return undefined;
  const { data } = words.safeParse(text);
  if (data === undefined) throw new UsageFailure(`--${option} must be one of ${words.options.join(', ')}: ${text}`);
  return data;
}

/** Undefined: not given. */
export function readEffort(text: string | undefined): Effort | undefined {
  return oneOf('effort', Effort, text);
}

function readVariables(option: string, assignments: readonly string[], { variable }: Io): Record<string, string> {
  return Object.fromEntries(
    assignments
      .filter((assignment) => assignment !== '')
      .map((assignment) => {
        const equals = assignment.indexOf('=');
        const name = equals === -1 ? assignment : assignment.slice(0, equals);
        const value = equals === -1 ? variable(name) : assignment.slice(equals + 1);
        if (value === undefined)
          throw new UsageFailure(`--${option} ${name}: this shell's environment has no ${name}.`);
        return [name, value];
      }),
  );
}
