import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext, type Implementation } from 'ava';
import { randomCharacters } from '../../protocol/ids.ts';
import { temporaryFolder } from './folder.ts';

/* Tests with real containers. Without a Docker engine they are skipped with the reason; in CI they fail instead. */

const run = promisify(execFile);
/** The base of test images. It only needs Node. */
export const BASE_IMAGE = process.env.ERRAND_TEST_BASE_IMAGE ?? 'errand-base:bookworm';
/** The label of everything that tests create. */
const TEST_LABEL = 'errand.test';

export const docker = async (...args: string[]): Promise<string> => (await run('docker', args)).stdout.trim();

/** Why tests with an image cannot run here; undefined: they can. */
export const whyNot = (image: string): Promise<string | undefined> =>
  docker('image', 'inspect', image).then(
    () => undefined,
    (error: unknown) =>
      error instanceof Error && /no such image/i.test(error.message)
        ? `there is no image ${image}`
        : 'no Docker engine answers',
  );
const missing = await whyNot(BASE_IMAGE);

/**
 * A test that needs Docker; skipped if there is a reason `why_not`. Serial, so that tests do not load the engine at
 * once.
 */
export function dockerTest(title: string, body: Implementation<[]>, why_not = missing): void {
  if (why_not === undefined || process.env.CI === 'true') test.serial(title, body);
  else test.skip(`${title} (skipped: ${why_not})`, body);
}

/** Builds an image of a one-file worker with these environment variables. It is removed when the test ends. */
export async function buildWorkerImage(
  t: ExecutionContext,
  worker: string,
  env: Record<string, string> = {},
): Promise<string> {
  const folder = await temporaryFolder(t);
  await copyFile(worker, join(folder, 'worker.ts'));
  const variables = Object.entries(env).map(([key, value]) => `ENV ${key}=${value}`);
  return buildImage(t, folder, [...variables, 'COPY worker.ts /worker.ts', 'CMD ["node", "/worker.ts"]']);
}

/**
 * Builds an image from the files of a folder with these lines of a Dockerfile. It is removed when the test ends.
 */
export function buildImage(t: ExecutionContext, folder: string, dockerfile: string[]): Promise<string> {
  return build(t, folder, [`FROM ${BASE_IMAGE}`, `LABEL ${TEST_LABEL}=1`, ...dockerfile]);
}

/** Builds an image from another one with these lines of a Dockerfile. It is removed when the test ends. */
export async function buildImageFrom(t: ExecutionContext, image: string, dockerfile: string[]): Promise<string> {
  return build(t, await temporaryFolder(t), [`FROM ${image}`, ...dockerfile]);
}

async function build(t: ExecutionContext, folder: string, lines: string[]): Promise<string> {
  const name = `errand-test-${randomCharacters(10)}`;
  // Without the cache: removing one image could remove a shared layer while another is being built.
  const building = run('docker', ['build', '--quiet', '--no-cache', '--tag', name, '--file', '-', folder], {
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  building.child.stdin?.end(lines.join('\n'));
  await building;
  t.teardown(() => docker('image', 'rm', '--force', name));
  return name;
}
