import { LIMITS } from '../../protocol/limits.ts';
import { answerError } from './answer-error.ts';
import { AnswerCache } from './answer-cache.ts';
import type { AnswerJob } from './answer-job.ts';
import { CallLimits } from './call-limits.ts';
import type { Access } from './forge.ts';
import { ForgeApiError, isMissing, undefinedIf } from './forge-api-error.ts';
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

/**
 * Calls a forge's REST API in JSON. Each call rejects with a `ForgeApiError`. What an answer has to be is a job, which
 * runs in another thread if the answer is large.
 */
export class RestApi {
  readonly http: ForgeHttp;
  readonly root: string;
  readonly #headers: Record<string, string>;
  readonly #cache = new AnswerCache();
  readonly #limits = new CallLimits();

  /** `root`: such as `https://api.github.com`, without a slash at its end. */
  constructor(http: ForgeHttp, root: string, headers: Record<string, string>) {
    this.http = http;
    this.root = root;
    this.#headers = headers;
  }

  get host(): string {
    return new URL(this.root).host;
  }

  async call<T>(access: Access, call: RestCall, answer: AnswerJob<T>): Promise<T> {
    return (await this.callWithHeaders(access, call, answer)).data;
  }

  /** What the answer is, and its headers. Their names are in lower case. */
  async callWithHeaders<T>(
    access: Access,
    call: RestCall,
    answer: AnswerJob<T>,
  ): Promise<{ data: T; headers: ForgeAnswer['headers'] }> {
    const answered = await this.#send(access, call);
    return { data: await this.#read(answered, answer), headers: answered.headers };
  }

  /** Resolves with undefined if there is no such thing. */
  async find<T>(access: Access, call: RestCall, answer: AnswerJob<T>): Promise<T | undefined> {
    return this.call(access, call, answer).catch(undefinedIf(isMissing));
  }

  /** Sends a call whose answer does not matter. */
  async send(access: Access, call: RestCall): Promise<void> {
    await this.#send(access, call);
  }

  /**
   * Reads a list page by page, until it ends or `enough` says so. `page` is how a page is read, and `entries` finds the
   * list in it. The names of its headers are in lower case. `empty_pages`: where no page links to the next one, so many
   * empty ones in a row end the list, since the forge may give fewer entries than were asked for.
   */
  async list<T, E>(
    access: Access,
    call: RestCall,
    {
      page: answer,
      entries,
      enough = () => false,
      empty_pages,
    }: {
      page: AnswerJob<T>;
      entries: (page: T, headers: ForgeAnswer['headers']) => E[];
      enough?: (items: E[]) => boolean;
      empty_pages?: number;
    },
  ): Promise<Listed<E>> {
    const items: E[] = [];
    let empty = 0;
    for (let page = 1; page <= LIMITS.forge_pages_max; page++) {
      const answered = await this.#send(access, { ...call, query: { ...call.query, page } });
      const found = entries(await this.#read(answered, answer), answered.headers);
      items.push(...found);
      empty = found.length === 0 ? empty + 1 : 0;
      // The page that a link leads to is counted here: a forge could send us round for ever. One without any entries
      // that are wanted says nothing of the next.
      const more =
        empty_pages === undefined ? /rel="?next"?/.test(answered.headers['link'] ?? '') : empty < empty_pages;
      if (!more) return { items, cut: false };
      if (enough(items)) return { items, cut: true };
    }
    return { items, cut: true };
  }

  /** One answer as it is, whatever its status, without following a redirect. */
  async raw({ token, signal }: Access, url: URL, limits: AnswerLimits): Promise<ForgeAnswer> {
    this.#limits.require(this.host, token);
    const headers = { ...this.#headers, authorization: `Bearer ${token}` };
    return this.http.sendOnce({ method: 'GET', url, headers, signal }, limits);
  }

  /** Returns the error that this API has answered with. If it limits the token, nothing is sent with that meanwhile. */
  refusal({ token }: Access, error: ForgeApiError): ForgeApiError {
    if (error.fault === 'rate_limited' && error.retry_at) this.#limits.note(token, error.retry_at);
    return error;
  }

  async #send(access: Access, { method = 'GET', path, query = {}, body }: RestCall): Promise<ForgeAnswer> {
    const { token, signal } = access;
    this.#limits.require(this.host, token);
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
    // The list may go on by now: what links to the next page is in the headers.
    if (known && answer.status === 304)
      return { ...known.answer, headers: { ...known.answer.headers, ...answer.headers } };
    if (answer.status < 200 || answer.status > 299) throw this.refusal(access, answerError(this.host, answer, token));
    if (method === 'GET') this.#cache.set(token, url, answer);
    return answer;
  }

  async #read<T>({ body }: ForgeAnswer, answer: AnswerJob<T>): Promise<T> {
    const read = await this.http.run(this.host, body, answer);
    if ('data' in read) return read.data;
    const text = `${this.host} answered with what its API does not promise: ${read.wrong}.`;
    throw new ForgeApiError('unreachable', text, { malformed: read.is_json });
  }
}

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
