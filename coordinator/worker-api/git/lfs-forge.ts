import type { Dispatcher } from 'undici';
import { z } from 'zod';
import { LFS_MEDIA_TYPE, LfsObject, type LfsBatchRequest } from '../../../protocol/lfs.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import type { ForgeRepository } from '../../domain/forge-repository.ts';
import { basic, type Forge } from './forge.ts';
import type { LfsAction, LfsRequest } from './lfs-action.ts';
import { checkedContent } from './lfs-content.ts';
import { jsonOf, lfsRefusal } from './lfs-refusal.ts';

const REDIRECTS_MAX = 3;

const Action = z.object({
  href: z.string(),
  header: z.record(z.string(), z.string()).nullish(),
  expires_in: z.number().int().nullish(),
  expires_at: z.string().max(100).nullish(),
});
/** What a forge says of one object. No actions for an upload: it has the object. */
const Answered = LfsObject.extend({
  authenticated: z.boolean().nullish(),
  actions: z.object({ download: Action.nullish(), upload: Action.nullish(), verify: Action.nullish() }).nullish(),
  error: z.object({ code: z.number().int(), message: z.string() }).nullish(),
});
export type Answered = z.infer<typeof Answered>;
const Batch = z.object({ transfer: z.string().nullish(), objects: z.array(Answered) });

/** Asks the repository's LFS server how to move objects. Rejects with an error that explains why it does not say. */
export async function askBatch(
  forge: Forge,
  { repo_url, credential }: ForgeRepository,
  { operation, objects }: LfsBatchRequest,
  signal: AbortSignal,
): Promise<Answered[]> {
  const base = forge.addressOf(repo_url);
  const url = new URL(`${base.endsWith('.git') ? base : `${base}.git`}/info/lfs/objects/batch`);
  const headers: Record<string, string> = { accept: LFS_MEDIA_TYPE, 'content-type': LFS_MEDIA_TYPE };
  if (credential) headers['authorization'] = basic(credential);
  const body = Buffer.from(JSON.stringify({ operation, transfers: ['basic'], objects, hash_algo: 'sha256' }));
  const answer = await forge.send(url, { method: 'POST', headers, body, signal });
  if (answer.statusCode !== 200) {
    const with_credential = credential !== undefined;
    throw await lfsRefusal(answer, { host: url.host, with_credential, kind: operation });
  }
  const batch = Batch.safeParse(await jsonOf(answer).catch(() => undefined));
  if (!batch.success || (batch.data.transfer ?? 'basic') !== 'basic')
    throw new ErrandError('not_found', `${url.host} answers, but not as an LFS server with basic transfers.`);
  const answered = new Map(batch.data.objects.map((object) => [`${object.oid}/${object.size}`, object]));
  const unknown = { code: 404, message: `${url.host} says nothing of this object, or it has another size.` };
  // git-lfs waits for ever for what nobody answers.
  return objects.map(({ oid, size }) => answered.get(`${oid}/${size}`) ?? { oid, size, error: unknown });
}

/** The transfer of an object, as its forge wants it; null: nothing is to be moved. Throws `upstream_unreachable`. */
export function actionFor(
  { oid, size, authenticated, actions }: Answered,
  kind: LfsAction['kind'],
  repo_url: string,
): LfsAction | null {
  const transfer = actions?.[kind];
  if (!transfer) return null;
  const requestFor = (action: z.infer<typeof Action>) => requestOf(action, authenticated === true, repo_url);
  const verify = kind === 'upload' && actions.verify ? { verify: requestFor(actions.verify) } : {};
  return { oid, size, kind, transfer: requestFor(transfer), ...verify };
}

/** Headers that belong to a connection, or that are set here. */
const NOT_SENT =
  /^(host|connection|keep-alive|te|trailer|upgrade|expect|proxy-.*|transfer-encoding|content-length|accept-encoding)$/i;

