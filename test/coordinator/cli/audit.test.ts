import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { appendAudit, cutAudit } from '../../../coordinator/sqlite/audit.ts';
import type { AuditEntry } from '../../../protocol/audit.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { loggedIn } from '../../support/logged-in.ts';

test('the owner sees who did what, exports all of it, and verifies both', async (t) => {
  const { server, cli } = await loggedIn(t);
  const first = (await cli.run(['audit'])).stdout.split('\n').find((line) => line.includes('@'));
  t.regex(first ?? '', /^[-\d]+ [:\d]+ {2}[\w.]+ {2}\S+@\S+ from [\d.:]+/, 'each part stands by itself');
  server.log.write((tx) => {
    for (let n = 0; n < 450; n++)
      appendAudit(tx.db, { action: 'host.reached', detail: { host: `"\u2028\u009b\\ ${n}\0` } });
  });
  const shown = await cli.run(['audit', '--limit', '2']);
  t.is(shown.stdout.trimEnd().split('\n').length, 2);
  t.regex(shown.stdout, /host\.reached/);
  const exported = await cli.run(['audit', 'export']);
  const lines = exported.stdout.trimEnd().split('\n');
  t.is(lines.length, 450 + countBefore());
  const file = join(await temporaryFolder(t), 'audit.jsonl');
  await writeFile(file, exported.stdout);
  const last: AuditEntry = JSON.parse(lines.at(-1) ?? '');
  for (const argv of [
    ['audit', 'verify', file],
    ['audit', 'verify'],
  ]) {
    const verified = await cli.run(argv);
    t.is(verified.code, 0, verified.stderr);
    t.true(verified.stdout.startsWith(`${lines.length} entries are as they were written`));
    t.true(verified.stdout.includes(last.hash));
  }
  t.is((await cli.run(['audit', 'verify', '--has', last.hash])).code, 0);
  const other = await cli.run(['audit', 'verify', '--has', '0'.repeat(64)]);
  t.is(other.code, 2);
  t.regex(other.stderr, /the log was written anew, or cut/);

  function countBefore(): number {
    return Number(server.db.prepare(`SELECT count(*) FROM audit WHERE action <> 'host.reached'`).pluck().get());
  }
});

test('an export in which anything was changed, left out, added or exchanged is not verified', async (t) => {
  const { cli, server } = await loggedIn(t);
  server.log.write((tx) => {
    for (let n = 0; n < 5; n++)
      appendAudit(tx.db, { action: 'host.reached', user_id: null, address: '192.0.2.1', subject: 'x', detail: { n } });
  });
  const folder = await temporaryFolder(t);
  const exported = (await cli.run(['audit', 'export'])).stdout.trimEnd().split('\n');
  const entries = exported.map((line): AuditEntry => JSON.parse(line));
  const at = entries.length - 3;
  const changed = Object.entries({
    id: 99,
    at: '2020-01-01T00:00:00.000Z',
    action: 'git.pushed',
    user_id: 'somebody',
    email: 'eve@example.org',
    address: '192.0.2.2',
    subject: null,
    detail: { n: 7 },
    previous_hash: '0'.repeat(64),
    hash: '0'.repeat(64),
  }).map(([field, value]): [string, AuditEntry[]] => [
    field,
    entries.map((entry, n) => (n === at ? { ...entry, [field]: value } : entry)),
  ]);
  const swapped = entries.toSpliced(at, 2, ...entries.slice(at, at + 2).toReversed());
  const cases: [string, AuditEntry[]][] = [
    ...changed,
    ['left out', entries.toSpliced(at, 1)],
    ['twice', entries.flatMap((entry, n) => (n === at ? [entry, entry] : [entry]))],
    ['exchanged', swapped],
  ];
  for (const [what, list] of cases) {
    const file = join(folder, 'tampered.jsonl');
    await writeFile(file, list.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
    const { code, stderr } = await cli.run(['audit', 'verify', file]);
    t.is(code, 2, what);
    t.regex(stderr, /was changed|are missing|does not follow/, what);
  }
  const garbled = join(folder, 'garbled.jsonl');
  await writeFile(garbled, `${exported[0]}\nnonsense\n`);
  t.regex((await cli.run(['audit', 'verify', garbled])).stderr, /line 2 cannot be read/);
  t.regex((await cli.run(['audit', 'verify', join(folder, 'none')])).stderr, /is not an export/);
});

test('a log whose oldest entries the server deleted is verified, one from which somebody else did is not', async (t) => {
  const { cli, server } = await loggedIn(t);
  const kept = 50;
  // Twice: the last of the entries that say so counts.
  for (const _ of [1, 2])
    server.log.write((tx) => {
      for (let n = 0; n < 100; n++) appendAudit(tx.db, { action: 'host.reached', detail: { n } });
      cutAudit(tx.db, kept);
    });
  const verified = await cli.run(['audit', 'verify']);
  t.is(verified.code, 0, verified.stderr);
  t.regex(verified.stdout, new RegExp(`^${kept + 1} entries are as they were written`));
  t.regex(verified.stdout, /The server has deleted those before the entry \d+, and says so in the log\./);
  server.log.write(({ db }) => db.exec('DELETE FROM audit WHERE id = (SELECT min(id) FROM audit)'));
  const refused = await cli.run(['audit', 'verify']);
  t.is(refused.code, 2);
  t.regex(refused.stderr, /are missing, and no entry says that the server deleted them/);
});

test('keys rotate logs nobody out', async (t) => {
  const { cli } = await loggedIn(t);
  t.regex((await cli.run(['keys', 'rotate'])).stdout, /^The server signs with the keys \w+\. What the earlier ones/);
  t.is((await cli.run(['tasks'])).code, 0);
});
