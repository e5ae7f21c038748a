/**
 * Options of a server that a test runs in its own process. By default Node closes an idle connection after five
 * seconds. On a loaded machine this process may stand still for longer than the client's margin, so that the client
 * takes a connection up again while it is closed, and its request is lost.
 */
export const PATIENT = { keepAliveTimeout: 120_000 };
