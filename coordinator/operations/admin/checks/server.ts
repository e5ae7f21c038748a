import { existsSync } from 'node:fs';
import { Problem } from '../../../../protocol/problem-document.ts';
import { Health, Readiness } from '../../../../protocol/server-info.ts';
import { isLoopback, type Config } from '../../../base/config.ts';
import { withLocalTimes } from '../../../cli/render/format.ts';
import { ask, noAnswerReason } from './ask.ts';
import { ok, problem, type Finding } from './finding.ts';
import { isInUse } from './storage.ts';
import { errorCode } from '../../../base/error-code.ts';

/** Checks whether the server runs and is ready, and who can reach its port. */
export async function checkServer(config: Config): Promise<Finding[]> {
  return [await checkRunning(config), reachFinding(config, existsSync('/.dockerenv'))];
}

async function checkRunning({ host, port, data_dir }: Config): Promise<Finding> {
  // A server on all interfaces also listens on loopback.
  const to = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const url = `http://${to.includes(':') ? `[${to}]` : to}:${port}`;
  try {
    const health = Health.safeParse(await (await ask(`${url}/healthz`)).json().catch(() => undefined));
    if (!health.success) return problem('server', `Another program has ${url}. Stop it, or set PORT to another port.`);
    if (!isInUse(data_dir))
      return problem(
        'server',
        `Another Errand has ${url}: none is running on ${data_dir}. Run the doctor with its ERRAND_DATA, or set PORT to another port.`,
      );
    const readiness: unknown = await (await ask(`${url}/readyz`)).json();
    if (Readiness.safeParse(readiness).success) return ok('server', `runs at ${url}, and is ready`);
    const { errors = [] } = Problem.parse(readiness);
    const faults = errors.map(({ field, message }) => `${field.replace('/checks/', '')} ${withLocalTimes(message)}`);
    return problem('server', `runs at ${url}, and is not ready: ${faults.join('; ')}`);
  } catch (error) {
    if (isRefused(error)) return notRunningFinding(url, data_dir);
    return problem('server', `${url} does not answer: ${noAnswerReason(error)}. Is it Errand? Its log says more.`);
  }
}

function notRunningFinding(url: string, data_dir: string): Finding {
  if (!isInUse(data_dir)) return ok('server', `not running: nothing listens at ${url}`);
  return problem(
    'server',
    `Nothing listens at ${url}, but an Errand is running on ${data_dir}. It is starting or stopping, or it has another HOST or PORT: run the doctor with the same settings.`,
  );
}

function isRefused(error: unknown): boolean {
  return errorCode(error) === 'ECONNREFUSED';
}

/** Who can reach the port. In a container the published address decides that, not HOST. */
export function reachFinding(
  { host, trust_proxy, public_url }: Pick<Config, 'host' | 'trust_proxy' | 'public_url'>,
  in_container: boolean,
): Finding {
  // The server itself speaks no TLS: with https a proxy is in front of it.
  if (!trust_proxy && public_url?.startsWith('https:') === true)
    return problem(
      'network',
      `A proxy serves ${public_url}, and ERRAND_TRUST_PROXY is not set: all people count as one address, so the wrong guesses of a stranger slow down everybody's log-in. If the proxy sets X-Forwarded-For itself, as Caddy and nginx do, set ERRAND_TRUST_PROXY=true, and let only the proxy reach this port.`,
    );
  if (isLoopback(host))
    return ok(
      'network',
      trust_proxy
        ? 'reached from this machine alone, by a proxy (ERRAND_TRUST_PROXY=true), which has to speak TLS and pass WebSockets on'
        : 'reached from this machine alone. For a phone, put a proxy with TLS before it and set ERRAND_TRUST_PROXY=true',
    );
  if (in_container) return ok('network', 'in a container: the address that it publishes decides who reaches it');
  if (trust_proxy)
    return ok('network', `HOST=${host}: only the proxy may reach this port, or others can forge their addresses`);
  return problem(
    'network',
    `HOST=${host} lets others in by plain HTTP: passwords can be read on the way. Set HOST=127.0.0.1, and put a proxy with TLS before it.`,
  );
}
