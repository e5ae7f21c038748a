import type { FailureReason } from './task.ts';

type SaidReason = { reason: FailureReason | null; capped?: boolean | undefined };

/** Why it failed, as the API says it. See `Capped`. */
export function sayReason(reason: FailureReason | null): SaidReason {
  return reason === 'spending_cap' ? { reason: 'model_unavailable', capped: true } : { reason };
}

/** Why it failed, as the API has said it. */
export function saidReason({ reason, capped }: SaidReason): FailureReason | null {
  return capped === true ? 'spending_cap' : reason;
}
