import { verify } from '@octokit/webhooks-methods';
import { LIMITS } from '../../protocol/limits.ts';
import { shapeFault, shapeOf } from '../base/json-shape.ts';
import type { Delivery } from './forge.ts';
import { ForgeApiError } from './forge-api-error.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const SHAPE = { ...shapeOf(LIMITS.forge_answer_nodes_max), keys_max: 1_000 };

/**
 * The JSON of a webhook, once its signature is verified: HMAC-SHA256 over its bytes, as GitHub and Gitea send it in
 * `x-hub-signature-256`. Throws `invalid_signature`, and `invalid` for what is signed and no JSON.
 */
export async function signedJson({ headers, body }: Delivery, secret: string): Promise<unknown> {
  const signature = headers['x-hub-signature-256'];
  const text = textOf(body);
  if (secret === '' || text === undefined || signature === undefined || !/^sha256=[0-9a-f]{64}$/.test(signature))
    throw unsigned();
  if (!(await verify(secret, text, signature))) throw unsigned();
  const fault = shapeFault(Buffer.from(body), SHAPE);
  if (fault !== undefined) throw new ForgeApiError('invalid', `The webhook's body ${fault}.`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ForgeApiError('invalid', "The webhook's body is not JSON.", { cause });
  }
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return UTF8.decode(body);
  } catch {
    return undefined;
  }
}

const unsigned = (): ForgeApiError => new ForgeApiError('invalid_signature', 'The webhook has no valid signature.');
