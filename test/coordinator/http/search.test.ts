import test from 'ava';
import { updateResult } from '../../../coordinator/sqlite/progress.ts';
import { deleteTask, markRemoved } from '../../../coordinator/sqlite/removed.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Api } from '../../support/api.ts';
import { Random } from '../../support/random.ts';
import { sendErrand } from '../../support/send-errand.ts';
import { startApi } from '../../support/start-api.ts';

async function found(api: Api, q: string): Promise<string[]> {
  return (await api.call('listTasks', { query: { q } })).items.map(({ id }) => id);
}

test('an errand is found by the beginnings of its words, in any case and without diacritics, in all its texts', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const { api: stranger } = await server.person();
  const errand = await sendErrand(api, { prompt: 'Réparer le naïve Größe-Parser in src/main.ts\n日本語 проверка' });
  await sendErrand(stranger, { prompt: 'Reparer src/main.ts' });
  const other = await sendErrand(api, { prompt: 'Something else' });
  const result = {
    branch: null,
    commit: null,
    base_commit: null,
    diff_stat: { files: 0, insertions: 0, deletions: 0 },
  };
  server.log.write((tx) =>
    updateResult(tx.db, errand.id, { ...result, summary: 'Zephyr corrected' }, errand.created_at),
  );
  const hits = [
    'reparer',
    'RÉPA',
    'naive groß',
    'größe',
    'main.ts',
    'src/main',
    'ts',
    'zeph corr',
    '日本',
    'ПРОВ',
    'r',
  ];
  for (const q of hits) t.deepEqual(await found(api, q), [errand.id], q);
  t.deepEqual(await found(api, 'forge.example'), [other.id, errand.id], 'the repository');
  for (const q of ['main/src', 'eparer', 'zephyr else', api.url, errand.id, '"'])
    t.deepEqual(await found(api, q), [], q);
  server.log.write((tx) => updateResult(tx.db, errand.id, { ...result, summary: 'Quagga' }, errand.created_at));
  t.deepEqual(await found(api, 'zephyr'), []);
  t.deepEqual(await found(api, 'quagga'), [errand.id]);
  server.log.write((tx) => markRemoved(tx.db, 'task', errand.id));
  t.deepEqual(await found(api, 'quagga'), [], 'at once');
  server.log.write((tx) => {
    tx.db.prepare('DELETE FROM events WHERE task_id = ?').run(errand.id);
    deleteTask(tx.db, errand.id);
  });
  t.is(server.db.prepare('SELECT count(*) FROM search WHERE search MATCH ?').pluck().get('quagga'), 0);
});

test('an errand is found by each of its repositories, also after its result', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const repositories = [
    { repo_url: 'https://forge.example/team/shop' },
    { repo_url: 'https://forge.example/team/wiki' },
  ];
  const errand = await api.call('createTask', {
    body: { prompt: 'Three', repo_url: 'https://forge.example/team/adder', repositories },
  });
  await sendErrand(api, { prompt: 'One' });
  for (const q of ['shop', 'team/wiki', 'three wiki']) t.deepEqual(await found(api, q), [errand.id], q);
  const result = {
    branch: null,
    commit: null,
    base_commit: null,
    diff_stat: { files: 0, insertions: 0, deletions: 0 },
  };
  server.log.write((tx) => updateResult(tx.db, errand.id, { ...result, summary: 'Done' }, errand.created_at));
  for (const q of ['shop done', 'wiki']) t.deepEqual(await found(api, q), [errand.id], q);
});

test('no text of a search is an error', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const errand = await sendErrand(api, {
    prompt: 'NEAR the column prompt: AND "quoted" OR NOT (x) + y * ^ -z {title}',
  });
  const random = new Random(3);
  const pieces = [
    '"',
    "'",
    '*',
    '(',
    ')',
    ':',
    '^',
    '-',
    '+',
    '{',
    '}',
    '\\',
    '\0',
    '\n',
    ' ',
    '%',
    '😀',
    '\ud800',
    'é',
  ];
  const words = [
    'AND',
    'OR',
    'NOT',
    'NEAR',
    'owner',
    'prompt:x',
    'NEAR(a b, 5)',
    'owner:"a"',
    '";DROP TABLE tasks',
    'a',
  ];
  const texts = Array.from({ length: 300 }, () =>
    Array.from({ length: random.whole(0, 12) }, () => random.pick([...pieces, ...words])).join(''),
  );
  for (const q of [...texts, ...pieces, ...words, 'x'.repeat(LIMITS.search_chars_max), 'a '.repeat(100)]) {
    const response = await api.send('listTasks', { query: { q } });
    if (q.length <= LIMITS.search_chars_max) t.is(response.status, 200, JSON.stringify(q));
  }
  t.is((await api.refused('listTasks', { query: { q: 'x'.repeat(LIMITS.search_chars_max + 1) } })).code, 'invalid');
  for (const q of ['NEAR', 'AND', '"quoted" OR', '(x)', 'prompt:']) t.deepEqual(await found(api, q), [errand.id], q);
  t.deepEqual(await found(api, '  '), [errand.id], 'no text is no search');
});

test('a search has pages, and goes together with every other filter', async (t) => {
  const server = await startApi(t);
  const { api } = await server.person();
  const made: string[] = [];
  for (let n = 0; n < 25; n++) made.unshift((await sendErrand(api, { prompt: n % 5 === 0 ? 'needle' : 'hay' })).id);
  const needles = made.filter((_, n) => (24 - n) % 5 === 0);
  await api.call('cancelTask', { params: { id: needles[1] ?? '' } });
  const pages: string[] = [];
  for (let cursor: string | null | undefined; cursor !== null;) {
    const query = { q: 'need', limit: 2, cursor, status: 'queued,running', order: 'needs_you' };
    const page = await api.call('listTasks', { query });
    pages.push(...page.items.map(({ id }) => id));
    cursor = page.next_cursor;
  }
  t.deepEqual(
    pages,
    needles.filter((_, n) => n !== 1),
  );
});
