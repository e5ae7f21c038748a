import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import Docker from 'dockerode';
import { z } from 'zod';
import { ErrandError } from '../../../protocol/problem.ts';
import { addressOf } from './engine.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const DOCKERFILE = 'agent-container/Dockerfile';
/** What the worker's Dockerfile reads. */
const CONTEXT = ['package.json', 'package-lock.json', 'protocol', 'agent-container', 'coordinator/package.json'];
const BUILD_MS = 15 * 60 * 1000;

const Progress = z.object({ stream: z.string().optional(), error: z.string().optional() });

/**
 * Builds the worker's image from this checkout. Rejects with `unavailable`, in words, where the build fails or takes longer than a quarter of an
 * hour, or where the sources are not here (a coordinator that runs from its own image).
 */
export async function buildWorkerImage(docker_host: string | undefined, image: string): Promise<void> {
  if (!existsSync(ROOT + DOCKERFILE))
    throw new ErrandError(
      'unavailable',
      `The image ${image} is missing, and its sources are not here: build it first.`,
    );
  const docker = new Docker({ ...addressOf(docker_host), timeout: BUILD_MS });
  const output = await docker.buildImage(
    { context: ROOT, src: CONTEXT },
    { t: image, dockerfile: DOCKERFILE, rm: true, forcerm: true },
  );
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    docker.modem.followProgress(
      output,
      (error) => (error ? reject(error) : resolve()),
      (event: unknown) => {
        const { stream, error } = Progress.parse(event);
        lines.push(error ?? stream ?? '');
        if (lines.length > 40) lines.shift();
        if (error !== undefined) reject(new Error(error));
      },
    );
  }).catch((cause: unknown) => {
    const said = cause instanceof Error ? cause.message : 'unknown';
    throw new ErrandError('unavailable', `The image ${image} could not be built: ${said}`, {
      cause: new Error(lines.join(''), { cause }),
    });
  });
}
