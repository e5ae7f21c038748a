import { execFile } from 'node:child_process';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import test, { type ExecutionContext, type Implementation } from 'ava';
import { temporaryFolder } from './folder.ts';

/*
 * Tests with real containers. Where no Docker engine answers they are skipped, and say why; in CI they are not: there they fail.
 */

const run = promisify(execFile);
/** The base that test images are built on: it needs Node alone. */
export const BASE_IMAGE = process.env.ERRAND_TEST_BASE_IMAGE ?? 'errand-base:bookworm';
/** The label of all that tests make. */
const TEST_LABEL = 'errand.test';

export const docker = async (...args: string[]): Promise<string> => (await run('docker', args)).stdout.trim();

/** Why tests with an image cannot be run here; undefined where they can. */
export const whyNot = (image: string): Promise<string | undefined> =>
  docker('image', 'inspect', image).then(
    () => undefined,
    (error: unknown) =>
      error instanceof Error && /no such image/i.test(error.message)
        ? `there is no image ${image}`
        : 'no Docker engine answers',
  );
const missing = await whyNot(BASE_IMAGE);

/** A test that needs Docker, and is skipped where there is a reason `why_not`. One at a time in a file: what they measure is not how well the engine copes with all of them at once. */
export function dockerTest(title: string, body: Implementation<[]>, why_not = missing): void {
  if (why_not === undefined || process.env.CI === 'true') test.serial(title, body);
  else test.skip(`${title} (skipped: ${why_not})`, body);
}

/** Builds an image of a one-file worker on the base, with these variables in its environment. It goes with the test. */
export async function buildWorkerImage(
  t: ExecutionContext,
  worker: string,
  env: Record<string, string> = {},
): Promise<string> {
  const folder = await temporaryFolder(t);
  const name = `errand-test-${folder.slice(-6).toLowerCase()}`;
  await copyFile(worker, join(folder, 'worker.ts'));
  const lines = [
    `FROM ${BASE_IMAGE}`,
    `LABEL ${TEST_LABEL}=1`,
    ...Object.entries(env).map(([key, value]) => `ENV ${key}=${value}`),
    'COPY worker.ts /worker.ts',
    'CMD ["node", "/worker.ts"]',
  ];
  // Without the cache: a layer that two images share could go with one of them while the other is being built.
  const building = run('docker', ['build', '--quiet', '--no-cache', '--tag', name, '--file', '-', folder], {
    env: { ...process.env, DOCKER_BUILDKIT: '0' },
  });
  building.child.stdin?.end(lines.join('\n'));
  await building;
  t.teardown(() => docker('image', 'rm', '--force', name));
  return name;
}
