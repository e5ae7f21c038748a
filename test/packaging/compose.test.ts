import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { get } from 'node:https';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { SETTING_NAMES } from '../../coordinator/base/settings.ts';
import { CommandLine } from '../support/command-line.ts';
import { compose, whyNoCompose } from '../support/compose.ts';
import { docker, dockerTest, whyNot } from '../support/docker.ts';
import { temporaryFolder } from '../support/folder.ts';
import { freePort } from '../support/free-port.ts';
import { until } from '../support/until.ts';

const CADDYFILE = fileURLToPath(new URL('../../coordinator/Caddyfile', import.meta.url));
const why_not = whyNoCompose ?? (await whyNot('errand-agent')) ?? (await whyNot('errand-coordinator'));

/** A test that needs Compose, and no Docker engine. */
const composeTest: typeof dockerTest = (title, body) =>
  whyNoCompose === undefined || process.env.CI === 'true'
    ? test(title, body)
    : test.skip(`${title} (skipped: ${whyNoCompose})`, body);

composeTest('compose.yaml is accepted, and publishes the server to this machine alone', async (t) => {
  const config = await compose(['config']);
  t.regex(config, /127\.0\.0\.1:8787:8787|host_ip: 127\.0\.0\.1/);
  t.regex(config, /\/var\/run\/docker\.sock/);
  t.regex(config, /readyz/);
});

