import type { Config } from '../base/config.ts';
import type { Logger } from '../base/logger.ts';
import { DockerLauncher } from '../workers/docker/launcher.ts';

/** The settings of a trial, and what the person should know of them. */
export type Trial = { config: Config; notes: string[] };

/**
 * A server for a trial: on loopback, on ports that are free, with all of its data in `data_dir`. Workers are containers where Docker and the image are
 * there, or processes where ERRAND_RUNNER says so. Otherwise they are processes too, and then only the demo model answers: what it does is known.
 */
export async function trialConfig(settings: Config, data_dir: string, logger: Logger): Promise<Trial> {
  const config: Config = {
    ...settings,
    host: '127.0.0.1',
    port: 0,
    callback_host: '127.0.0.1',
    callback_port: 0,
    data_dir,
    warm_workers: 0,
    signup: 'closed',
    trust_proxy: false,
    metrics_token: undefined,
    backup: undefined,
  };
  if (settings.runner === 'process') return { config, notes: [] };
  const fault = await findFault(config, logger);
  if (fault === null) return { config: { ...config, runner: 'docker' }, notes: [] };
  const notes = [`No containers: ${fault}`];
  if (config.anthropic_api_key !== undefined)
    notes.push(
      'Your API key is not used in this trial: without containers a model would have all the rights of this user.',
    );
  return { config: { ...config, runner: 'process', anthropic_api_key: undefined }, notes };
}

async function findFault(
  { docker_host, worker_image: image, data_dir }: Config,
  logger: Logger,
): Promise<string | null> {
  const docker = new DockerLauncher({ docker_host, image, instance: 'trial', data_dir, logger });
  try {
    return await docker.check();
  } finally {
    await docker.close();
  }
}
