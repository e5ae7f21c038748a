import { networkInterfaces } from 'node:os';
import { askNameServers } from './name-servers.ts';
import { Periodic } from './periodic.ts';
import type { Logger } from './logger.ts';

/** How often the names are looked up, and how long that may take, in milliseconds. */
const EVERY_MS = 5 * 60_000;
const LOOKUP_MS = 10_000;

type Dependencies = {
  /** The names by which people reach this machine: `name` or `name:port`. */
  hosts: readonly string[];
  logger: Logger;
  /** For tests. The default asks the name servers. */
  resolve?: typeof askNameServers;
};

/** The addresses of this machine's interfaces. */
export function addressesOfInterfaces(): string[] {
  return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
}

/**
 * The addresses that lead to this machine: those of its interfaces, and those of the names by which people reach it. In
 * a container or behind NAT only its names tell its public addresses.
 */
export class OwnAddresses {
  readonly #names: string[];
  readonly #resolve: typeof askNameServers;
  readonly #logger: Logger;
  /** What each name was found to have last. */
  readonly #found = new Map<string, string[]>();
  readonly #periodic: Periodic;

  constructor({ hosts, logger, resolve = askNameServers }: Dependencies) {
    this.#names = hosts.flatMap((host) => URL.parse(`http://${host}`)?.hostname.replace(/^\[(.*)\]$/, '$1') ?? []);
    this.#resolve = resolve;
    this.#logger = logger;
    this.#periodic = new Periodic({
      every_ms: EVERY_MS,
      work: (stopped) => this.#lookUp(stopped),
      onError: (err) => logger.error({ err }, 'own addresses not looked up'),
    });
  }

  /** Looks the names up now and every five minutes. Resolves after the first time. */
  start(): Promise<void> {
    return this.#periodic.start();
  }

  stop(): Promise<void> {
    return this.#periodic.stop();
  }

  /** All that are known now. */
  readonly all = (): string[] => [...addressesOfInterfaces(), ...[...this.#found.values()].flat()];

  /** A name that is not found now keeps what it had. */
  async #lookUp(stopped: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([stopped, AbortSignal.timeout(LOOKUP_MS)]);
    const lookUpOne = async (name: string): Promise<void> => {
      try {
        const addresses = await this.#resolve(name, signal);
        this.#found.set(
          name,
          addresses.map(({ address }) => address),
        );
      } catch (err) {
        this.#logger.debug({ err, name }, 'own name not found');
      }
    };
    await Promise.all(this.#names.map(lookUpOne));
  }
}
