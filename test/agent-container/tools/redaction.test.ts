import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { toolbox } from '../../support/tools.ts';

const SECRET = 'tok-5b1f0d2c9e';
const KEY = '-----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----';
const ENV = { NPM_TOKEN: SECRET, DEPLOY_KEY: KEY };

/** No piece of the secret may be in what a tool gives, at whatever character it cuts. */
async function cutsNoSecret(
  t: ExecutionContext,
  { cut, file, use }: { cut: number; file: (text: string) => Record<string, string>; use: Use },
) {
  for (const before of [1, 7, SECRET.length - 1]) {
    const text = `"${'x'.repeat(cut - before - 1)}${SECRET}${'y'.repeat(300)}"`;
    const box = await toolbox(t, file(text), ENV);
    const shown = await use(box);
    t.regex(shown, /x{100}/);
    t.false(shown.includes(SECRET.slice(0, 4)), `${before} characters before the cut`);
  }
}

type Use = (box: Awaited<ReturnType<typeof toolbox>>) => Promise<string>;

const one = (text: string) => ({ 'a.json': text });

test('read_file shows no part of a secret at the cut of a long line', (t) =>
  cutsNoSecret(t, { cut: 2_000, file: one, use: ({ use }) => use('read_file', { path: 'a.json' }) }));

for (const program of ['rg', 'grep'])
  for (const cut of [300, 500 - 'a.json:1:'.length])
    test(`search shows no part of a secret at character ${cut} of a long line that ${program} gives`, (t) =>
      cutsNoSecret(t, {
        cut,
        file: one,
        use: async ({ use, setPath, folder }) => {
          await symlink('/usr/bin/grep', join(folder, 'grep'));
          if (program === 'grep') setPath(folder);
          return use('search', { pattern: '"x', path: 'a.json' });
        },
      }));

test('a notebook shows no part of a secret at the cut of a long output', (t) =>
  cutsNoSecret(t, {
    cut: 1_980,
    file: (text) => {
      const outputs = [{ output_type: 'stream', text: `${text}${'z'.repeat(10_000)}` }];
      return { 'n.ipynb': JSON.stringify({ cells: [{ cell_type: 'code', source: '', outputs }] }) };
    },
    use: ({ use }) => use('read_file', { path: 'n.ipynb' }),
  }));

test('an edit that misses shows no part of a secret at the cut of a long line', (t) =>
  cutsNoSecret(t, {
    cut: 500,
    file: (text) => one(`begin here\n${text}\nend there\n`),
    use: ({ use }) =>
      use('edit_file', { path: 'a.json', old_text: 'begin here\nanother line\nend there', new_text: '' }),
  }));

test('a long line of a search shows its beginning, and other lines are shown whole', async (t) => {
  const { use } = await toolbox(t, { a: `hit ${'€'.repeat(1_000_000)}\n`, b: `${SECRET} hit\n` }, ENV);
  const [long = '', short] = (await use('search', { pattern: 'hit' })).split('\n');
  t.regex(long, /^\.\/a:1:hit €{200,490} \[…\]$/);
  t.is(short, './b:1:[secret NPM_TOKEN] hit');
});

test('a line of a key is redacted where it stands alone, as in what a search finds', async (t) => {
  const key = `-----BEGIN KEY-----\n${'MIIEvQIBADANBgkqhkiG9w0BAQEF'.repeat(2)}\nkqhkiG9w0BAQEFAASC\n-----END KEY-----`;
  const { use } = await toolbox(t, { 'k.pem': `${key}\n` }, { DEPLOY_KEY: key });
  const shown = await use('search', { pattern: 'BEGIN', context: 5 });
  t.regex(
    shown,
    /k\.pem:1:-----BEGIN KEY-----\n\S+k\.pem-2-\[secret DEPLOY_KEY\]\n\S+k\.pem-3-\[secret DEPLOY_KEY\]\n/,
  );
  t.false(shown.includes('MIIE') || shown.includes('kqhki'));
});

test('a secret of several lines is redacted between numbered lines, which keep their numbers', async (t) => {
  const { use } = await toolbox(t, { '.env': `A=1\nKEY="${KEY}"\nB=2\n` }, ENV);
  t.is(await use('read_file', { path: '.env' }), '1\tA=1\n2\tKEY="[secret DEPLOY_KEY]\n3\t\n4\t"\n5\tB=2');
});