composeTest('compose.yaml passes the settings on, and only those that are set', async (t) => {
  const config = await compose(['config'], { ERRAND_WORKERS: '7', ANTHROPIC_API_KEY: 'sk-test', PORT: '9000' });
  t.regex(config, /ERRAND_WORKERS: '?7'?/);
  t.regex(config, /ANTHROPIC_API_KEY: sk-test/);
  t.regex(config, /127\.0\.0\.1:9000:9000|published: '?"?9000/);
  t.regex(config, /ERRAND_MODEL: null|^(?![\s\S]*ERRAND_MODEL)/);
});

composeTest('compose.yaml sets or passes on every setting and what Node itself reads, and nothing else', async (t) => {
  const every = Object.fromEntries(SETTING_NAMES.map((name) => [name, '1']));
  const config = await compose(['config'], every);
  const [, coordinator = ''] = /^ {2}coordinator:\n((?: {4}.*\n)*)/m.exec(config) ?? [];
  const names = [...coordinator.matchAll(/^ {6}([A-Z][A-Z0-9_]+):/gm)].map(([, name = '']) => name);
  t.deepEqual(names.toSorted(), [...SETTING_NAMES, 'NODE_EXTRA_CA_CERTS'].toSorted());
});

composeTest('compose.yaml shows the server the names in .env, and lets it change nothing beside it', async (t) => {
  const config = await compose(['config']);
  t.regex(config, /ERRAND_ENV_FILE: \/compose\/\.env/);
  t.regex(config, /:\/compose:ro|target: \/compose\n\s+read_only: true/);
});

composeTest('compose.yaml keeps backups outside the container, in a volume or a folder of the machine', async (t) => {
  t.regex(await compose(['config']), /errand-backups:\/backups|source: errand-backups\n\s+target: \/backups/);
  const config = await compose(['config'], { BACKUP_FOLDER: '/mnt/backup' });
  t.regex(config, /\/mnt\/backup:\/backups|source: \/mnt\/backup\n\s+target: \/backups/);
});

dockerTest(
  'an errand succeeds with the coordinator in its container, and no worker outlives its stop',
  async (t) => {
    t.timeout(180_000);
    const project = `errand-test-${process.pid}`;
    const port = String(await freePort());
    const up = (...argv: string[]) =>
      compose(['--project-name', project, ...argv], { PORT: port, CADDY_IMAGE: 'errand-coordinator' });
    t.teardown(async () => {
      await up('down', '--volumes', '--timeout', '5');
      for (const id of await workersOf(project)) await docker('rm', '--force', '--volumes', id);
    });
    await up('up', '--detach', '--no-build');
    const coordinator = await up('ps', '--quiet', 'coordinator');
    const url = await until(
      'the address is printed',
      async () => printedUrl(await docker('logs', coordinator)),
      60_000,
    );
    t.is(url, `http://localhost:${port}`);
    await until('the coordinator is ready', () => isReady(url), 60_000);

    const cli = await CommandLine.create(t);
    const link = /errand signup (\S+)/.exec(await docker('logs', coordinator))?.[1] ?? '';
    const signup = ['signup', link, '--email', 'ada@example.org'];
    t.is((await cli.run(signup, { env: { ERRAND_PASSWORD: 'correct horse battery' } })).code, 0);
    const sent = await cli.run(['task', 'Make the tests pass', '--repo', 'errand://sample', '--follow']);
    t.is(sent.code, 0, `${sent.stdout}${sent.stderr}\n${await docker('logs', coordinator)}`);
    const branch = /(errand\/[0-9a-z]+-make-the-tests-pass) \(/.exec(sent.stdout)?.[1] ?? '';
    t.not(branch, '', sent.stdout);
    const list = `git -C /data/samples/*.git branch --list ${branch}`;
    const branches = await docker('exec', coordinator, 'sh', '-c', list);
    t.is(branches.trim(), branch);

    const tls = await up('ps', '--quiet', 'tls');
    t.regex(await docker('top', tls), /sleep infinity/, 'without a domain it serves nothing');

    await up('stop');
    t.is(await docker('inspect', coordinator, '--format', '{{.State.ExitCode}}'), '0');
    await until('no worker is left', async () => (await workersOf(project)).length === 0, 20_000);
  },
  why_not,
);

dockerTest(
  'with ERRAND_DOMAIN alone it serves https with a certificate of its own',
  async (t) => {
    t.timeout(180_000);
    const project = `errand-tls-${process.pid}`;
    const [port, https_port, http_port] = [await freePort(), await freePort(), await freePort()];
    const folder = await temporaryFolder(t);
    // Caddy of this machine, with an authority of its own in place of Let's Encrypt, on ports that are free.
    const options = `{\n\tadmin off\n\tlocal_certs\n\tskip_install_trust\n\thttp_port ${http_port}\n\thttps_port ${https_port}\n}\n`;
    await writeFile(join(folder, 'Caddyfile'), `${options}import /etc/caddy/errand\n`);
    const volumes = ['/usr/bin/caddy:/usr/bin/caddy:ro', `${join(folder, 'Caddyfile')}:/etc/caddy/Caddyfile:ro`];
    const more = { version: '3.9', services: { tls: { volumes: [...volumes, `${CADDYFILE}:/etc/caddy/errand:ro`] } } };
    await writeFile(join(folder, 'more.yaml'), JSON.stringify(more));
    const settings = { PORT: String(port), ERRAND_DOMAIN: 'errand.test', CADDY_IMAGE: 'errand-coordinator' };
    const up = (...argv: string[]) =>
      compose(['-f', 'compose.yaml', '-f', join(folder, 'more.yaml'), '--project-name', project, ...argv], settings);
    t.teardown(() => up('down', '--volumes', '--timeout', '5'));
    await up('up', '--detach', '--no-build');
    const coordinator = await up('ps', '--quiet', 'coordinator');
    const printed = await until('it is ready', async () => printedUrl(await docker('logs', coordinator)), 60_000);
    t.is(printed, 'https://errand.test');
    const tls = await up('ps', '--quiet', 'tls');
    const root = '/data/caddy/pki/authorities/local/root.crt';
    const ca = await until(
      'it has an authority',
      () => docker('exec', tls, 'cat', root).catch(() => undefined),
      60_000,
    );
    const place = { ca, servername: 'errand.test', host: '127.0.0.1', port: https_port, path: '/readyz' };
    const status = () =>
      new Promise<number | undefined>((resolve) => {
        get({ ...place, headers: { host: 'errand.test' } }, (answer) => resolve(answer.resume().statusCode)).on(
          'error',
          () => resolve(undefined),
        );
      });
    await until('it answers over TLS', async () => (await status()) === 200, 60_000);
    t.is((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  },
  why_not ?? (existsSync('/usr/bin/caddy') ? undefined : 'there is no Caddy'),
);

const printedUrl = (output: string): string | undefined => /Errand is ready: (\S+)/.exec(output)?.[1];

const isReady = (url: string): Promise<boolean> =>
  fetch(`${url}/readyz`).then(
    ({ ok }) => ok,
    () => false,
  );

/** The containers of the project's workers. Only their mounts show the project: they are on its volume. */
async function workersOf(project: string): Promise<string[]> {
  const ids = (await docker('ps', '--all', '--quiet', '--filter', 'label=errand.instance')).split('\n');
  const inspected = await Promise.all(
    ids.filter((id) => id !== '').map(async (id) => ({ id, text: await docker('inspect', id).catch(() => '') })),
  );
  return inspected.filter(({ text }) => text.includes(`/${project}_errand-data/`)).map(({ id }) => id);
}
