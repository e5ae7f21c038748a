import { createPrivateKey } from 'node:crypto';
import { SignJWT } from 'jose';
import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import type { Calls } from '../calls.ts';
import type { RepositoryName } from '../forge.ts';
import { ForgeApiError } from '../forge-api-error.ts';
import type { AppAtForge, InstallationToken } from '../forge-driver.ts';
import { apiRoot } from './api-root.ts';

const Installation = z.object({ id: z.number(), suspended_at: z.string().nullish() });
const Token = z.object({ token: z.string().min(1), expires_at: z.iso.datetime({ offset: true }) });

/** GitHub accepts ten minutes; its clock may differ from ours. */
const JWT_S = 480;
const CLOCK_S = 60;

/**
 * A token for one repository, of the app's installation there. Undefined: it is not installed, or suspended. Rejects
 * with `ForgeApiError` or `upstream_unreachable` if GitHub does not say so, or gives no token now.
 */
export async function installationToken(
  calls: Calls,
  app: AppAtForge,
  name: RepositoryName,
  now_ms: number,
): Promise<InstallationToken | undefined> {
  try {
    const token = await signJwt(app, now_ms);
    const api = apiRoot(app.client.origin);
    const repository = `${encodeURIComponent(name.owner)}/${encodeURIComponent(name.name)}`;
    const at = new URL(`${api}/repos/${repository}/installation`);
    const installation = await calls.find(Installation, at, { token });
    if (!installation || installation.suspended_at) return undefined;
    const url = new URL(`${api}/app/installations/${installation.id}/access_tokens`);
    const make = (body: object) => calls.find(Token, url, { token, method: 'POST', body });
    const made = await tokenFor(app, name, make);
    return made && { token: made.token, expires_at_ms: Date.parse(made.expires_at) };
  } catch (error) {
    if (isKeyRefused(error)) throw keyRefused(error);
    if (isSuspended(error)) return undefined;
    throw error;
  }
}

type Make = (body: object) => Promise<z.infer<typeof Token> | undefined>;

/** A token for this repository alone. GitHub takes its name of today, so one that was renamed is named by its id. */
async function tokenFor({ client }: AppAtForge, name: RepositoryName, make: Make) {
  try {
    return await make({ repositories: [name.name] });
  } catch (error) {
    if (!(error instanceof ForgeApiError && error.fault === 'invalid')) throw error;
  }
  const reader = await make({ permissions: { metadata: 'read' } });
  if (!reader) return undefined;
  const access = { token: reader.token, signal: AbortSignal.timeout(LIMITS.forge_answer_ms) };
  const { id } = await client.repository(access, name);
  return make({ repository_ids: [Number(id)] });
}

function signJwt({ app_id, private_key }: AppAtForge, now_ms: number): Promise<string> {
  const now_s = Math.floor(now_ms / 1000);
  return new SignJWT()
    .setProtectedHeader({ alg: 'RS256' })
    .setIssuer(app_id)
    .setIssuedAt(now_s - CLOCK_S)
    .setExpirationTime(now_s + JWT_S)
    .sign(createPrivateKey(private_key));
}

function isKeyRefused(error: unknown): error is ForgeApiError {
  return error instanceof ForgeApiError && error.fault === 'unauthorized';
}

/** It may be suspended since it was looked up. Any other refusal is a failure that is told. */
function isSuspended(error: unknown): boolean {
  return error instanceof ForgeApiError && error.fault === 'forbidden' && /\bsuspended\b/i.test(error.message);
}

/** No person can fix this by linking their account again, and it may pass: it is retried. */
function keyRefused(cause: ForgeApiError): ForgeApiError {
  const text = `The forge does not accept the key of the app. The owner of this server can check the key, and its clock. ${cause.message}`;
  return new ForgeApiError('app_refused', text, { cause });
}
