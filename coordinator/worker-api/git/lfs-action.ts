import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { LfsObject } from '../../../protocol/lfs.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import { seal, unseal } from '../../base/seal.ts';

/** A request that a forge wants for an object. `with_credential`: the repository's credential goes with it. */
export const LfsRequest = z.object({
  href: z.string(),
  header: z.record(z.string(), z.string()),
  with_credential: z.boolean(),
});
export type LfsRequest = z.infer<typeof LfsRequest>;

/** How one object is moved. `verify`: what the forge wants to be told after an upload. */
const LfsAction = LfsObject.extend({
  kind: z.enum(['download', 'upload']),
  transfer: LfsRequest,
  verify: LfsRequest.optional(),
});
export type LfsAction = z.infer<typeof LfsAction>;

/** Longer ones would not fit into the head of a request. */
const SEALED_CHARS_MAX = 8192;

/**
 * Seals transfers, so that a worker can name one and neither reads nor makes one: the forge's signed addresses and
 * tokens stay in this process, and so does the key. `context`: whose transfer it is.
 */
export class LfsSeal {
  readonly #keys = { seal: new Uint8Array(randomBytes(32)) };

  /** Null: the forge's addresses and headers are too long. */
  seal(action: LfsAction, context: string): string | null {
    const sealed = seal(this.#keys, JSON.stringify(action), context);
    return sealed.length > SEALED_CHARS_MAX ? null : sealed;
  }

  /** Throws `conflict` for what another process sealed, or for somebody else, or for another kind of transfer. */
  open(sealed: string, context: string, kind: LfsAction['kind']): LfsAction {
    try {
      const action = LfsAction.parse(JSON.parse(unseal(this.#keys, sealed, context)));
      if (action.kind === kind) return action;
    } catch {
      // Refused below.
    }
    throw new ErrandError('conflict', 'This transfer is not known, or not any more: send a new batch request.');
  }
}
