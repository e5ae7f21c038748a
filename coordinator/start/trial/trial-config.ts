import { ErrandError } from '../../../protocol/problem.ts';
import type { Config } from '../../base/config.ts';
import type { Logger } from '../../base/logger.ts';
import { DockerLauncher } from '../../workers/docker/launcher.ts';

/** The settings of a trial. `notes`: what the user should know about them. */
export type Trial = { config: Config; notes: string[] };

/**
 * The settings of a server for a trial: on loopback, on free ports, with its data in `data_dir`. Workers are containers
 * if Docker and the image are there. Otherwise they are processes without isolation, and only the demo model answers,
 * whose commands are known; ERRAND_RUNNER=process allows Claude.
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
  return { config: { ...config, runner: 'process', anthropic_api_key: undefined, worker_images: new Map() }, notes };
}

/** Why there can be no containers; null: there can. */
async function findFault(config: Config, logger: Logger): Promise<string | null> {
  const { docker_host, worker_image: image, data_dir } = config;
  let docker: DockerLauncher | undefined;
  try {
    docker = new DockerLauncher({ docker_host, image, instance: 'trial', data_dir, logger });
    return await docker.check();
  } catch (error) {
    // Docker is not reached by an address of that form.
    if (error instanceof ErrandError) return error.message;
    throw error;
  } finally {
    await docker?.close();
  }
}
