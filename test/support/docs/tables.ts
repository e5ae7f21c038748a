import { SECRET_SETTINGS, SETTING_GROUPS, Settings } from '../../../coordinator/base/settings.ts';
import { CoordinatorEvent } from '../../../protocol/coordinator-events.ts';
import { NumberedEvent } from '../../../protocol/events.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ERROR_STATUS } from '../../../protocol/problem-document.ts';
import { ERROR_MEANING, ErrorCode } from '../../../protocol/problem.ts';
import type { Route } from '../../../protocol/route.ts';
import { ROUTE_NAMES, ROUTES } from '../../../protocol/routes.ts';

/* The tables of the documentation, as Markdown. Each has one source in the code. */

/** Who may call a route. */
const CALLERS: Record<Route['auth'], string> = { none: 'anyone', user: 'user', operator: 'operator' };

const DEFAULTS = new Map(Object.entries(Settings.parse({})));
const MEANINGS = new Map(Object.entries(Settings.shape).map(([name, { description }]) => [name, description]));
const defaultOf = (name: string): string => {
  const value = DEFAULTS.get(name) ?? '';
  if (Array.isArray(value)) return value.join();
  return typeof value === 'object' ? '' : String(value);
};
const meaningOf = (name: string): string => MEANINGS.get(name) ?? '';

/** One table of settings for each subject. */
export function settingsTables(): string {
  return Object.entries(SETTING_GROUPS)
    .map(([subject, names]) => {
      const rows = names.map((name) => [code(name), code(defaultOf(name)), meaningOf(name)]);
      return `### ${subject}\n\n${table(['Setting', 'Default', 'Meaning'], rows)}`;
    })
    .join('\n\n');
}

/** Settings whose values may have characters that systemd or Compose would change outside of single quotes. */
const QUOTED = new Set([...SECRET_SETTINGS, 'ERRAND_WORKER_COMMAND']);
const HEAD = `# All settings of Errand, with their defaults. Remove the # before a name to set it. systemd and the .env of Compose
# read it alike. Put a value with a blank, a backslash or one of $ # " into single quotes: these keep it as it is.
# "npm run docs" writes this file from coordinator/base/settings.ts.`;

/** A file for systemd or Compose that lists every setting as a comment, with its default. */
export function envExample(): string {
  const groups = Object.entries(SETTING_GROUPS).map(([subject, names]) => {
    const lines = names.map((name) => {
      const value = QUOTED.has(name) ? "''" : defaultOf(name);
      return `${asComment(meaningOf(name).replaceAll('`', ''))}\n#${name}=${value}\n`;
    });
    return `# ---- ${subject} ----\n\n${lines.join('\n')}`;
  });
  return `${HEAD}\n\n${groups.join('\n')}`;
}

/** Lines of at most 120 characters that begin with `# `. */
function asComment(text: string): string {
  return text.replace(/(.{1,118})(?: |$)/g, '# $1\n').trimEnd();
}

export function routesTable(): string {
  const rows = ROUTE_NAMES.map((name) => {
    const { method, path, summary, auth } = ROUTES[name];
    return [code(`${method.toUpperCase()} ${path}`), CALLERS[auth], summary];
  });
  return table(['Route', 'For', 'What it does'], rows);
}

export function errorsTable(): string {
  const rows = ErrorCode.options.map((name) => [code(name), String(ERROR_STATUS[name]), ERROR_MEANING[name]]);
  return table(['Code', 'Status', 'Meaning'], rows);
}

/** What is counted for one person in any minute; more gets `rate_limited`. */
export function ratesTable(): string {
  const rows: [string, number][] = [
    ['Requests that write something: `POST`, `PUT` and `PATCH`', LIMITS.writes_per_minute_max],
    ['`POST /ws-ticket`', LIMITS.ws_tickets_per_minute_max],
    ['`GET /repositories`', LIMITS.repository_searches_per_minute_max],
    ['`/tasks/:id/pull/merge` and `/tasks/:id/pull/ready`', LIMITS.merge_methods_per_minute_max],
    ['`POST /auth/links`', LIMITS.login_links_per_minute_max],
    ['`POST /channels/:id/test`', LIMITS.channel_tests_per_minute_max],
    ['Subscriptions of sockets', LIMITS.subscribes_per_minute_max],
  ];
  return table(
    ['What', 'In a minute'],
    rows.map(([what, most]) => [what, String(most)]),
  );
}

export function eventsTable(): string {
  const rows = (options: readonly { shape: { type: { value: string } }; description?: string | undefined }[]) =>
    options.map(({ shape, description = '' }) => [code(shape.type.value), description]);
  return [
    table(['The coordinator writes', 'When'], rows(CoordinatorEvent.options)),
    table(['The worker writes', 'When'], rows(NumberedEvent.options)),
  ].join('\n\n');
}

function code(text: string): string {
  return text === '' ? '' : `\`${text}\``;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
