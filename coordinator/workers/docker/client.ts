import { request, type Agent, type IncomingMessage, type RequestOptions } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { z } from 'zod';

/** The longest response that is kept. A list of containers takes a few kilobytes each. */
const RESPONSE_BYTES_MAX = 16 * 1024 * 1024;
/** How long the watch is idle before the kernel asks whether an engine elsewhere is still there. */
const KEEP_ALIVE_MS = 15_000;

/** Where the engine listens, in the form of Node's HTTP client. */
export type EngineAddress = { socketPath: string } | { host: string; port: number };

/** The engine refused a call. The message is the engine's own. */
export class EngineRefusal extends Error {
  override readonly name = 'EngineRefusal';
  /** The HTTP status of the response. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const Labels = z.record(z.string(), z.string()).nullish();
const Version = z.object({ Version: z.string() });
const Info = z.object({
  NCPU: z.number(),
  LiveRestoreEnabled: z.boolean().default(false),
  /** The names of its runtimes are the keys. */
  Runtimes: z.record(z.string(), z.unknown()).nullish(),
  SecurityOptions: z.array(z.string()).nullish(),
  DockerRootDir: z.string().nullish(),
  KernelVersion: z.string().nullish(),
  CgroupVersion: z.string().nullish(),
});
const Texts = z.array(z.string()).nullish();
const Image = z.object({
  Config: z.object({ Labels, Entrypoint: Texts, Env: Texts }).nullish(),
  RootFS: z.object({ Layers: Texts }).nullish(),
});
/** Under cgroup v2 it counts every write. Under v1 it leaves out those that pass the page cache. */
const Stats = z.object({
  blkio_stats: z.object({
    io_service_bytes_recursive: z.array(z.object({ op: z.string(), value: z.number() })).nullish(),
  }),
});
const Container = z.object({
  Config: z.object({ Labels }),
  State: z.object({
    Running: z.boolean(),
    Pid: z.number().default(0),
    Status: z.string(),
    ExitCode: z.number(),
    OOMKilled: z.boolean(),
  }),
  Mounts: z.array(z.object({ Source: z.string(), Destination: z.string(), RW: z.boolean() })),
});
const Listed = z.array(z.object({ Names: z.array(z.string()) }));
const Refusal = z.object({ message: z.string() });

/** What the engine tells of its machine. */
export type Info = z.infer<typeof Info>;

/** What the engine tells of a container. */
export type Container = z.infer<typeof Container>;

/** What the engine tells of an image. */
export type Image = z.infer<typeof Image>;

/** As the Engine API has them. */
export type CreateOptions = { Image: string; HostConfig: object; Entrypoint?: string[]; Cmd?: string[] };

/** What is seen of an engine that is watched. They abort with the watch too. */
export type EngineWatch = {
  /** Aborts when the engine may work differently from then on: it has read its settings again, or has stopped. */
  changed: AbortSignal;
  /** Aborts when the connection has ended: the engine has stopped, or something between has cut it. */
  stopped: AbortSignal;
};

type Call = {
  method: 'GET' | 'POST' | 'DELETE';
  path: string;
  query?: Record<string, string>;
  content?: unknown;
  /** Ends the call. */
  signal?: AbortSignal;
  /** The response ends with the signal alone: only its head has the time limit. */
  is_endless?: boolean;
};

/**
 * The calls of Docker's Engine API that Errand needs, in the engine's own version of it. Each rejects with an
 * `EngineRefusal` if the engine refuses it, and with another error without a response in `timeout_ms`.
 */
export class EngineClient {
  readonly #address: EngineAddress;
  readonly #agent: Agent;
  readonly #timeout_ms: number;

  constructor(address: EngineAddress, agent: Agent, timeout_ms: number) {
    this.#address = address;
    this.#agent = agent;
    this.#timeout_ms = timeout_ms;
  }

  async ping(): Promise<void> {
    await this.#bytes({ method: 'GET', path: '/_ping' });
  }

  version(): Promise<z.infer<typeof Version>> {
    return this.#json(Version, { method: 'GET', path: '/version' });
  }

  info(): Promise<Info> {
    return this.#json(Info, { method: 'GET', path: '/info' });
  }

  inspectImage(name: string): Promise<Image> {
    return this.#json(Image, { method: 'GET', path: `/images/${escape(name)}/json` });
  }

