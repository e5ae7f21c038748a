import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test from 'ava';
import { commandEnv } from '../../../agent-container/shell/command-env.ts';
import { writeGlobalPrefix } from '../../../agent-container/shell/global-prefix.ts';
import { temporaryFolder } from '../../support/folder.ts';
import { MockCoordinator } from '../../support/mock-coordinator/mock.ts';

const OPTIONS = {
  inherited: { PATH: '/bin', LANG: 'de_DE.UTF-8' },
  home: '/home',
  tmp: '/tmp',
  proxy_url: 'http://127.0.0.1:1',
  git_settings: [['url.http://127.0.0.1:1/at/=.insteadOf', 'https://git.example.org/you/shop']] as [string, string][],
};
const envOf = (given: { egress: 'none' | 'open'; env: Record<string, string> }) =>
  commandEnv(new MockCoordinator().addTask(given).assignment(), OPTIONS);

test('no program asks or pages', (t) => {
  t.like(envOf({ egress: 'none', env: {} }), { CI: 'true', PAGER: 'cat', GIT_TERMINAL_PROMPT: '0', EDITOR: 'true' });
});

test('the variables of the project override all others', (t) => {
  const env = envOf({ egress: 'open', env: { CI: 'false', HTTPS_PROXY: 'http://proxy.test' } });
  t.like(env, { CI: 'false', HTTPS_PROXY: 'http://proxy.test', LANG: 'de_DE.UTF-8', HOME: '/home' });
});

test('settings of git of the project are added to those of all commands', (t) => {
  const own = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'http.version', GIT_CONFIG_VALUE_0: 'HTTP/1.1' };
  const env = envOf({ egress: 'none', env: own });
  const settings = Array.from({ length: Number(env['GIT_CONFIG_COUNT']) }, (_, i) => env[`GIT_CONFIG_KEY_${i}`]);
  t.deepEqual(settings, [
    'safe.directory',
    'advice.detachedHead',
    'url.http://127.0.0.1:1/at/=.insteadOf',
    'http.version',
  ]);
  t.is(env['GIT_CONFIG_VALUE_3'], 'HTTP/1.1');
  t.is(envOf({ egress: 'none', env: { GIT_CONFIG_COUNT: 'x' } })['GIT_CONFIG_COUNT'], '3');
});

test('programs are told of the proxy, and a JVM in its own way; without egress there is none', (t) => {
  const env = envOf({ egress: 'open', env: {} });
  t.like(env, { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '127.0.0.1,localhost,::1', NODE_USE_ENV_PROXY: '1' });
  const options = env['JAVA_TOOL_OPTIONS']?.split(' ') ?? [];
  t.true(options.includes('-Dhttps.proxyHost=127.0.0.1'));
  t.true(options.includes('-Dhttps.proxyPort=1'));
  const own = envOf({ egress: 'open', env: { JAVA_TOOL_OPTIONS: '-Xmx1g' } });
  t.is(own['JAVA_TOOL_OPTIONS'], `${env['JAVA_TOOL_OPTIONS']} -Xmx1g`);
  // Without it Maven 3.9 and newer would ignore the two above.
  t.true(options.includes('-Daether.connector.http.useSystemProperties=true'));
  t.deepEqual(
    Object.keys(envOf({ egress: 'none', env: {} })).filter((name) => /PROXY$|^JAVA/i.test(name)),
    [],
  );
});

test('a variable of the image yields to those that are set for all commands, and to those of the project', (t) => {
  const inherited = {
    JAVA_HOME: '/opt/jdk',
    JAVA_TOOL_OPTIONS: '-Xmx2g',
    HOME: '/root',
    TMPDIR: '/var/tmp',
    CI: '0',
    GEM_HOME: '/opt/gems',
  };
  const of = (egress: 'none' | 'open', env: Record<string, string>) =>
    commandEnv(new MockCoordinator().addTask({ egress, env }).assignment(), { ...OPTIONS, inherited });
  t.like(of('open', {}), { JAVA_HOME: '/opt/jdk', HOME: '/home', TMPDIR: '/tmp', CI: 'true', GEM_HOME: '/home/.gem' });
  t.regex(of('open', {})['JAVA_TOOL_OPTIONS'] ?? '', /^-Dhttps.* -Xmx2g$/);
  t.is(of('none', {})['JAVA_TOOL_OPTIONS'], '-Xmx2g');
  const own = of('open', { JAVA_HOME: '/workspace/jdk', JAVA_TOOL_OPTIONS: '-Xmx1g' });
  t.is(own['JAVA_HOME'], '/workspace/jdk');
  t.regex(own['JAVA_TOOL_OPTIONS'] ?? '', /^-Dhttps(?!.*2g).* -Xmx1g$/);
});

test('what is installed for all projects goes to HOME, where it is found, and temporary files to the given folder', (t) => {
  const env = envOf({ egress: 'none', env: {} });
  t.like(env, { TMPDIR: '/tmp', GEM_HOME: '/home/.gem' });
  // The folders of programs that npm, pip, Cargo, Go, gem and pnpm use below these and HOME.
  const dirs = ['/home/.local/bin', '/home/.cargo/bin', '/home/go/bin', '/home/.gem/bin', env['PNPM_HOME'], '/bin'];
  t.deepEqual(env['PATH']?.split(':'), dirs);
});

test('npm installs to HOME without a variable that nvm refuses to work beside', async (t) => {
  const home = await temporaryFolder(t);
  await writeGlobalPrefix(home);
  const assignment = new MockCoordinator().addTask({ egress: 'none' }).assignment();
  const env = commandEnv(assignment, { ...OPTIONS, inherited: { PATH: process.env.PATH ?? '' }, home });
  const { stdout } = await promisify(execFile)('npm', ['config', 'get', 'prefix'], { env, cwd: home });
  t.is(stdout.trim(), join(home, '.local'));
  // What nvm looks at.
  t.deepEqual(
    Object.keys(env).filter((name) => /^(?:npm_config_)?prefix$/i.test(name)),
    [],
  );
  await t.throwsAsync(readFile(join(home, '.npmrc')), { code: 'ENOENT' });
});

test('settings of a prefix that the agent has made stay', async (t) => {
  const home = await temporaryFolder(t);
  await writeFile(join(home, '.yarnrc'), 'registry "https://registry.test"\n');
  await writeFile(join(home, '.local'), '');
  await writeGlobalPrefix(home);
  t.is(await readFile(join(home, '.yarnrc'), 'utf8'), 'registry "https://registry.test"\n');
});
