import { execFileSync } from 'node:child_process';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { readInstructions, readNestedInstructions } from '../../../agent-container/loop/instructions.ts';
import { Secrets } from '../../../agent-container/base/secrets.ts';
import { temporaryFolder } from '../../support/folder.ts';

const SECRET = 'tok-5b1f0d2c9e';
const secrets = new Secrets({ env: { NPM_TOKEN: SECRET } });

async function repository(t: ExecutionContext, files: Record<string, string>): Promise<string> {
  const folder = await temporaryFolder(t);
  const repo = join(folder, 'repo');
  await mkdir(join(repo, 'docs'), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(repo, path), text);
  return repo;
}

test('reads AGENTS.md and CLAUDE.md in any case, labelled with their paths', async (t) => {
  const repo = await repository(t, { 'agents.md': 'Use tabs.\n', 'CLAUDE.md': 'Test first.\n', 'README.md': 'No.' });
  t.is(
    await readInstructions([repo], secrets),
    '<file path="CLAUDE.md">\nTest first.\n</file>\n\n<file path="agents.md">\nUse tabs.\n</file>',
  );
});

test('reads CLAUDE.md in .claude too, which is another place for it, and once where one is a link', async (t) => {
  const repo = await repository(t, { 'AGENTS.md': 'Use tabs. @docs/style.md', 'docs/style.md': 'Style.' });
  await mkdir(join(repo, '.claude'));
  await writeFile(join(repo, '.claude/CLAUDE.md'), 'Test first. @../docs/style.md');
  t.is(
    await readInstructions([repo], secrets),
    '<file path="AGENTS.md">\nUse tabs. @docs/style.md\n</file>\n\n<file path="docs/style.md">\nStyle.\n</file>\n\n' +
      '<file path=".claude/CLAUDE.md">\nTest first. @../docs/style.md\n</file>',
  );
  await symlink('.claude/CLAUDE.md', join(repo, 'CLAUDE.md'));
  t.is((await readInstructions([repo], secrets))?.match(/Test first/g)?.length, 1);
});

test('reads the instructions for Copilot, where AGENTS.md and CLAUDE.md may be too', async (t) => {
  const repo = await repository(t, {});
  await mkdir(join(repo, '.github'));
  await writeFile(join(repo, '.github/copilot-instructions.md'), 'Use tabs.');
  t.is(await readInstructions([repo], secrets), '<file path=".github/copilot-instructions.md">\nUse tabs.\n</file>');
});

test('gives null if there are none, or only empty ones', async (t) => {
  t.is(await readInstructions([await repository(t, { 'AGENTS.md': '\n' })], secrets), null);
});

test('follows imports inside the repository, each file once, but not in code or e-mail addresses', async (t) => {
  const repo = await repository(t, {
    'CLAUDE.md': 'See @AGENTS.md and @docs/style.md.\nMail me@example.com. `@docs/code.md`\n```\n@docs/code.md\n```\n',
    'AGENTS.md': 'Agents. @docs/style.md',
    'docs/style.md': 'Style. @../CLAUDE.md',
    'docs/code.md': 'Not this.',
  });
  const text = (await readInstructions([repo], secrets)) ?? '';
  t.deepEqual(
    [...text.matchAll(/path="(.*?)"/g)].map(([, path]) => path),
    ['AGENTS.md', 'docs/style.md', 'CLAUDE.md'],
  );
});

test('reads nothing outside of the repository, and no pipe', async (t) => {
  const repo = await repository(t, { 'CLAUDE.md': 'Hello. @../secret.md @docs/link.md @docs/pipe.md' });
  await writeFile(join(repo, '../secret.md'), 'Secret.');
  await symlink(join(repo, '../secret.md'), join(repo, 'docs/link.md'));
  await symlink(join(repo, '../secret.md'), join(repo, 'AGENTS.md'));
  execFileSync('mkfifo', [join(repo, 'docs/pipe.md')]);
  const text = await readInstructions([repo], secrets);
  t.is(text, '<file path="CLAUDE.md">\nHello. @../secret.md @docs/link.md @docs/pipe.md\n</file>');
});

test('limits the depth of imports and the length of the text', async (t) => {
  const chain = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`f${i}.md`, `${i} @f${i + 1}.md`]));
  const far = (await readInstructions([await repository(t, { 'AGENTS.md': '@f0.md', ...chain })], secrets)) ?? '';
  t.true(far.includes('path="f3.md"'));
  t.false(far.includes('path="f4.md"'));
  const long = (await readInstructions([await repository(t, { 'AGENTS.md': 'x'.repeat(100_000) })], secrets)) ?? '';
  t.true(long.length < 33_000);
  t.regex(long, /The instructions are longer/);
});

