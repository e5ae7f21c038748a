/** The part of a browser's WebSocket that the client uses. */
export type Socket = {
  readonly readyState: number;
  send: (text: string) => void;
  close: () => void;
  addEventListener: {
    (type: 'open' | 'error', listener: () => void): void;
    (type: 'message', listener: (event: { data: unknown }) => void): void;
    (type: 'close', listener: (event: { code: number }) => void): void;
  };
};

/** The `readyState` of a socket that is open. */
export const OPEN = 1;

/** A handshake that was answered with a redirect. */
export type Redirection = { status: number; location: string | undefined };

/** Opens a WebSocket. `onRedirect` is called in place of an error, where the platform shows redirects. */
export type OpenSocket = (
  url: string,
  protocols: readonly string[],
  onRedirect: (redirection: Redirection) => void,
) => Socket;

/** Opens a WebSocket of the platform, which hides redirects. */
export const openWebSocket: OpenSocket = (url, protocols) => new WebSocket(url, [...protocols]);
