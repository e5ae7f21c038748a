import { isLoopback, type Config } from '../../base/config.ts';
import type { Availability } from '../docker/availability.ts';

/** What decides the runner, unless ERRAND_RUNNER asks for processes. */
export type Situation = {
  /** ERRAND_RUNNER; undefined if it is not set. */
  wanted: 'docker' | undefined;
  docker: Availability['kind'];
  /** What makes this server more than a trial: see `readExposures`. */
  exposures: string[];
};

/**
 * Decides whether workers are containers or processes, or whether the server refuses to start. Processes have no
 * isolation, so they are chosen without being asked for only on a machine without Docker, and only for a trial. They
 * never replace a broken Docker or a missing image.
 */
export function decideRunner({ wanted, docker, exposures }: Situation): 'docker' | 'process' | 'refuse' {
  // If Docker was asked for by name, tasks wait until it works.
  if (docker === 'ready' || wanted === 'docker') return 'docker';
  return docker === 'absent' && exposures.length === 0 ? 'process' : 'refuse';
}

/**
 * Why workers without isolation would be a risk here, for people: an API key can be spent, or others can send errands.
 * Empty for a trial.
 */
export function readExposures(
  config: Pick<Config, 'anthropic_api_key' | 'host' | 'trust_proxy' | 'worker_images'>,
): string[] {
  const exposures: string[] = [];
  if (config.anthropic_api_key !== undefined) exposures.push('an API key is set');
  if (!isLoopback(config.host)) exposures.push(`HOST=${config.host} lets others in`);
  if (config.trust_proxy) exposures.push('ERRAND_TRUST_PROXY=true means that a proxy lets others in');
  if (config.worker_images.size > 0) exposures.push('ERRAND_WORKER_IMAGES names images of containers');
  return exposures;
}
