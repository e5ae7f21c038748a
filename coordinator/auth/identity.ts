/** Who a request comes from. `session` is the log-in of its token; when that ends, its sockets are closed. */
export type Identity = { user_id: string; session: string; expires_at_ms: number };

/** Where a request comes from: the client's IP address, and what the client calls itself. */
export type Client = { address: string; user_agent: string | null };
