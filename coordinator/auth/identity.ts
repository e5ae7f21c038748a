/** Who a request comes from. `session` is the log-in that its token descends from; when that ends, so do its sockets. */
export type Identity = { user_id: string; session: string; expires_at_ms: number };

/** Where a request comes from: the client's IP address, and what the client calls itself. */
export type Client = { address: string; user_agent: string | null };
