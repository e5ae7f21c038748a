import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { Health } from '../../../../protocol/server-info.ts';
import { SUBPROTOCOL } from '../../../../protocol/socket.ts';
import type { Config } from '../../../base/config.ts';
import { ask, noAnswerReason } from './ask.ts';
import { ok, problem, type Finding } from './finding.ts';

const CONNECT_MS = 5_000;

/** Checks the proxies of this machine's network, and git, which the sample repository is served with. */
export async function checkMachine({ proxy }: Pick<Config, 'proxy'>): Promise<Finding[]> {
  const { https_proxy, http_proxy } = proxy;
  return Promise.all([checkProxy({ HTTPS_PROXY: https_proxy, HTTP_PROXY: http_proxy }), checkGit()]);
}

/** Whether each proxy takes connections. Its address may have a password, so only its host is shown. */
async function checkProxy(proxies: Record<string, string>): Promise<Finding> {
  const set = Object.entries(proxies).filter(([, url]) => url !== '');
  if (set.length === 0) return ok('proxy', 'none: neither HTTPS_PROXY nor HTTP_PROXY is set');
  const faults = await Promise.all(
    set.map(async ([name, url]) => {
      const { host, hostname, port, protocol } = new URL(url);
      const fault = await connectFault(
        hostname.replace(/^\[|\]$/g, ''),
        Number(port) || (protocol === 'https:' ? 443 : 80),
      );
      return fault === undefined ? [] : [`${name} is ${host}, which does not answer: ${fault}.`];
    }),
  );
  const fault = faults.flat().join(' ');
  if (fault !== '') return problem('proxy', `${fault} Start that proxy, or correct the setting.`);
  return ok(
    'proxy',
    `${set.map(([name, url]) => `${name} is ${new URL(url).host}`).join(', ')}, which takes connections`,
  );
}

async function connectFault(host: string, port: number): Promise<string | undefined> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(CONNECT_MS) });
    return undefined;
  } catch (error) {
    return noAnswerReason(error);
  } finally {
    socket.destroy();
  }
}

async function checkGit(): Promise<Finding> {
  try {
    const { stdout } = await promisify(execFile)('git', ['--version']);
    return ok('git', stdout.trim());
  } catch {
    return problem('git', 'git cannot be run, and the sample repository needs it. Install it: sudo apt install git');
  }
}

/** Checks whether people reach the server at its public address, and whether what is before it passes WebSockets on. */
export async function checkPublicAddress({ public_url: url }: Pick<Config, 'public_url'>): Promise<Finding[]> {
  if (url === undefined)
    return [ok('tls', 'not checked: neither ERRAND_DOMAIN nor ERRAND_PUBLIC_URL says where people reach the server')];
  const fault = await publicFault(url);
  if (fault !== undefined) return [problem('tls', fault)];
  const words = `${url} answers, and passes WebSockets on`;
  return [ok('tls', url.startsWith('https:') ? words : `${words}. Without https:// phones install no app`)];
}

async function publicFault(url: string): Promise<string | undefined> {
  try {
    const answer = await ask(`${url}/healthz`);
    const health = Health.safeParse(await answer.json().catch(() => undefined));
    if (!health.success)
      return `${url} answers with ${answer.status}, and it is not Errand. Point the name and the proxy before it to this server, or correct ERRAND_PUBLIC_URL.`;
  } catch (error) {
    return `${url} is not reached from this machine: ${noAnswerReason(error)}. Point its name here, open its port, and start the proxy with its certificate.`;
  }
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws/doctor`, [SUBPROTOCOL], {
    handshakeTimeout: CONNECT_MS,
  });
  try {
    await once(socket, 'open');
    return undefined;
  } catch (error) {
    return `The proxy at ${url} passes no WebSockets on (${noAnswerReason(error)}). Let it pass on the headers Upgrade and Connection.`;
  } finally {
    socket.on('error', () => undefined).terminate();
  }
}
