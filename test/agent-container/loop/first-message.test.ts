import { execFileSync } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { DONE, run, textOf } from '../../support/agent-script.ts';
import { bench } from '../../support/agent-work.ts';
import { temporaryFolder } from '../../support/folder.ts';

const read = (path: string) => ({ name: 'read_file', input: { path } });

test('the first message tells of the machine, its tools, the network, the newest commits and the date', async (t) => {
  const b = await bench(t, { script: [DONE] });
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=A', '-c', 'user.email=a@b.c', ...args], { cwd: b.repo_dir });
  git('init', '-q');
  for (const subject of ['Begin', 'Add the sum']) git('commit', '-q', '--allow-empty', '-m', subject);
  t.is((await b.run({ egress: 'registries' })).status, 'succeeded');
  const text = textOf(b.model.requests[0]?.body);
  t.regex(text, new RegExp(`The date is ${new Date().toISOString().slice(0, 8)}`));
  t.regex(text, /The machine runs .+; commands run as the user \w+/);
  t.regex(text, /it has: git, /);
  t.regex(text, /only the well-known package registries/);
  t.notRegex(text, /has left these changes/);
  t.regex(text, /[0-9a-f]{7,} \d{4}-\d\d-\d\d Add the sum\\n {2}[0-9a-f]{7,} \S+ Begin/);
});

test('the first message lists the skills of the repository, and the model reads one itself', async (t) => {
  const b = await bench(t, { script: [{ tools: [read('.claude/skills/release/SKILL.md')] }, DONE] });
  await mkdir(join(b.repo_dir, '.claude/skills/release'), { recursive: true });
  const skill = '---\nname: release\ndescription: Use it to release.\n---\nCount up.\n';
  await writeFile(join(b.repo_dir, '.claude/skills/release/SKILL.md'), skill);
  t.is((await b.run()).status, 'succeeded');
  const first = textOf(b.model.requests[0]?.body);
  t.regex(first, /these skills: .+<skill path=\\".claude\/skills\/release\/SKILL.md\\">\\nname: release/);
  t.notRegex(first, /Count up/);
  t.regex(textOf(b.model.requests[1]?.body), /Count up/);
});

test('the first message tells what the setup command changed', async (t) => {
  const b = await bench(t, { script: [DONE] });
  await writeFile(join(b.repo_dir, 'a.txt'), 'a\n');
  const commit = 'git -c user.name=A -c user.email=a@b.c commit -q';
  execFileSync('sh', ['-c', `git init -q && git add . && ${commit} -m Begin`], { cwd: b.repo_dir });
  t.is((await b.run({ setup_command: 'echo b > a.txt; touch lock.json' })).status, 'succeeded');
  const text = textOf(b.model.requests[0]?.body);
  t.regex(text, /setup command has left these changes[^:]*:\\n {2}M a\.txt\\n {2}\?\? lock\.json\\n/);
});

test('of many files that the setup command left, the first are named and the rest are counted', async (t) => {
  const b = await bench(t, { script: [DONE] });
  execFileSync('git', ['init', '-q'], { cwd: b.repo_dir });
  const setup_command = `touch {1..1500}-${'x'.repeat(100)}`;
  t.is((await b.run({ setup_command })).status, 'succeeded');
  const text = textOf(b.model.requests[0]?.body);
  t.is(text.match(/\?\? \d+-x/g)?.length, 20);
  t.regex(text, /and 1480 more/);
});

test('a closed network is no reason not to fetch from origin', async (t) => {
  for (const egress of ['none', 'registries', 'list'] as const) {
    const b = await bench(t, { script: [DONE] });
    await b.run({ egress });
    t.regex(textOf(b.model.requests[0]?.body), /network.+git (?:reaches|its) origin/, egress);
  }
});

test('an environment that cannot be looked at is left out', async (t) => {
  const b = await bench(t, { script: [DONE] });
  t.is((await b.run({ env: { PATH: '/nowhere' } })).status, 'succeeded');
  t.notRegex(textOf(b.model.requests[0]?.body), /The newest commits|it has:/);
});

test('a later attempt is told of the tools where they are others, such as in another image, and only then', async (t) => {
  const b = await bench(t, { script: [DONE, DONE, DONE, DONE, DONE] });
  const PATH = await temporaryFolder(t);
  const install = (name: string) => writeFile(join(PATH, name), '#!/bin/sh\n', { mode: 0o755 });
  const goOn = async () => {
    b.messages.say('Go on.');
    t.is((await b.run({ env: { PATH } })).status, 'succeeded');
    return b.of('input.added').flatMap(({ text }) => (text.includes('other tools') ? [text] : []));
  };
  await install('git');
  await b.run({ env: { PATH } });
  t.deepEqual(await goOn(), [], 'they are the same');
  await install('cargo');
  const note = '[Errand] The machine has other tools than before. Of the usual tools it has: git, cargo.';
  t.deepEqual(await goOn(), [note]);
  t.deepEqual(await goOn(), [note], 'it is said once');
  await rm(join(PATH, 'cargo'));
  t.deepEqual(await goOn(), [note, note.replace(', cargo', '')]);
});

test('the instructions of a folder are told when it is first looked into, and only once, in later attempts too', async (t) => {
  const b = await bench(t, {
    script: [
      { tools: [read('src/a.ts'), read('src/b.ts')] },
      { tools: [read('src/a.ts')] },
      DONE,
      { tools: [read('src/b.ts')] },
      DONE,
    ],
  });
  await mkdir(join(b.repo_dir, 'src'));
  await writeFile(join(b.repo_dir, 'src/AGENTS.md'), 'Only arrow functions.');
  await writeFile(join(b.repo_dir, 'src/a.ts'), 'export {};\n');
  await b.run();
  b.messages.say('Go on.');
  t.is((await b.run()).status, 'succeeded');
  t.regex(textOf(b.model.requests[1]?.body), /<file path=\\"src\/AGENTS.md\\">\\nOnly arrow functions/);
  t.is(b.of('input.added').filter(({ text }) => text.includes('Only arrow')).length, 1);
});

test('commands do not count as looking into a folder', async (t) => {
  const b = await bench(t, { script: [{ tools: [run('ls src')] }, DONE] });
  await mkdir(join(b.repo_dir, 'src'));
  await writeFile(join(b.repo_dir, 'src/AGENTS.md'), 'Only arrow functions.');
  await b.run();
  t.deepEqual(b.of('input.added'), []);
});