test('instructions show no secret, and no part of one where they are cut', async (t) => {
  const label = '<file path="AGENTS.md">\n';
  const text = `Use ${SECRET}. ${'x'.repeat(100_000)}`;
  const whole = (await readInstructions([await repository(t, { 'AGENTS.md': text })], secrets)) ?? '';
  t.true(whole.startsWith(`${label}Use [secret NPM_TOKEN]. x`));
  const crossing = `${'x'.repeat(32_000 - label.length - 10)}${SECRET} ${'y'.repeat(100)}`;
  const repo = await repository(t, { 'docs/AGENTS.md': crossing, 'AGENTS.md': crossing });
  t.notRegex((await readInstructions([repo], secrets)) ?? '', /tok/);
  t.notRegex((await readNestedInstructions([repo], ['docs'], { isKnown: () => false, secrets })) ?? '', /tok/);
});

test('reads the instructions of each folder that leads to a path, but not those that are known', async (t) => {
  const repo = await repository(t, { 'AGENTS.md': 'Root.', 'docs/CLAUDE.md': 'Docs.' });
  await mkdir(join(repo, 'src/api/deep'), { recursive: true });
  await writeFile(join(repo, 'src/AGENTS.md'), 'Source.');
  await writeFile(join(repo, 'src/api/claude.md'), 'Api. @../../docs/CLAUDE.md');
  const none = () => false;
  const labels = async (paths: string[], isKnown: (label: string) => boolean = none) =>
    [...((await readNestedInstructions([repo], paths, { isKnown, secrets })) ?? '').matchAll(/path="(.*?)"/g)].map(
      ([, path]) => path,
    );
  t.deepEqual(await labels(['src/api/deep/x.ts']), ['src/AGENTS.md', 'src/api/claude.md', 'docs/CLAUDE.md']);
  t.deepEqual(await labels([join(repo, 'src/api')]), ['src/AGENTS.md', 'src/api/claude.md', 'docs/CLAUDE.md']);
  t.deepEqual(await labels(['src']), ['src/AGENTS.md']);
  t.deepEqual(await labels(['src/api/x'], (label) => label.includes('src/AGENTS')), [
    'src/api/claude.md',
    'docs/CLAUDE.md',
  ]);
  for (const path of ['x.ts', '.', '', '../src/x', '/etc/passwd', 'no/such/folder', 'a\0b', 'src/AGENTS.md/x'])
    t.deepEqual(
      (await labels([path])).filter((label) => label !== 'src/AGENTS.md'),
      [],
      path,
    );
});

test('instructions behind a link are known by their real path, also where another file imports them', async (t) => {
  const repo = await repository(t, { 'docs/AGENTS.md': 'Docs.' });
  await mkdir(join(repo, 'pkg'));
  await symlink('AGENTS.md', join(repo, 'docs/CLAUDE.md'));
  await symlink('docs', join(repo, 'linked'));
  await writeFile(join(repo, 'pkg/AGENTS.md'), 'Package. @../docs/AGENTS.md');
  let said = '';
  const read = async (path: string) => {
    const text = await readNestedInstructions([repo], [path], { isKnown: (label) => said.includes(label), secrets });
    said += text ?? '';
    return text;
  };
  t.is(await read('docs/x.md'), '<file path="docs/AGENTS.md">\nDocs.\n</file>');
  for (const path of ['docs/x.md', 'linked/x.md']) t.is(await read(path), null);
  t.is(await read('pkg/x.ts'), '<file path="pkg/AGENTS.md">\nPackage. @../docs/AGENTS.md\n</file>');
  t.is(await read('pkg/x.ts'), null);
});

test('a folder that is gone has no instructions, and of a path of any depth the first folders are looked at', async (t) => {
  const repo = await repository(t, { 'AGENTS.md': 'Root.' });
  t.is(await readInstructions([join(repo, 'gone')], secrets), null);
  t.is(
    await readNestedInstructions([join(repo, 'gone'), repo], ['a/'.repeat(100_000)], { isKnown: () => false, secrets }),
    null,
  );
});

test('each repository has its own instructions, with their paths from the first one', async (t) => {
  const [shop, web] = [
    await repository(t, { 'AGENTS.md': 'Of the shop.' }),
    await repository(t, { 'CLAUDE.md': 'Of the web. @docs/style.md @../../etc/passwd', 'docs/style.md': 'Style.' }),
  ];
  await writeFile(join(web, 'docs', 'AGENTS.md'), 'Of the docs.');
  const at = relative(shop, web);
  const paths = (text: string | null) => [...(text ?? '').matchAll(/path="(.*?)"/g)].map(([, path]) => path);
  t.deepEqual(paths(await readInstructions([shop, web], secrets)), [
    'AGENTS.md',
    `${at}/CLAUDE.md`,
    `${at}/docs/style.md`,
  ]);
  const nested = (path: string, isKnown: (label: string) => boolean = () => false) =>
    readNestedInstructions([shop, web], [path], { isKnown, secrets });
  for (const path of [`${at}/docs/x.md`, join(web, 'docs')])
    t.deepEqual(paths(await nested(path)), [`${at}/docs/AGENTS.md`]);
  t.is(await nested(join(web, 'docs'), (label) => label.includes(`"${at}/docs/AGENTS.md"`)), null);
});
