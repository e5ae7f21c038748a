/** The workers' heartbeat and lease in a chaos run: a lease expires in seconds. */
export const PACE = { heartbeat_ms: 700, lease_ms: 6_000 };
