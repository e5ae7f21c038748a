import type { Project, ProjectCreate, ProjectPatch } from '../../../../protocol/api.ts';
import { chosen, EGRESS, PULL_AUTHORS, PULL_REQUESTS } from '../../../../protocol/without-schemas.ts';
import { changesOf } from '../../parts/changed-fields.ts';
import type { Given } from '../../parts/form.ts';
import { repositoryName } from '../../parts/words.ts';

/**
 * The request that a form asks for. Secrets that were left empty are left as they are; every other empty field has no
 * value.
 */
export function readProject(given: Given): ProjectCreate {
  const text = (key: string) => given[key]?.trim() || null;
  const egress = chosen(EGRESS, given['egress']);
  const pull_requests = chosen(PULL_REQUESTS, given['pull_requests']);
  const pull_author = chosen(PULL_AUTHORS, given['pull_author']);
  const git_token = text('git_token');
  const secrets = readVariables(given['secrets'] ?? '');
  return {
    name: given['name']?.trim() ?? '',
    repo_url: given['repo_url']?.trim() ?? '',
    base_branch: text('base_branch'),
    setup_command: text('setup_command'),
    verify_command: text('verify_command'),
    instructions: text('instructions'),
    image: text('image'),
    model: text('model'),
    budget_usd: given['budget_usd'] ? Number(given['budget_usd']) : null,
    ...(egress && { egress }),
    ...readHosts('egress_hosts', given),
    ...readHosts('allowed_hosts', given),
    ask_before_push: given['ask_before_push'] === 'yes',
    ...(pull_requests && { pull_requests }),
    ...(pull_author && { pull_author }),
    ask_at_budget: given['ask_at_budget'] === 'yes',
    mentions: given['mentions'] === 'yes',
    follow_up: given['follow_up'] === 'yes',
    ...(git_token !== null && { git_token }),
    ...(secrets && { secrets }),
  };
}

/** What the form changes: what it asks for now, and did not before anybody touched it. */
export function readChanges(first: Given, given: Given): ProjectPatch {
  return changesOf(withRemoved(first), withRemoved(given));
}

/** The name of the field that removes the stored access token. */
export const TOKEN_REMOVAL = 'without_git_token';
const REMOVED = 'without ';
/** The name of the field that removes a stored secret. */
export const removalField = (name: string): string => `${REMOVED}${name}`;

function withRemoved(given: Given): ProjectPatch {
  const { secrets, ...read } = readProject(given);
  const project = given[TOKEN_REMOVAL] === 'yes' ? { git_token: null, ...read } : read;
  const names = Object.keys(given).filter((key) => key.startsWith(REMOVED) && given[key] === 'yes');
  const removed = Object.fromEntries(names.map((key) => [key.slice(REMOVED.length), null]));
  return names.length === 0 && !secrets ? project : { ...project, secrets: { ...removed, ...secrets } };
}

/** Hosts whose field the form does not show are left as they are. */
function readHosts(key: 'egress_hosts' | 'allowed_hosts', given: Given): Pick<ProjectCreate, typeof key> {
  const hosts = given[key]?.split(/\s+/).filter((host) => host !== '');
  return hosts ? { [key]: hosts } : {};
}

/** Reads `NAME=value` lines; undefined if there is none. */
function readVariables(text: string): Record<string, string> | undefined {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  if (lines.length === 0) return undefined;
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.indexOf('=');
      return at === -1 ? [line.trim(), ''] : [line.slice(0, at).trim(), line.slice(at + 1)];
    }),
  );
}

/** What the form shows at first. `repo_url`: what a new project is for, if that is known. */
export function fieldsOfProject(project: Project | undefined, repo_url: string | undefined): Given {
  if (!project) {
    const named = repo_url === undefined ? {} : { name: repositoryName(repo_url), repo_url };
    return { ...named, egress: 'registries', pull_requests: 'none', pull_author: 'app' };
  }
  return {
    name: project.name,
    repo_url: project.repo_url,
    base_branch: project.base_branch ?? '',
    setup_command: project.setup_command ?? '',
    verify_command: project.verify_command ?? '',
    instructions: project.instructions ?? '',
    image: project.image ?? '',
    model: project.model ?? '',
    budget_usd: project.budget_usd === null ? '' : String(project.budget_usd),
    egress: project.egress,
    egress_hosts: project.egress_hosts.join('\n'),
    allowed_hosts: project.allowed_hosts.join('\n'),
    ask_before_push: project.ask_before_push ? 'yes' : '',
    pull_requests: project.pull_requests,
    pull_author: project.pull_author,
    ask_at_budget: project.ask_at_budget ? 'yes' : '',
    mentions: project.mentions ? 'yes' : '',
    follow_up: project.follow_up ? 'yes' : '',
  };
}
