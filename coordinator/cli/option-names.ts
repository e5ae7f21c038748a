import type { FieldError } from '../../protocol/problem.ts';

/** The option, or the words, that stand for each field of the API. */
const NAMES: Record<string, string> = {
  cron: '--cron',
  time_zone: '--zone',
  base_branch: '--branch',
  budget_usd: '--budget',
  continue_pull: '--pull',
  effort: '--effort',
  egress: '--egress',
  egress_hosts: '--egress-host',
  email: 'the e-mail address',
  env: '--env',
  expires_in_days: '--days',
  extra_models: '--extra-model',
  git_token: "the forge's token",
  git_username: '--git-username',
  image: '--image',
  instructions: '--instructions',
  limit: '--limit',
  max_tokens: '--max-tokens',
  max_turns: '--max-turns',
  method: '--method',
  model: '--model',
  name: 'the name',
  new_password: 'the new password',
  old_password: 'the old password',
  occasions: '--on',
  password: 'the password',
  priority: '--priority',
  project_id: '--project',
  prompt: 'the text',
  repo_url: '--repo',
  repository: '--repository',
  repositories: '--also',
  scopes: '--scope',
  secrets: '--secret',
  server: 'the address of the ntfy server',
  setup_code: 'the code in the link',
  setup_command: '--setup',
  status: '--status',
  text: 'the text',
  token: 'the access token',
  topic: 'the topic',
  url: 'the address',
  verify_command: '--verify',
  work_branch: '--push-to',
};

/** The branches of a further repository are in its option. */
const INNER_NAMES: Record<string, string> = {
  base_branch: 'the branch to start from in --also',
  work_branch: 'the branch to push to in --also',
};

/** What the API calls a field and its value, and the option for it. */
const VALUES: Record<string, string> = { '"check": false': '--no-check' };

/** The text of an error, naming the options for the fields and values that it quotes. */
export function withOptions(text: string): string {
  return Object.entries(VALUES).reduce((named, [value, option]) => named.replaceAll(value, option), text);
}

/** What is wrong with a field, naming its option. */
export function fieldErrorText({ field, message }: FieldError): string {
  const [, key = '', inner, of_repository = ''] = field.split('/');
  const name = (key === 'repositories' ? INNER_NAMES[of_repository] : undefined) ?? NAMES[key];
  if (name === undefined) return `${field} ${message}`;
  // The message may name another field.
  const named = withOptions(message).replace(/\b[a-z]+(_[a-z]+)+\b/g, (word) => NAMES[word] ?? word);
  return [name, ...((key === 'env' || key === 'secrets') && inner !== undefined ? [inner] : []), named].join(' ');
}
