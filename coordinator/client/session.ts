import type { Session } from '../../protocol/accounts.ts';

/** A stored log-in. */
export type Stored = {
  server: string;
  user_id: string;
  email: string;
  access_token: string;
  refresh_token: string;
  /** When the access token expires, in milliseconds since 1970. */
  expires_at_ms: number;
};

/** Turns a server's answer into a log-in to store. */
export function toStored(server: string, session: Session): Stored {
  const { user, access_token, refresh_token, expires_in } = session;
  return {
    server,
    user_id: user.id,
    email: user.email,
    access_token,
    refresh_token,
    expires_at_ms: Date.now() + expires_in * 1000,
  };
}

/** Stores a log-in. Several processes may share one store. */
export type SessionStore = {
  /** Resolves with undefined if there is no log-in. */
  read: () => Promise<Stored | undefined>;
  /**
   * Stores tokens that were got for the refresh token `used`, unless the log-in was ended or replaced meanwhile.
   * Resolves with whether it did.
   */
  renew: (used: string, renewed: Stored) => Promise<boolean>;
  /** Runs `act` while no other process does. */
  locked: <T>(act: () => Promise<T>) => Promise<T>;
};
