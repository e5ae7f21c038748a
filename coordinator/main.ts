import { ConfigError, readConfig } from './config.ts';
import { createLogger, type Logger } from './logger.ts';
import { start, type Errand } from './start.ts';
import { welcome } from './welcome.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** Ends the process with words for the server's owner; the log has the cause. */
function giveUp(error: unknown, logger?: Logger): never {
  if (!(error instanceof ConfigError)) logger?.fatal({ err: error }, 'the server cannot go on');
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

function stopOnSignals(errand: Errand, logger: Logger): void {
  let stopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    // A second signal does not wait.
    if (stopping) process.exit(1);
    stopping = true;
    logger.info({ signal }, 'stopping; workers with a task live on');
    errand.stop().then(
      () => process.exit(0),
      (error: unknown) => giveUp(error, logger),
    );
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
}

try {
  const config = readConfig();
  const logger = createLogger(config.log_level);
  // What is on disk is whole, and workers live on: whoever supervises this process starts it again.
  process.on('uncaughtException', (error) => giveUp(error, logger));
  const errand = await start(config, { logger, say }).catch((error: unknown) => giveUp(error, logger));
  for (const line of welcome(errand)) say(line);
  stopOnSignals(errand, logger);
} catch (error) {
  giveUp(error);
}
