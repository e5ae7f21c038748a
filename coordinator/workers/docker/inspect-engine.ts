import { CONTRACT_LABEL, CONTRACT_VERSION_UNNAMED } from '../../../protocol/worker.ts';
import { ifThere, openEngine } from './engine.ts';

/**
 * `version` of the engine. `contract_version`: the version of the worker contract that the image states; undefined
 * where there is no such image.
 */
export type EngineReport = { version: string; contract_version: number | undefined };

/** Asks an engine about itself and an image. Rejects where it does not answer in time. */
export async function inspectEngine(docker_host: string | undefined, image: string): Promise<EngineReport> {
  const engine = openEngine(docker_host);
  try {
    const { Version: version } = await engine.looks.version();
    const found = await ifThere(engine.looks.getImage(image).inspect());
    const label = found?.Config.Labels?.[CONTRACT_LABEL];
    return { version, contract_version: found && (label === undefined ? CONTRACT_VERSION_UNNAMED : Number(label)) };
  } finally {
    engine.close();
  }
}
