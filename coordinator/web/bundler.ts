import type * as esbuild from 'esbuild';

/** The works that use the bundler's process. */
let working = 0;

/**
 * Runs `work` with the bundler of the app. Its process ends with the last work: otherwise a server that has built its
 * app would keep it for as long as it runs. Rejects with words for the owner where the bundler is not installed.
 */
export async function withBundler<T>(work: (bundle: typeof esbuild.build) => Promise<T>): Promise<T> {
  const { build, stop } = await import('esbuild').catch((cause: unknown) => {
    const words =
      'The app in the browser was not built, and its bundler is not installed: run npm ci, then npm run web.';
    throw new Error(words, { cause });
  });
  working++;
  try {
    return await work(build);
  } finally {
    working--;
    if (working === 0) await stop();
  }
}
