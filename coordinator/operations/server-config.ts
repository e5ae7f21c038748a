import { readFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { ErrandError } from '../../protocol/problem.ts';
import { readConfig, unknownNames, type Config, type GivenSettings } from '../base/config.ts';
import { Settings } from '../base/settings.ts';
import { addressOf } from '../workers/docker/engine.ts';
import { dataPathFault } from '../workers/local/worker-directories.ts';
import { priceFaults } from './price-table.ts';

/** Reads the settings of a server. Throws one `ConfigError` that names every fault, also those that its parts find. */
export function readServerConfig(env?: NodeJS.ProcessEnv): Config {
  return readConfig(env, (given) => [
    ...fileFaults(given),
    ...priceFaults(given),
    ...pathFaults(given),
    ...engineFaults(given),
  ]);
}

/** Compose passes on the settings that it knows: a misspelt name is in its file alone. A file may be missing. */
function fileFaults({ ERRAND_ENV_FILE: path }: GivenSettings): string[] {
  if (path === undefined) return [];
  return unknownNames(namesIn(path)).map((name) => `${name} in the file ${basename(path)} is not a setting of Errand`);
}

function namesIn(path: string): string[] {
  try {
    return Object.keys(parseEnv(readFileSync(path, 'utf8')));
  } catch {
    return [];
  }
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
