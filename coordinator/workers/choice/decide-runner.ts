import { isLoopback, type Config } from '../../base/config.ts';
import type { Availability } from '../docker/availability.ts';

/** What the choice of the runner rests on, where processes were not asked for by name. */
export type Situation = {
  /** ERRAND_RUNNER; undefined: it is not set. */
  wanted: 'docker' | undefined;
  docker: Availability['kind'];
  /** What makes this server more than a trial: see `readExposures`. */
  exposures: string[];
};

/**
 * Whether workers are containers or processes, or the server does not start. Processes have no isolation, so nothing but a machine without
 * Docker leads to them unasked, and only for a trial. Docker that is broken, or lacks the image, never does.
 */
export function decideRunner({ wanted, docker, exposures }: Situation): 'docker' | 'process' | 'refuse' {
  // Asked for by name: what is missing now may come, and tasks wait for it.
  if (docker === 'ready' || wanted === 'docker') return 'docker';
  return docker === 'absent' && exposures.length === 0 ? 'process' : 'refuse';
}

/** Why a worker without isolation would be more than a trial's risk, in words: a key can be spent, or others can send errands. Empty: a trial. */
export function readExposures(config: Pick<Config, 'anthropic_api_key' | 'host' | 'trust_proxy'>): string[] {
  const exposures: string[] = [];
  if (config.anthropic_api_key !== undefined) exposures.push('an API key is set');
  if (!isLoopback(config.host)) exposures.push(`HOST=${config.host} lets others in`);
  if (config.trust_proxy) exposures.push('ERRAND_TRUST_PROXY=true means that a proxy lets others in');
  return exposures;
}
