import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { basic, type Credential, type GitServer, type Intercept } from './git-server.ts';

type Asked = { operation: 'download' | 'upload'; objects: { oid: string; size: number }[] };
type Action = { href: string; header?: Record<string, string>; expires_in?: number };

/** The LFS server of a git server: the batch API with basic transfers. Its objects are in memory. */
export type LfsServer = {
  objects: Map<string, Buffer>;
  /** The oids that were verified. */
  verified: string[];
  /** The token in the headers of its actions, which nobody but the coordinator may see. */
  token: string;
  batches: Asked[];
  /** Set it to answer in another way. */
  intercept: Intercept | undefined;
  /** Set it to change the actions of an object. */
  change: (action: Action, kind: 'download' | 'upload' | 'verify') => Action;
  put: (content: string | Buffer) => { oid: string; pointer: string };
};

/** Adds an LFS server to a git server. `credential`: what the batch API asks for. */
export function addLfsServer(server: GitServer, credential?: Credential): LfsServer {
  const lfs: LfsServer = {
    objects: new Map(),
    verified: [],
    token: `canary-${randomBytes(8).toString('hex')}`,
    batches: [],
    intercept: undefined,
    change: (action) => action,
    put: (content) => {
      const bytes = Buffer.from(content);
      const oid = oidOf(bytes);
      lfs.objects.set(oid, bytes);
      return { oid, pointer: pointerOf(bytes) };
    },
  };
  server.intercept = async (request, response) => {
    if (!/\/info\/lfs\/|^\/lfs-store\//.test(request.url ?? '')) return false;
    if (await lfs.intercept?.(request, response)) return true;
    await answer(lfs, server.origin, credential, request, response);
    return true;
  };
  return lfs;
}

const oidOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex');

/** The pointer of a content, as git stores it. */
export function pointerOf(content: string | Buffer): string {
  const bytes = Buffer.from(content);
  return `version https://git-lfs.github.com/spec/v1\noid sha256:${oidOf(bytes)}\nsize ${bytes.length}\n`;
}

async function answer(
  lfs: LfsServer,
  origin: string,
  credential: Credential | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = request.url ?? '';
  const say = (status: number, body: unknown = {}) =>
    response.writeHead(status, { 'content-type': 'application/vnd.git-lfs+json' }).end(JSON.stringify(body));
  if (url.endsWith('/info/lfs/objects/batch')) {
    if (credential && request.headers.authorization !== basic(credential)) return void say(401, { message: 'who?' });
    const asked = JSON.parse((await buffer(request)).toString()) as Asked;
    lfs.batches.push(asked);
    return void say(200, {
      transfer: 'basic',
      objects: asked.objects.map((object) => describe(lfs, origin, asked, object)),
    });
  }
  if (request.headers['x-store'] !== lfs.token) return void say(403, { message: 'no token' });
  const oid = url.split('/').at(-1) ?? '';
  if (url.startsWith('/lfs-store/verify/')) {
    if (!lfs.objects.has(oid)) return void say(404, { message: 'nothing to verify' });
    lfs.verified.push(oid);
    return void say(200);
  }
  if (request.method === 'PUT') {
    lfs.objects.set(oid, await buffer(request));
    return void response.writeHead(200).end();
  }
  response.writeHead(200).end(lfs.objects.get(oid));
}

function describe(lfs: LfsServer, origin: string, { operation }: Asked, object: { oid: string; size: number }) {
  const has = lfs.objects.has(object.oid);
  const action = (kind: 'download' | 'upload' | 'verify') => ({
    [kind]: lfs.change({ href: `${origin}/lfs-store/${kind}/${object.oid}`, header: { 'X-Store': lfs.token } }, kind),
  });
  // The headers of the actions are enough.
  const known = { ...object, authenticated: true };
  if (operation === 'upload') return has ? known : { ...known, actions: { ...action('upload'), ...action('verify') } };
  return has
    ? { ...known, actions: action('download') }
    : { ...object, error: { code: 404, message: 'no such object' } };
}
