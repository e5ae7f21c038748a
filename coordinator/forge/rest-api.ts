import type { z } from 'zod';
import { LIMITS } from '../../protocol/limits.ts';
import { shapeFault, shapeOf } from '../base/json-shape.ts';
import { answerError } from './answer-error.ts';
import { AnswerCache } from './answer-cache.ts';
import type { Access } from './forge.ts';
import { ForgeApiError } from './forge-api-error.ts';
import type { AnswerLimits, ForgeAnswer, ForgeHttp, ForgeRequest } from './forge-http.ts';

/** A call of a REST API. `path` is below the API's root, such as `/user`: see `pathOf`. */
export type RestCall = {
  method?: ForgeRequest['method'];
  path: string;
  query?: Record<string, string | number | boolean>;
  body?: object;
};

/** A list, and whether the forge has more than was read. */
export type Listed<T> = { items: T[]; cut: boolean };

/** Calls a forge's REST API in JSON. Each call rejects with a `ForgeApiError`. */
export class RestApi {
  readonly http: ForgeHttp;
  readonly root: string;
  readonly #headers: Record<string, string>;
  readonly #cache = new AnswerCache();

  /** `root`: such as `https://api.github.com`, without a slash at its end. */
  constructor(http: ForgeHttp, root: string, headers: Record<string, string>) {
    this.http = http;
    this.root = root;
    this.#headers = headers;
  }

  get host(): string {
    return new URL(this.root).host;
  }

  async call<T extends z.ZodType>(access: Access, call: RestCall, schema: T): Promise<z.output<T>> {
    return this.#read(await this.#send(access, call), schema);
  }

  /** Resolves with undefined if there is no such thing. */
  async find<T extends z.ZodType>(access: Access, call: RestCall, schema: T): Promise<z.output<T> | undefined> {
    try {
      return await this.call(access, call, schema);
    } catch (error) {
      if (error instanceof ForgeApiError && error.fault === 'not_found') return undefined;
      throw error;
    }
  }

  /** Sends a call whose answer does not matter. */
  async send(access: Access, call: RestCall): Promise<void> {
    await this.#send(access, call);
  }

  /**
   * Reads a list page by page, until it ends or `enough` says so. `entries` finds the list in an answer, whose headers
   * have names in lower case.
   */
  async list<T extends z.ZodType, E>(
    access: Access,
    call: RestCall,
    {
      schema,
      entries,
      enough,
    }: {
      schema: T;
      entries: (answer: z.output<T>, headers: ForgeAnswer['headers']) => E[];
      enough: (items: E[]) => boolean;
    },
  ): Promise<Listed<E>> {
    const items: E[] = [];
    for (let page = 1; page <= LIMITS.forge_pages_max; page++) {
      const answer = await this.#send(access, { ...call, query: { ...call.query, page } });
      const found = entries(this.#read(answer, schema), answer.headers);
      items.push(...found);
      // The page that a link leads to is counted here: a forge could send us round for ever. One without any entries
      // that are wanted says nothing of the next.
      const more = /rel="?next"?/.test(answer.headers['link'] ?? '');
      if (!more) return { items, cut: false };
      if (enough(items)) return { items, cut: true };
    }
    return { items, cut: true };
  }

  /** One answer as it is, whatever its status, without following a redirect. */
  raw({ token, signal }: Access, url: URL, limits: AnswerLimits): Promise<ForgeAnswer> {
    const headers = { ...this.#headers, authorization: `Bearer ${token}` };
    return this.http.sendOnce({ method: 'GET', url, headers, signal }, limits);
  }

  async #send({ token, signal }: Access, { method = 'GET', path, query = {}, body }: RestCall): Promise<ForgeAnswer> {
    const url = new URL(this.root + path);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value));
    const known = method === 'GET' ? this.#cache.get(token, url) : undefined;
    const answer = await this.http.send({
      method,
      url,
      headers: {
        ...this.#headers,
        ...(token !== '' && { authorization: `Bearer ${token}` }),
        ...(body && { 'content-type': 'application/json' }),
        ...(known && { 'if-none-match': known.etag }),
      },
      body: body && JSON.stringify(body),
      signal,
    });
    if (known && answer.status === 304) return known.answer;
    if (answer.status < 200 || answer.status > 299) throw answerError(url.host, answer, token);
    if (method === 'GET') this.#cache.set(token, url, answer);
    return answer;
  }

  #read<T extends z.ZodType>({ body }: ForgeAnswer, schema: T): z.output<T> {
    const wrong = (what: string, cause?: unknown) =>
      new ForgeApiError('unreachable', `${this.host} answered with what its API does not promise: ${what}.`, {
        cause,
        malformed: true,
      });
    const fault = shapeFault(body, SHAPE);
    if (fault !== undefined) throw wrong(`the answer ${fault}`);
    let parsed: unknown;
    try {
      parsed = JSON.parse(body.toString('utf8'));
    } catch (cause) {
      throw wrong('it is not JSON', cause);
    }
    const { data, error } = schema.safeParse(parsed);
    if (error === undefined) return data;
    const [issue] = error.issues;
    throw wrong(`${issue?.path.join('.') || 'the answer'} is not as expected`);
  }
}

const SHAPE = { ...shapeOf(LIMITS.forge_answer_nodes_max), keys_max: 1_000 };

/**
 * A path with values from outside: `pathOf('repos', owner, name)`. Values may have slashes, as branches and files do.
 * Throws `not_found` for what would lead elsewhere, such as `..`.
 */
export function pathOf(...values: (string | number)[]): string {
  const parts = values.flatMap((value) => String(value).split('/'));
  if (parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new ForgeApiError('not_found', `There is no ${values.join('/')}.`);
  return `/${parts.map((part) => encodeURIComponent(part.toWellFormed())).join('/')}`;
}
