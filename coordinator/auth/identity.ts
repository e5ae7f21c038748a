/** Who a person's request comes from. `session` is the log-in it descends from; ending it ends the sockets. */
export type Identity = { user_id: string; session: string; expires_at_ms: number };
