import test from 'ava';
import { parseDiff } from '../../../coordinator/web/app/changes/parse.ts';
import { groupReads, withoutEchoes } from '../../../coordinator/client/errand/group.ts';
import type { Item, Note } from '../../../coordinator/client/errand/items.ts';
import { parseAnsi } from '../../../coordinator/web/parts/ansi.ts';
import { cronOf, timingOf } from '../../../coordinator/web/app/schedules/timing.ts';
import { SETTING_GROUPS } from '../../../coordinator/base/settings.ts';
import { speakOfScreens } from '../../../coordinator/web/strings/screen-strings.ts';
import { chooseLanguage } from '../../../protocol/choose-language.ts';
import { speak } from '../../../coordinator/web/strings/strings.ts';

test('the language is the first that the app speaks, and its numbers are those of the region', async (t) => {
  t.is(chooseLanguage(['fr-FR', 'de-AT', 'en']), 'de-AT');
  t.is(chooseLanguage(['fr', 'ja']), 'en');
  t.is((await speak('de-DE')).t.inbox.done, 'Fertig');
  t.is((await speak('de-DE')).format.money(1234.5).replaceAll('\u00a0', ' '), '1.234,50 $');
  t.is((await speak('en-US')).format.money(0.0042), '$0.0042');
  t.is((await speak('de-DE')).format.bytes(5).replaceAll('\u00a0', ' '), '5 Byte');
  t.is((await speak('en-US')).format.duration(400).replaceAll('\u00a0', ' '), '0.4 s');
  t.is((await speak('de-DE')).format.duration(125_000).replaceAll('\u00a0', ' '), '2 min');
});

test('a time of another year says so', async (t) => {
  const { format } = await speak('en-US');
  const now = Date.parse('2026-03-01T12:00:00Z');
  t.is(format.age('2026-01-20T12:00:00Z', now), 'Jan 20');
  t.is(format.age('2025-12-30T12:00:00Z', now), 'Dec 30, 2025');
  t.regex(format.clock('2025-12-30T12:00:00Z', now), /^Dec 30, 2025, /);
  t.regex(format.clock('2026-01-20T12:00:00Z', now), /^Jan 20, \d/);
});

test('a time of day is written in one way, with its day or without', async (t) => {
  const { format } = await speak('de-DE');
  const at = new Date(2026, 2, 1, 3, 5).getTime();
  t.is(format.clock(at, at), '03:05');
  t.is(format.clock(at, at + 86_400_000), '1. März, 03:05');
});

test('the groups of settings have a German name', async (t) => {
  const { group } = (await speakOfScreens('de-DE')).owner;
  const same = Object.keys(SETTING_GROUPS).filter((name) => group(name) === name);
  t.deepEqual(same, ['Claude', 'Git', 'Forges']);
});

const CASES: [string, string, [string, string][]][] = [
  [
    'colours',
    '\u001b[31mred\u001b[0m plain',
    [
      ['red', 'ansi-red'],
      [' plain', ''],
    ],
  ],
  [
    'bold and bright',
    '\u001b[1;92mok\u001b[22;39m.',
    [
      ['ok', 'ansi-bold ansi-green'],
      ['.', ''],
    ],
  ],
  ['256 colours', '\u001b[38;5;31mx', [['x', '']]],
  [
    'cursor moves, titles and bells',
    '\u001b[2Ka\u001b]0;title\u0007b\u0007',
    [
      ['a', ''],
      ['b', ''],
    ],
  ],
  ['a progress bar', '10%\r50%\r100%\nnext', [['100%\nnext', '']]],
  [
    'an unfinished sequence',
    'a\u001b[',
    [
      ['a', ''],
      ['[', ''],
    ],
  ],
  ['HTML', '<b onclick="x">', [['<b onclick="x">', '']]],
];
for (const [name, output, parts] of CASES)
  test(`terminal output: ${name}`, (t) => {
    t.deepEqual(
      parseAnsi(output).map(({ text, classes }) => [text, classes]),
      parts,
    );
  });

