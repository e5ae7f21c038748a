import type { TokenScope } from '../../protocol/tokens.ts';

/**
 * Who a request comes from. `session` is the log-in of its token, or the API token; when that ends, its sockets are
 * closed. `scopes`: what an API token may do. Absent: a person who has logged in may do everything.
 */
export type Identity = { user_id: string; session: string; expires_at_ms: number; scopes?: readonly TokenScope[] };

/** Where a request comes from: the client's IP address, and what the client calls itself. */
export type Client = { address: string; user_agent: string | null };
