import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect as netConnect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { addAbortSignal, type Duplex } from 'node:stream';
import { newId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ErrandError } from '../../../protocol/problem.ts';
import {
  addressGuard,
  pinned,
  type AddressGuard,
  type AskOwnAddresses,
  type Resolve,
} from '../../base/address-guard.ts';
import { Rate } from '../../base/rate.ts';
import type { Logger } from '../../base/logger.ts';
import type { EgressPolicy } from '../../domain/egress-policy.ts';
import { abortOnClose } from '../abort-on-close.ts';
import type { Caller, TunnelProxy } from '../caller.ts';
import { ConcurrencyLimit } from '../concurrency-limit.ts';
import { refuseTunnel } from '../reply.ts';
import { allowDestination, hostToAskFor, type Destination } from './destination.ts';
import type { NoteUse } from '../worker-audit.ts';
import { runTunnel } from './tunnel.ts';

export type EgressDependencies = {
  /** The hosts that a task may reach, by the current settings of its project. */
  policy: (task_id: string) => EgressPolicy;
  private_hosts: string[];
  /** By default those of the machine's interfaces. */
  ownAddresses?: AskOwnAddresses;
  /** Records each host that a worker reaches. */
  noteUse: NoteUse;
  /** Asks the person of a task whether it may reach this host. Does not throw. */
  askForHost: (caller: Caller, host: string) => void;
  logger: Logger;
  /** For tests. The defaults use the real network and the limits of the protocol. */
  resolve?: Resolve;
  connect?: (options: TcpNetConnectOpts) => Socket;
  timeouts?: EgressTimeouts;
  tunnels_per_minute_max?: number;
};

/**
 * `connect_ms`: for the destination to accept the connection. `hello_ms`: for the worker to begin its TLS handshake.
 * `idle_ms`: how long a tunnel stays open without traffic.
 */
export type EgressTimeouts = { connect_ms: number; hello_ms: number; idle_ms: number };
const TIMEOUTS: EgressTimeouts = { connect_ms: 10_000, hello_ms: 10_000, idle_ms: LIMITS.egress_idle_ms };
/** The tunnels that a task may ask for: some package managers open one for each package. */
const TUNNELS_PER_MINUTE_MAX = 3_000;

/**
 * The forward proxy. It opens tunnels to the hosts that the task's project allows, and closes them when the attempt
 * ends.
 */
export class EgressProxy implements TunnelProxy {
  readonly #policy: (task_id: string) => EgressPolicy;
  readonly #private_hosts: string[];
  readonly #noteUse: NoteUse;
  readonly #askForHost: (caller: Caller, host: string) => void;
  readonly #logger: Logger;
  readonly #guard: AddressGuard;
  readonly #connect: (options: TcpNetConnectOpts) => Socket;
  readonly #timeouts: EgressTimeouts;
  readonly #limit = new ConcurrencyLimit(LIMITS.egress_tunnels_max, 'This task has too many open tunnels.');
  readonly #refusals = new Rate(LIMITS.egress_refusals_per_minute_max, 'This task had too many tunnels refused.');
  readonly #opens: Rate;

  constructor({
    policy,
    private_hosts,
    ownAddresses,
    noteUse,
    askForHost,
    logger,
    resolve,
    connect = netConnect,
    timeouts = TIMEOUTS,
    tunnels_per_minute_max = TUNNELS_PER_MINUTE_MAX,
  }: EgressDependencies) {
    this.#policy = policy;
    this.#private_hosts = private_hosts;
    this.#noteUse = noteUse;
    this.#askForHost = askForHost;
    this.#logger = logger;
    this.#guard = addressGuard(private_hosts, resolve, { ownAddresses });
    this.#connect = connect;
    this.#timeouts = timeouts;
    this.#opens = new Rate(tunnels_per_minute_max, 'This task opens too many tunnels.');
  }

  /** Opens a tunnel and resolves when it is closed. Never rejects: a refusal is written to the client. */
  async open(request: IncomingMessage, client: Duplex, head: Buffer, caller: Caller): Promise<void> {
    const { task_id, attempt, signal } = caller;
    const authority = request.url ?? '';
    const request_id = newId();
    const log = this.#logger.child({ request_id, task_id, attempt, authority });
    // An error event without a listener would end the process.
    client.on('error', (err) => log.debug({ err }, 'worker closed a tunnel with an error'));
    addAbortSignal(signal, client);
    try {
      this.#refusals.require(task_id);
      await this.#limit.run(task_id, async () => {
        this.#opens.take(task_id);
        const destination = this.#allow(authority, caller);
        const upstream = await this.#reach(destination, abortOnClose(client, signal));
        this.#noteUse(caller, 'host.reached', { host: `${destination.host}:${destination.port}` });
        client.write('HTTP/1.1 200 Connection established\r\n\r\n');
        if (head.length > 0) client.unshift(head);
        const onRefused = (err: unknown): void => this.#noteRefusal(task_id, err, log);
        await runTunnel({ client, upstream, destination, timeouts: this.#timeouts, onRefused, log });
      });
    } catch (err) {
      this.#noteRefusal(task_id, err, log);
      refuseTunnel(client, err, request_id);
    }
  }

  #noteRefusal(task_id: string, err: unknown, log: Logger): void {
    const too_many = err instanceof ErrandError && err.code === 'rate_limited';
    if (!too_many) this.#refusals.use(task_id);
    log[too_many ? 'debug' : 'warn']({ err }, 'tunnel refused');
  }

  /** The destination, where the policy allows it. For a host that its person may allow, they are asked. */
  #allow(authority: string, caller: Caller): Destination {
    const policy = this.#policy(caller.task_id);
    try {
      return allowDestination(authority, policy, this.#private_hosts);
    } catch (error) {
      const host = hostToAskFor(authority, policy, this.#private_hosts);
      if (host !== null) this.#askForHost(caller, host);
      throw error;
    }
  }

  /** Checks the destination's addresses, and connects to one of those that were checked. */
  async #reach({ host, port }: Destination, signal: AbortSignal): Promise<Socket> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(this.#timeouts.connect_ms)]);
    const addresses = await this.#guard(host, port);
    const upstream = this.#connect({ host, port, lookup: pinned(addresses), allowHalfOpen: true, noDelay: true });
    try {
      await once(upstream, 'connect', { signal: bounded });
      return upstream;
    } catch (cause) {
      upstream.destroy();
      throw new ErrandError('upstream_unreachable', `${host}:${port} could not be reached.`, { cause });
    }
  }
}
