import { ErrandError, type ErrorCode } from '../../../protocol/problem.ts';

/**
 * Why a forge did not serve a request, with the error code for the worker's git. No retry helps after `not_found` and
 * `forbidden`.
 */
const CODE_OF_FAULT = {
  unknown_host: 'not_found',
  /** The name server did not answer. */
  unresolved: 'upstream_unreachable',
  private_address: 'forbidden',
  /** There was no connection, or no response in time. */
  unreachable: 'upstream_unreachable',
  /** The certificate is not valid for the host, or the port does not speak TLS. */
  tls: 'forbidden',
  credential_missing: 'forbidden',
  credential_refused: 'forbidden',
  not_allowed: 'forbidden',
  no_repository: 'not_found',
  /** The repository has another address now. */
  moved: 'not_found',
  /** A server answered, but not a git server. */
  not_git: 'not_found',
  too_large: 'too_large',
  rate_limited: 'rate_limited',
  /** The forge responded with an error of its own. */
  failed: 'upstream_unreachable',
} as const satisfies Record<string, ErrorCode>;

export type ForgeFault = keyof typeof CODE_OF_FAULT;

/**
 * A request that a forge did not serve. The message is for the person who configured the repository and its
 * credential.
 */
export class ForgeError extends ErrandError {
  readonly fault: ForgeFault;

  constructor(fault: ForgeFault, message: string, extra: { cause?: unknown; retry_after_s?: number } = {}) {
    super(CODE_OF_FAULT[fault], message, extra);
    this.fault = fault;
  }
}
