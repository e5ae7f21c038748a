import { z } from 'zod';
import type { Session } from '../../protocol/accounts.ts';

/** A log-in as it is kept between two runs. */
export const Stored = z.object({
  server: z.url(),
  user_id: z.string(),
  email: z.string(),
  access_token: z.string(),
  refresh_token: z.string(),
  /** When the access token ends, in milliseconds since 1970. */
  expires_at_ms: z.number(),
});
export type Stored = z.infer<typeof Stored>;

/** The log-in that a server has just answered with. */
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

/** Where a log-in is kept. Several processes may share one. */
export type SessionStore = {
  /** The log-in; undefined where there is none. */
  read: () => Promise<Stored | undefined>;
  write: (stored: Stored) => Promise<void>;
  /** Runs `act` while no other process is in here. */
  locked: <T>(act: () => Promise<T>) => Promise<T>;
};
