/** How often the workers of a chaos run call, and when they are lost: a lease is over in seconds. */
export const PACE = { heartbeat_ms: 700, lease_ms: 6_000 };
