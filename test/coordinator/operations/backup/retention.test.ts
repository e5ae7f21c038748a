import test from 'ava';
import { nameOf, readName } from '../../../../coordinator/operations/backup/name.ts';
import { toPrune } from '../../../../coordinator/operations/backup/retention.ts';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
const NOW = Date.parse('2026-11-24T18:30:00Z'); // A Tuesday.
const SHA = 'ab'.repeat(32);

const named = (ago_ms: number): string => nameOf(new Date(NOW - ago_ms), SHA);
const hourly = (days: number): string[] => Array.from({ length: days * 24 }, (_, n) => named(n * HOUR_MS));
const kept = (names: string[], now_ms = NOW): string[] => {
  const gone = new Set(toPrune(names, now_ms));
  return names.filter((name) => !gone.has(name));
};

test('a name has the time and the checksum, and sorts by time', (t) => {
  t.is(named(0), 'errand-20261124T183000000Z-abababababab.db.gz');
  t.deepEqual(readName(named(0)), { name: named(0), at_ms: NOW, checksum: 'abababababab' });
  t.true(named(HOUR_MS) < named(0));
  t.true(nameOf(new Date(NOW), 'ff'.repeat(32)) < nameOf(new Date(NOW + 1), '00'.repeat(32)), 'within a second, too');
  for (const other of [
    'errand.db',
    'errand-20261399T183000000Z-abababababab.db.gz',
    `x${named(0)}`,
    `${named(0)}.part`,
  ])
    t.is(readName(other), undefined, other);
});

test('keeps all of the last day, one a day for two weeks, and one a week for eight', (t) => {
  const left = kept(hourly(100));
  t.is(left.filter((name) => name >= named(DAY_MS)).length, 25);
  const days = left.filter((name) => name < named(DAY_MS) && name >= named(14 * DAY_MS));
  t.deepEqual(new Set(days.map((name) => name.slice(16, 22))), new Set(['233000']));
  t.is(days.length, 12);
  const weeks = left.filter((name) => name < named(14 * DAY_MS));
  t.deepEqual(
    weeks.map((name) => new Date(readName(name)?.at_ms ?? 0).getUTCDay()),
    Array(weeks.length).fill(0),
  );
  t.is(weeks.length, 5);
});

test('pruning every hour keeps the same as pruning once', (t) => {
  const all = hourly(70).toReversed();
  let there: string[] = [];
  for (const name of all) there = kept([...there, name], readName(name)?.at_ms);
  t.deepEqual(there, kept(all));
});

test('backups dated in the future stay, and take the place of no other', (t) => {
  const before = hourly(100);
  const ahead = Array.from({ length: 20 }, (_, n) => named(-(n + 30) * 7 * DAY_MS));
  t.deepEqual(kept([...before, ...ahead]), [...kept(before), ...ahead]);
  const old = [named(100 * DAY_MS), named(200 * DAY_MS)];
  t.deepEqual(kept([...old, ...ahead]), [...old, ...ahead]);
});

test('never prunes the newest, files with other names, or all old ones after a long pause', (t) => {
  t.deepEqual(toPrune([named(1000 * DAY_MS)], NOW), []);
  t.deepEqual(toPrune(['notes.txt', 'errand.db', 'errand-x.db.gz', named(0)], NOW), []);
  const later = NOW + 400 * DAY_MS;
  const left = kept([...hourly(30), nameOf(new Date(later), SHA)], later);
  const days = new Set(left.map((name) => name.slice(0, 15)));
  t.true(days.size >= 14, left.join(' '));
});
