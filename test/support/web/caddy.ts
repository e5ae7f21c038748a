import { execFile, spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { ExecutionContext } from 'ava';
import { temporaryFolder } from '../folder.ts';
import { freePort } from '../free-port.ts';
import { until } from '../until.ts';

const CADDYFILE = fileURLToPath(new URL('../../../coordinator/Caddyfile', import.meta.url));
const execute = promisify(execFile);

/** A name that only this browser resolves. It is not localhost, which browsers trust without TLS. */
export const TLS_HOST = 'errand.test';

export type Caddy = {
  /** `https://errand.test:<port>`. */
  url: string;
  /** A home folder whose browsers trust Caddy's own authority. */
  home: string;
  /** The authority's certificate, in PEM. */
  ca: string;
  /** Starts it in front of a server on this machine, such as `127.0.0.1:8787`, until the test ends. */
  start: (upstream: string) => Promise<void>;
};

/**
 * Caddy with an authority of its own in place of Let's Encrypt. It runs `coordinator/Caddyfile`; with `below` it serves
 * the server below that path, such as `/errand`, which it takes off.
 */
export async function prepareCaddy(t: ExecutionContext, below?: string): Promise<Caddy> {
  const folder = await temporaryFolder(t);
  const [port, http_port] = [await freePort(), await freePort()];
  const home = join(folder, 'home');
  const root = join(folder, 'pki/authorities/local/root.crt');
  const options = `{
	admin off
	local_certs
	skip_install_trust
	http_port ${http_port}
	https_port ${port}
	storage file_system ${folder}
}
`;
  const site =
    below === undefined
      ? `import ${CADDYFILE}\n`
      : `{$ERRAND_DOMAIN} {\n\thandle_path ${below}/* {\n\t\treverse_proxy {$ERRAND_UPSTREAM}\n\t}\n}\n`;
  await writeFile(join(folder, 'Caddyfile'), options + site);
  const caddy: Caddy = {
    url: `https://${TLS_HOST}:${port}${below ?? ''}`,
    home,
    ca: '',
    start: async (upstream) => {
      const { PATH = '' } = process.env;
      const child = spawn('caddy', ['run', '--config', join(folder, 'Caddyfile'), '--adapter', 'caddyfile'], {
        env: { PATH, HOME: folder, ERRAND_DOMAIN: TLS_HOST, ERRAND_UPSTREAM: upstream },
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let log = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => (log += text));
      t.teardown(() => child.kill('SIGKILL'));
      await until('Caddy serves', () => log.includes('certificate obtained successfully') || child.exitCode !== null);
      if (child.exitCode !== null) throw new Error(`Caddy has ended: ${log}`);
      caddy.ca = await readFile(root, 'utf8');
      await trust(home, root);
    },
  };
  return caddy;
}

/** Makes the browsers of a home folder trust an authority, as its owner would. */
async function trust(home: string, root: string): Promise<void> {
  const database = join(home, '.pki/nssdb');
  await mkdir(database, { recursive: true });
  await execute('certutil', ['-d', `sql:${database}`, '-N', '--empty-password']);
  await execute('certutil', ['-d', `sql:${database}`, '-A', '-t', 'C,,', '-n', 'caddy', '-i', root]);
}
