/** The worker's log: a line of JSON each, for whoever runs the server. The person sees the events. */
export type Log = (level: 'info' | 'warn' | 'error', text: string, error?: unknown) => void;

/** Writes to stderr, causes and stacks included. */
export const logToStderr: Log = (level, text, error) => {
  const cause = error === undefined ? {} : { error: inFull(error) };
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), level, text, ...cause })}\n`);
};

function inFull(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const cause = error.cause === undefined ? '' : `\ncaused by ${inFull(error.cause)}`;
  return `${error.stack ?? error.message}${cause}`.slice(0, 8_000);
}
