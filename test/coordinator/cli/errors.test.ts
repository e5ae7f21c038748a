import test from 'ava';
import { COMMANDS } from '../../../coordinator/cli/commands.ts';
import { errorLines } from '../../../coordinator/cli/error-lines.ts';
import { printBeside, type Io } from '../../../coordinator/cli/io.ts';
import { fieldErrorText } from '../../../coordinator/cli/option-names.ts';
import { paint } from '../../../coordinator/cli/render/line.ts';
import { run } from '../../../coordinator/cli/run.ts';
import { Failure, NotFound, Refusal } from '../../../coordinator/client/errors.ts';

/** Every kind of thing that may not be found. */
const KINDS: Record<NotFound['kind'], true> = {
  task: true,
  project: true,
  session: true,
  person: true,
  invite: true,
  token: true,
  channel: true,
  schedule: true,
  forge: true,
  'linked account': true,
  server: true,
};

/** A process whose output and errors are a terminal of this many columns. */
function terminal(columns: number): { io: Io; text: () => string } {
  let text = '';
  const stream = { isTTY: true, columns, write: (part: string) => ((text += part), true) };
  const io = {
    stdout: stream,
    stderr: stream,
    columns,
    color: false,
    live: true,
    signal: new AbortController().signal,
  };
  return { io: io as unknown as Io, text: () => text };
}

test('whatever was not found, the hint names a command that there is', (t) => {
  for (const kind of Object.keys(KINDS) as NotFound['kind'][]) {
    const hint = paint(errorLines(new NotFound(kind, 'x'), undefined)[1] ?? [], false);
    const name = hint.replace(/^List them with: (npx )?\S+ /, '');
    t.true(
      COMMANDS.some((command) => command.name === name),
      `${kind}: ${hint}`,
    );
  }
});

test('an error about a forge that does not answer names the option, not the field of the API', (t) => {
  const detail = 'git.example.org could not be reached. With "check": false the project is saved without asking.';
  const errors = [{ field: '/repo_url', message: detail }];
  for (const code of ['upstream_unreachable', 'invalid'] as const) {
    const error = new Refusal({ type: 'about:blank', title: 'x', status: 502, code, detail, errors });
    const text = paint(errorLines(error, 'project add')[0] ?? [], false);
    t.regex(text, /With --no-check the project is saved without asking\.$/);
  }
});

test('errors are wrapped between words at a terminal of 60 columns', (t) => {
  const { io, text } = terminal(60);
  const message = 'This server has no forge to sign in with by a code. The app in the browser may have other ways.';
  printBeside(io, errorLines(new Failure(message), 'link'));
  t.is(text().trimEnd().replaceAll('\n', ' '), message);
  for (const line of text().split('\n')) t.true(line.length <= 60, line);
});

test('a word that only begins commands says what may follow it, in every group of commands', async (t) => {
  const groups = new Set(COMMANDS.flatMap(({ name }) => (name.includes(' ') ? name.split(' ')[0] : [])));
  for (const group of groups) {
    if (group === undefined || COMMANDS.some(({ name }) => name === group)) continue;
    const { io, text } = terminal(200);
    t.is(await run([group], io, COMMANDS, () => []), 2);
    for (const { name } of COMMANDS)
      if (name.startsWith(`${group} `)) t.true(text().includes(name.slice(group.length + 1)), text());
  }
  t.true(groups.size > 4);
});

test('a refusal names the options, also the second one of two that exclude each other', (t) => {
  const text = fieldErrorText({ field: '/work_branch', message: 'and continue_pull cannot both be given' });
  t.is(text, '--push-to and --pull cannot both be given');
});