function requestOf({ href, header }: z.infer<typeof Action>, authenticated: boolean, repo_url: string): LfsRequest {
  const base = new URL(repo_url);
  const url = URL.canParse(href) ? new URL(href) : undefined;
  const is_safe = url?.protocol === 'https:' || (url?.protocol === 'http:' && base.protocol === 'http:');
  if (url === undefined || !is_safe || url.username !== '' || url.password !== '')
    throw new ErrandError(
      'upstream_unreachable',
      `${base.host} names an address for an object that is not one of https.`,
    );
  const kept = Object.entries(header ?? {}).filter(([name]) => !NOT_SENT.test(name));
  if (kept.some(([name, value]) => !/^[\w!#$%&'*+.^`|~-]+$/.test(name) || !/^[\t\x20-\x7e]*$/.test(value)))
    throw new ErrandError('upstream_unreachable', `${base.host} names a header for an object that cannot be sent.`);
  const names = kept.map(([name]) => name.toLowerCase());
  // As clients of Git LFS do it: without any other authorization, that of the repository holds at its own host.
  const with_credential = !authenticated && !names.includes('authorization') && url.origin === base.origin;
  return { href: url.href, header: Object.fromEntries(kept), with_credential };
}

type Where = { forge: Forge; repository: ForgeRepository; signal: AbortSignal };

/** The content of an object. Its last piece comes only if all of it is the object. */
export async function download(action: LfsAction, where: Where): Promise<AsyncGenerator<Buffer>> {
  const { forge, repository, signal } = where;
  let url = new URL(action.transfer.href);
  let headers = headersOf(action.transfer, repository);
  let { with_credential } = action.transfer;
  for (let redirects = 0; ; redirects++) {
    const sent = { ...headers, 'accept-encoding': 'identity' };
    const answer = await forge.send(url, {
      method: 'GET',
      headers: sent,
      body: null,
      signal,
      for_repo: repository.repo_url,
    });
    if (answer.statusCode === 200) return checkedContent(answer.body as AsyncIterable<Buffer>, action);
    const to = redirects < REDIRECTS_MAX ? redirectOf(answer, url) : undefined;
    if (!to) throw await lfsRefusal(answer, { host: url.host, with_credential, kind: 'download' });
    await answer.body.dump();
    // What is for one host is not for another.
    if (to.origin !== url.origin) [headers, with_credential] = [{}, false];
    url = to;
  }
}

function redirectOf({ statusCode, headers }: Dispatcher.ResponseData, from: URL): URL | undefined {
  const location = headers['location'];
  if (statusCode < 300 || statusCode >= 400 || typeof location !== 'string' || !URL.canParse(location, from.href))
    return undefined;
  const to = new URL(location, from.href);
  return to.protocol === 'https:' || to.protocol === from.protocol ? to : undefined;
}

/** Uploads an object, and has the forge verify it. Rejects where the forge does not have the whole object then. */
export async function upload(action: LfsAction, content: AsyncIterable<Buffer>, where: Where): Promise<void> {
  const { oid, size, transfer, verify } = action;
  const headers = {
    'content-type': 'application/octet-stream',
    ...headersOf(transfer, where.repository),
    'content-length': String(size),
  };
  await expectOk(transfer, 'PUT', headers, checkedContent(content, action), where);
  if (!verify) return;
  const type = { accept: LFS_MEDIA_TYPE, 'content-type': LFS_MEDIA_TYPE };
  const body = Buffer.from(JSON.stringify({ oid, size }));
  await expectOk(verify, 'POST', { ...type, ...headersOf(verify, where.repository) }, body, where);
}

async function expectOk(
  { href, with_credential }: LfsRequest,
  method: 'PUT' | 'POST',
  headers: Record<string, string>,
  body: AsyncIterable<Buffer> | Buffer,
  { forge, repository: { repo_url: for_repo }, signal }: Where,
): Promise<void> {
  const url = new URL(href);
  const answer = await forge.send(url, { method, headers, body, signal, for_repo });
  if (![200, 201, 202, 204].includes(answer.statusCode))
    throw await lfsRefusal(answer, { host: url.host, with_credential, kind: 'upload' });
  await answer.body.dump();
}

function headersOf({ header, with_credential }: LfsRequest, { credential }: ForgeRepository): Record<string, string> {
  const lower = Object.fromEntries(Object.entries(header).map(([name, value]) => [name.toLowerCase(), value]));
  return with_credential && credential ? { ...lower, authorization: basic(credential) } : lower;
}
