/** There was no connection, so nothing was sent: the other side restarts, or cannot be reached. */
const DISCONNECTED_CODES = new Set(
  'ECONNREFUSED ENOENT EHOSTDOWN EHOSTUNREACH ENETUNREACH ENOTFOUND EAI_AGAIN UND_ERR_CONNECT_TIMEOUT'.split(' '),
);

/** Whether an error with this code means that there was no connection. */
export function isDisconnected(code: string | undefined): boolean {
  return code !== undefined && DISCONNECTED_CODES.has(code);
}

/** The code of a system error, such as `ENOENT`; undefined if the error has none. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