test('a diff: names with spaces and other alphabets, lines that look like heads, pictures, renames, cut ends', (t) => {
  const diff = [
    'diff --git a/my file.txt b/my file.txt\nindex 1111111..2222222 100644\n--- a/my file.txt\n+++ b/my file.txt',
    '@@ -1,3 +1,3 @@\n a\n--- b/old\n+++ b/new\n c',
    'diff --git a/old b/new\nsimilarity index 100%\nrename from old\nrename to new',
    'diff --git a/img.png b/img.png\nnew file mode 100644\nindex 0000000..2222222\nBinary files /dev/null and b/img.png differ',
    'diff --git "a/\\303\\244.txt" "b/\\303\\244.txt"\ndeleted file mode 100644\nindex 1111111..0000000\n--- "a/\\303\\244.txt"\n+++ /dev/null\n@@ -1 +0,0 @@\n-x',
    'diff --git a/c.txt b/c.txt\nindex 1111111..2222222 100644\n--- a/c.txt\n+++ b/c.txt\n@@ -11,3 +11,30 @@\n cut',
  ].join('\n');
  const files = parseDiff(diff);
  t.deepEqual(
    files.map(({ path }) => path),
    ['my file.txt', 'new', 'img.png', 'ä.txt', 'c.txt'],
  );
  t.deepEqual(files[0]?.hunks[0]?.lines, [
    { type: 'same', line: 1, code: 'a' },
    { type: 'removed', line: 2, code: '-- b/old' },
    { type: 'added', line: 2, code: '++ b/new' },
    { type: 'same', line: 3, code: 'c' },
  ]);
  t.is(files[1]?.old_path, 'old');
  t.deepEqual(
    files.map(({ binary }) => binary),
    [false, false, true, false, false],
  );
  t.is(files[4]?.hunks[0]?.gap, 10);
  for (const broken of ['', 'garbage', 'diff --git a b\n@@', 'diff --git a/x b/x\n@@ bad @@\n+x'])
    t.notThrows(() => parseDiff(broken), broken);
});

test('runs of finished reads fold into one row; one alone, and what is between, stay', (t) => {
  const tool = (key: string, name: string, state: 'done' | 'running' = 'done'): Item => {
    const rest = { at: '', input: {}, output: '', pictures: [], exit_code: undefined, duration_ms: 1 };
    return { kind: 'tool', key, name, state, ...rest };
  };
  const said: Item = { kind: 'said', key: 's', at: '', text: 'x' };
  const items = [
    tool('1', 'read_file'),
    tool('2', 'search'),
    said,
    tool('3', 'list_files'),
    tool('4', 'run_command'),
    tool('5', 'read_file'),
    tool('6', 'read_file', 'running'),
  ];
  t.deepEqual(
    groupReads(items).map(({ key }) => key),
    ['reads-1', 's', '3', '4', '5', '6'],
  );
});

test('what the agent is told shows unless the log says the same before it', (t) => {
  const note = (key: string, of: Note): Item => ({ kind: 'note', key, at: '', note: of });
  const text = `The workspace is gone. ${'Look what is missing. '.repeat(20)}`;
  const items = [
    note('1', { what: 'harness', text: '[Errand] Something else.' }),
    note('2', { what: 'log', level: 'warn', text: text.slice(0, 300) }),
    note('3', { what: 'harness', text: `[Errand] ${text}` }),
    note('4', { what: 'harness', text: '[Errand] Your answer was empty.' }),
  ];
  t.deepEqual(
    withoutEchoes(items).map(({ key }) => key),
    ['1', '2', '4'],
  );
});

test('a line of the log hides no note to the agent that says something else, or more on the same line', (t) => {
  const note = (key: string, of: Note): Item => ({ kind: 'note', key, at: '', note: of });
  const log = (key: string, text: string) => note(key, { what: 'log', level: 'warn', text });
  const told = (key: string, text: string) => note(key, { what: 'harness', text });
  const items = [
    log('1', ''),
    told('2', '[Errand] Go on.'),
    told('3', '\nOnly look.'),
    log('4', 'The tests failed'),
    told('5', '[Errand] The tests failed: 3 of 40.'),
    told('6', '[Errand] The tests failed\nFix the cause.'),
    told('7', '[Errand] The tests failed'),
    log('8', `${'The commit leaves out a file. '.repeat(5)}It is a.env.`),
    told('9', `[Errand] ${'The commit leaves out a file. '.repeat(5)}It is b.env.`),
    told('10', `[Errand] ${'The commit leaves out a file. '.repeat(5)}It i…`),
  ];
  t.deepEqual(
    withoutEchoes(items).map(({ key }) => key),
    ['1', '2', '3', '4', '5', '8', '9'],
  );
});

test('a cron expression that is one of the usual timings shows as that, and any other as it is', (t) => {
  for (const kind of ['daily', 'weekdays', 'weekly'] as const)
    for (const time of ['00:00', '09:05', '23:59']) {
      const timing = { kind, time, weekday: 5, cron: '' };
      t.like(timingOf(cronOf(timing)), { kind, time, ...(kind === 'weekly' && { weekday: 5 }) });
    }
  t.like(timingOf('0 9 * * 7'), { kind: 'weekly', weekday: 0 });
  for (const cron of ['*/30 * * * *', '0 9 1 * *', '0 9 * 1 1', '0 9 * * 1,3', '0 9-17 * * *', '0 9 * * MON'])
    t.is(cronOf(timingOf(cron)), cron);
});
