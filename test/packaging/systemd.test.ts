import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { readConfig } from '../../coordinator/base/config.ts';
import { SECRET_SETTINGS } from '../../coordinator/base/settings.ts';
import { CoordinatorProcess } from '../support/coordinator-process.ts';
import { temporaryFolder } from '../support/folder.ts';

const run = promisify(execFile);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const unit = readFileSync(join(ROOT, 'coordinator/errand.service'), 'utf8');
const readme = readFileSync(join(ROOT, 'coordinator/README.md'), 'utf8');
/** CI must have systemd, so that no test is skipped there. */
const has_systemd = process.env.CI === 'true' || spawnSync('systemd-analyze', ['--version']).status === 0;

test('the unit starts what npm start does, with settings that are known', (t) => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: { start: string } };
  const [, program = ''] = /^ExecStart=\/opt\/errand\/(\S+)$/m.exec(unit) ?? [];
  t.true(scripts.start.endsWith(`exec ./${program}`));
  t.true(existsSync(join(ROOT, program)));
  const environment = /^Environment=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? [];
  const config = readConfig(Object.fromEntries(environment.map((entry) => entry.split('='))));
  t.is(config.data_dir, '/var/lib/errand');
});

(has_systemd ? test : test.skip)('systemd accepts the unit', async (t) => {
  const path = join(await temporaryFolder(t), 'errand.service');
  await writeFile(path, unit.replaceAll('/opt/errand/', ROOT));
  const { stderr } = await run('systemd-analyze', ['verify', path]);
  t.is(stderr, '');
});

test("the README's command for the server's machine has the user, the group, the settings and the file system of the unit", (t) => {
  const command = readme.slice(readme.indexOf('sudo systemd-run')).split('\n```')[0] ?? '';
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit)?.[1] ?? '';
  t.true(command.includes(` --uid=${setting('User')} `), command);
  for (const name of ['SupplementaryGroups', 'EnvironmentFile', 'ProtectSystem', 'ProtectHome', 'PrivateTmp'])
    t.true(command.includes(` --property=${name}=${setting(name)} `), name);
  t.true(command.includes(` --property=ReadWritePaths=/var/lib/${setting('StateDirectory')} `), command);
  t.true(command.includes(` --setenv=${setting('Environment').split(' ')[0]} `), command);
  const [, program = ''] = / \/opt\/errand\/(\S+) doctor$/.exec(command) ?? [];
  t.true(existsSync(join(ROOT, program)), command);
  // The shell and systemd read the file in different ways.
  t.notRegex(readme, /\. \/etc\/errand\.env/);
});

test('each value of the example that may need quotes is shown in single quotes', (t) => {
  const example = readFileSync(join(ROOT, 'coordinator/errand.env.example'), 'utf8');
  for (const name of SECRET_SETTINGS) t.true(example.includes(`\n#${name}=''\n`), name);
});

/** The commands of the README that install the packages and build, without those that need the network or Docker. */
function buildCommands(): string[] {
  const lines = readme.split('\n').filter((line) => line.includes('npm prune'));
  const elsewhere = ['cd /opt/errand', 'npm ci', 'npm run image'];
  const [first = [], ...others] = lines.map((line) =>
    line
      .split(' && ')
      .map((command) => command.replace(/^sudo /, ''))
      .filter((command) => !elsewhere.includes(command)),
  );
  for (const other of others) if (other.join() !== first.join()) throw new Error('An upgrade builds in another way.');
  return first;
}

/** Copies the checkout with its packages. Their files are links where the disk is the same: it takes two seconds. */
async function copyCheckout(to: string): Promise<void> {
  await mkdir(to);
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--', ':!test'], { cwd: ROOT });
  const names = stdout.split('\0').filter((name) => existsSync(join(ROOT, name)) && name !== '');
  if (existsSync(join(ROOT, 'coordinator/web/dist'))) names.push('coordinator/web/dist');
  await run('cp', ['--archive', '--parents', ...names, to], { cwd: ROOT });
  const copy = (link: string[]) => run('cp', ['--archive', ...link, join(ROOT, 'node_modules'), to]);
  await copy(['--link']).catch(() => copy([]));
  // npm writes into this file in place, and it may be a link.
  await rm(join(to, 'node_modules/.package-lock.json'), { force: true });
}

test("after the README's commands the server starts from its bundle, with the app", async (t) => {
  t.timeout(120_000);
  const folder = await temporaryFolder(t);
  const copy = join(folder, 'errand');
  await copyCheckout(copy);
  const env = { PATH: process.env.PATH, HOME: folder, npm_config_offline: 'true' };
  const commands = buildCommands();
  t.true(commands.length >= 4, commands.join('\n'));
  for (const command of commands) await run('sh', ['-c', command], { cwd: copy, env });
  t.false(existsSync(join(copy, 'node_modules/esbuild')));

  // npm may write the lock file again, with what it has already.
  await utimes(join(copy, 'package-lock.json'), new Date(), new Date());
  const { stdout } = await run(join(copy, '.bundle'), ['coordinator'], { env });
  t.is(stdout, 'coordinator/bundle/main.cjs\n');
  const settings = { ERRAND_RUNNER: 'process' };
  const server = CoordinatorProcess.start(t, join(folder, 'data'), settings, join(copy, stdout.trim()));
  const page = await fetch(await server.url(), { headers: { accept: 'text/html' } });
  t.regex(await page.text(), /src="app\/part-\w+\.js"/);
  t.is((await server.stop()).code, 0);
});
