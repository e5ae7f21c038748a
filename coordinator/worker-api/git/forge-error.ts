import { ErrandError, type ErrorCode } from '../../../protocol/problem.ts';

/**
 * Why a forge did not serve a request, and the code for the git of the worker. After `not_found` and `forbidden` it
 * does not retry.
 */
const CODE_OF_FAULT = {
  unknown_host: 'not_found',
  /** The name could not be resolved now. */
  unresolved: 'upstream_unreachable',
  private_address: 'forbidden',
  /** No connection, or no answer in time. */
  unreachable: 'upstream_unreachable',
  /** The certificate is not valid for the host, or there is no TLS at its port. */
  tls: 'forbidden',
  credential_missing: 'forbidden',
  credential_refused: 'forbidden',
  not_allowed: 'forbidden',
  no_repository: 'not_found',
  /** The repository has another address now. */
  moved: 'not_found',
  /** Something answers there, but not git. */
  not_git: 'not_found',
  too_large: 'too_large',
  rate_limited: 'rate_limited',
  /** The forge answered with a status that means a fault of its own. */
  failed: 'upstream_unreachable',
} as const satisfies Record<string, ErrorCode>;

export type ForgeFault = keyof typeof CODE_OF_FAULT;

/** After one of these nobody can tell what became of the request: it may have arrived. */
const MAY_HAVE_ARRIVED: ReadonlySet<ForgeFault> = new Set(['unreachable', 'not_git', 'failed']);

/** A request that a forge did not serve. Its message is for the person who gave the repository and its credential. */
export class ForgeError extends ErrandError {
  readonly fault: ForgeFault;

  constructor(fault: ForgeFault, message: string, extra: { cause?: unknown; retry_after_s?: number } = {}) {
    super(CODE_OF_FAULT[fault], message, extra);
    this.fault = fault;
  }

  /** Whether the forge has certainly not done what it was asked. */
  get is_refusal(): boolean {
    return !MAY_HAVE_ARRIVED.has(this.fault);
  }
}
