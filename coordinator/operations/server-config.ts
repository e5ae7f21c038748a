import { resolve } from 'node:path';
import { ErrandError } from '../../protocol/problem.ts';
import { readConfig, type Config, type GivenSettings } from '../base/config.ts';
import { Settings } from '../base/settings.ts';
import { addressOf } from '../workers/docker/engine.ts';
import { dataPathFault } from '../workers/local/worker-directories.ts';
import { priceFaults } from './price-table.ts';

/** Reads the settings of a server. Throws one `ConfigError` that names every fault, also those that its parts find. */
export function readServerConfig(env?: NodeJS.ProcessEnv): Config {
  return readConfig(env, (given) => [...priceFaults(given), ...pathFaults(given), ...engineFaults(given)]);
}

function pathFaults(given: GivenSettings): string[] {
  const path = Settings.shape.ERRAND_DATA.safeParse(given['ERRAND_DATA']);
  const fault = path.success ? dataPathFault(resolve(path.data)) : null;
  return fault === null ? [] : [fault];
}

/** Processes need no engine: other programs may have set its address. */
function engineFaults({ DOCKER_HOST, ERRAND_RUNNER }: GivenSettings): string[] {
  if (ERRAND_RUNNER === 'process') return [];
  try {
    addressOf(DOCKER_HOST);
    return [];
  } catch (error) {
    if (error instanceof ErrandError) return [error.message];
    throw error;
  }
}
