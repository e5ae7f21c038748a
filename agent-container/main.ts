import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigError, readConfig } from './config.ts';
import { logToStderr } from './log.ts';
import { startWorker } from './worker.ts';

const { version } = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')));

try {
  const worker = await startWorker({
    config: readConfig(),
    agent: { agent: 'errand', version },
    loadWork: async () => (await import('./loop/run.ts')).work,
    log: logToStderr,
  });
  process.on('SIGTERM', () => worker.terminate());
  process.on('SIGINT', () => worker.terminate());
  process.exitCode = await worker.ended;
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