  /** The names of all containers with this label, running or not. */
  async listContainers(label: string): Promise<string[]> {
    const query = { all: 'true', filters: JSON.stringify({ label: [label] }) };
    const containers = await this.#json(Listed, { method: 'GET', path: '/containers/json', query });
    return containers.flatMap(({ Names }) => Names.slice(0, 1).map((name) => name.replace(/^\//, '')));
  }

  async createContainer(name: string, options: CreateOptions): Promise<void> {
    await this.#bytes({ method: 'POST', path: '/containers/create', query: { name }, content: options });
  }

  /** Starts a container. A running one is no error. */
  async startContainer(name: string): Promise<void> {
    await this.#bytes({ method: 'POST', path: `/containers/${escape(name)}/start` });
  }

  inspectContainer(name: string): Promise<Container> {
    return this.#json(Container, { method: 'GET', path: `/containers/${escape(name)}/json` });
  }

  /** How much a container has written to disks, in bytes, by its control group. */
  async readWritten(name: string): Promise<number> {
    const query = { stream: 'false', 'one-shot': 'true' };
    const stats = await this.#json(Stats, { method: 'GET', path: `/containers/${escape(name)}/stats`, query });
    const counts = stats.blkio_stats.io_service_bytes_recursive ?? [];
    return counts.reduce((sum, { op, value }) => sum + (op.toLowerCase() === 'write' ? value : 0), 0);
  }

  /** Resolves once the container has exited. Rejects if the signal aborts. */
  async waitForContainer(name: string, signal?: AbortSignal): Promise<void> {
    const path = `/containers/${escape(name)}/wait`;
    await this.#bytes({ method: 'POST', path, ...(signal && { signal }) });
  }

  /** Kills the container if it runs, and removes it with its anonymous volumes. */
  async removeContainer(name: string): Promise<void> {
    await this.#bytes({ method: 'DELETE', path: `/containers/${escape(name)}`, query: { force: 'true', v: 'true' } });
  }

  /** The last lines of a container's output, in Docker's frames. */
  readLogs(name: string, lines: number): Promise<Buffer> {
    const query = { stdout: 'true', stderr: 'true', tail: String(lines) };
    return this.#bytes({ method: 'GET', path: `/containers/${escape(name)}/logs`, query });
  }

  /** Watches the engine itself until the signal aborts. Resolves once it does. */
  async watch(signal: AbortSignal): Promise<EngineWatch> {
    const query = { filters: JSON.stringify({ type: ['daemon'] }) };
    const response = await this.#send({ method: 'GET', path: '/events', query, signal, is_endless: true }, undefined);
    response.socket.setKeepAlive(true, KEEP_ALIVE_MS);
    const [changed, stopped] = [new AbortController(), new AbortController()];
    response.on('data', () => changed.abort());
    response.once('close', () => stopped.abort());
    response.on('error', () => undefined);
    return { changed: AbortSignal.any([changed.signal, stopped.signal]), stopped: stopped.signal };
  }

  /** Builds an image from a tar archive. Calls `onLine` with each line of the engine's report, in JSON. */
  async build(archive: Readable, query: Record<string, string>, onLine: (line: string) => void): Promise<void> {
    const response = await this.#send({ method: 'POST', path: '/build', query }, archive);
    for await (const line of createInterface({ input: response })) onLine(line);
  }

  async #json<T>(schema: z.ZodType<T>, call: Call): Promise<T> {
    return schema.parse(JSON.parse((await this.#bytes(call)).toString('utf8')));
  }

  async #bytes({ content, ...call }: Call): Promise<Buffer> {
    return readBytes(await this.#send(call, content === undefined ? undefined : JSON.stringify(content)));
  }

  /** Resolves with a response that is no refusal. */
  async #send(
    { method, path, query = {}, signal, is_endless = false }: Call,
    body: string | Readable | undefined,
  ): Promise<IncomingMessage> {
    const url = `${path}?${new URLSearchParams(query).toString()}`;
    const type = typeof body === 'string' ? 'application/json' : 'application/x-tar';
    const headers = {
      ...(body !== undefined && { 'content-type': type }),
      ...(typeof body === 'string' && { 'content-length': Buffer.byteLength(body) }),
    };
    const options = {
      ...this.#address,
      agent: this.#agent,
      method,
      path: url,
      headers,
      ...(signal && { signal }),
    };
    const response = await exchange(options, body, { timeout_ms: this.#timeout_ms, is_endless });
    const status = response.statusCode ?? 0;
    // 304: the container has this state already.
    if (status < 300 || status === 304) return response;
    const text = (await readBytes(response)).toString('utf8');
    throw new EngineRefusal(status, refusalIn(text) ?? `The engine responded with status ${status}.`);
  }
}

/**
 * Sends a request. The whole exchange, with the response's body, has `timeout_ms`; where the response is endless, only
 * its head.
 */
function exchange(
  options: RequestOptions,
  body: string | Readable | undefined,
  { timeout_ms, is_endless }: { timeout_ms: number; is_endless: boolean },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const call = request(options, (response) => {
      if (is_endless) clearTimeout(late);
      resolve(response);
    });
    const late = setTimeout(() => call.destroy(new Error(`no response within ${timeout_ms / 1000} s`)), timeout_ms);
    call.once('close', () => clearTimeout(late));
    call.on('error', reject);
    // If the archive fails, so does the request.
    if (typeof body === 'object') pipeline(body, call).catch(() => undefined);
    else call.end(body);
  });
}

async function readBytes(response: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response) {
    size += chunk.length;
    if (size > RESPONSE_BYTES_MAX) throw new Error(`The engine's response is longer than ${RESPONSE_BYTES_MAX} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function refusalIn(text: string): string | undefined {
  try {
    return Refusal.parse(JSON.parse(text)).message;
  } catch {
    return undefined;
  }
}

/** A name as part of a path. The slashes of an image's name stay. */
function escape(name: string): string {
  return name.split('/').map(encodeURIComponent).join('/');
}
