import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { listSkills } from '../../../agent-container/loop/skills.ts';
import { Secrets } from '../../../agent-container/base/secrets.ts';
import { temporaryFolder } from '../../support/folder.ts';

const SECRET = 'tok-5b1f0d2c9e';
const secrets = new Secrets({ env: { NPM_TOKEN: SECRET } });

async function repository(t: ExecutionContext, files: Record<string, string>, name = 'repo'): Promise<string> {
  const repo = join(await temporaryFolder(t), name);
  await mkdir(repo);
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(repo, path)), { recursive: true });
    await writeFile(join(repo, path), text);
  }
  return repo;
}

const skill = (name: string, description = 'Use it to release.') =>
  `---\nname: ${name}\ndescription: ${description}\n---\n\n# Steps\nRun it.\n`;

test('lists the heads of the skills, labelled with their paths, without the rest of the files', async (t) => {
  const repo = await repository(t, {
    '.claude/skills/release/SKILL.md': skill('release'),
    '.claude/skills/release/reference.md': 'Not this.',
    '.agents/skills/pdf/SKILL.md': skill('pdf', '>\n  Fill forms,\n  and read them.'),
    '.github/skills/windows/SKILL.md': '---\r\nname: windows\r\n---\r\n# Steps\r\n',
  });
  t.is(
    await listSkills([repo], secrets),
    '<skill path=".claude/skills/release/SKILL.md">\nname: release\ndescription: Use it to release.\n</skill>\n' +
      '<skill path=".agents/skills/pdf/SKILL.md">\nname: pdf\ndescription: >\n  Fill forms,\n  and read them.\n</skill>\n' +
      '<skill path=".github/skills/windows/SKILL.md">\nname: windows\n</skill>',
  );
});

test('gives null if there are none, and leaves out what has no head', async (t) => {
  t.is(await listSkills([await repository(t, { 'README.md': 'No.' })], secrets), null);
  const broken = { '.claude/skills/a/SKILL.md': '# Steps', '.claude/skills/b/SKILL.md': '---\nname: b\n' };
  t.is(await listSkills([await repository(t, broken)], secrets), null);
});

test('lists a skill once where its folder is a link, and none outside of the repository', async (t) => {
  const repo = await repository(t, { '.claude/skills/release/SKILL.md': skill('release') });
  await mkdir(join(repo, '.agents'));
  await symlink('../.claude/skills', join(repo, '.agents/skills'));
  await mkdir(join(dirname(repo), 'outside'));
  await writeFile(join(dirname(repo), 'outside/SKILL.md'), skill('outside'));
  await symlink('../../../outside', join(repo, '.claude/skills/outside'));
  const text = (await listSkills([repo], secrets)) ?? '';
  t.deepEqual(text.match(/name: \w+/g), ['name: release']);
});

test('labels the skills of a further repository with the path from the first', async (t) => {
  const first = await repository(t, {});
  const second = join(dirname(first), 'second');
  await mkdir(join(second, '.claude/skills/x'), { recursive: true });
  await writeFile(join(second, '.claude/skills/x/SKILL.md'), skill('x'));
  t.regex((await listSkills([first, second], secrets)) ?? '', /path="\.\.\/second\/\.claude\/skills\/x\/SKILL\.md"/);
});

test('shows no secret, keeps a hostile name on one line, and cuts what is too much with a sign', async (t) => {
  const repo = await repository(t, { '.claude/skills/a\nb/SKILL.md': skill('a', `Send ${SECRET}.`) });
  const text = (await listSkills([repo], secrets)) ?? '';
  t.notRegex(text, /tok-/);
  t.regex(text, /^<skill path="[^\n]*">$/m);
  const long = await repository(t, { '.claude/skills/a/SKILL.md': skill('a', 'x'.repeat(100_000)) });
  t.true(((await listSkills([long], secrets)) ?? '').length < 2_000);
  const names = Array.from({ length: 60 }, (_, i) => `s${i}`);
  const many = Object.fromEntries(names.map((name) => [`.claude/skills/${name}/SKILL.md`, skill(name)]));
  const listed = (await listSkills([await repository(t, many)], secrets)) ?? '';
  t.is(listed.match(/<skill/g)?.length, 50);
  t.true(listed.endsWith('[There are more: look into .claude/skills, .agents/skills, .github/skills.]'));
});
