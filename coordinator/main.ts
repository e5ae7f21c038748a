import { ConfigError, readConfig } from './config.ts';
import { createLogger } from './logger.ts';
import { start } from './start.ts';
import { welcome } from './welcome.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

try {
  const config = readConfig();
  const logger = createLogger(config.log_level);
  const errand = await start(config, { logger, say });
  for (const line of welcome(errand)) say(line);
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    // A second signal does not wait.
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, 'stopping; workers with a task live on');
    errand.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        logger.error({ err: error }, 'the stop failed');
        process.exit(1);
      },
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
} catch (error) {
  if (error instanceof ConfigError) process.stderr.write(`${error.message}\n`);
  else createLogger('error').fatal({ err: error }, 'the server could not start');
  process.exitCode = 1;
}
