import { unlessMissing, openEngine } from './engine.ts';
import { contractVersionOf } from './image-contract.ts';

/**
 * `version`: that of the engine. `contract_version`: the version of the worker contract in the image's label; undefined
 * if there is no such image.
 */
export type EngineReport = { version: string; contract_version: number | undefined };

/** Reads the versions of the engine and of an image. Rejects if the engine does not respond in time. */
export async function inspectEngine(docker_host: string | undefined, image: string): Promise<EngineReport> {
  const engine = openEngine(docker_host);
  try {
    const { Version: version } = await engine.checks.version();
    const found = await unlessMissing(engine.checks.inspectImage(image));
    return { version, contract_version: found && contractVersionOf(found) };
  } finally {
    engine.close();
  }
}
