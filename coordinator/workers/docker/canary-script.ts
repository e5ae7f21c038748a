/** What the canary tries to reach. The paths are those of the engine's machine. */
export type Targets = {
  /** TCP addresses of this machine, where something listens. */
  host: { address: string; port: number }[];
  /** TCP addresses elsewhere. */
  network: { address: string; port: number }[];
  /** A name to resolve. */
  name: string;
  /** Sockets of container engines. */
  engines: string[];
  /** The version of the machine's kernel. */
  kernel: string | null;
  /** A file in the folder of another worker, in every way in which it might be seen. */
  others: string[];
};

/** What the canary reached that no worker may reach. */
export type Found = { what: 'network' | 'host' | 'dns' | 'other_worker' | 'engine' | 'privileges'; detail: string };

/** `untried`: what it could not try, and why. */
export type Report = { found: Found[]; untried: Found[] };

type Address = { host: string; port: number } | { path: string };

/**
 * Tries to reach what a worker must not reach. It runs in a container that is set up as a worker's, and is sent there
 * as its own source, so it uses nothing from outside of itself.
 */
export class Canary {
  readonly #targets: Targets;
  readonly #found: Found[] = [];
  readonly #untried: Found[] = [];
  readonly #wait_ms = 1_000;

  constructor(targets: Targets) {
    this.#targets = targets;
  }

  /** Resolves with what it reached, and with what it could not try. Never rejects. */
  async run(): Promise<Report> {
    await Promise.all([
      this.#try('network', () => this.#tryInterfaces()),
      this.#try('network', () => this.#tryAddresses('network')),
      this.#try('host', () => this.#tryAddresses('host')),
      this.#try('dns', () => this.#tryName()),
      this.#try('engine', () => this.#tryEngines()),
      this.#try('other_worker', () => this.#tryFiles()),
      this.#try('privileges', () => this.#tryPrivileges()),
    ]);
    return { found: this.#found, untried: this.#untried };
  }

  async #try(what: Found['what'], probe: () => void | Promise<void>): Promise<void> {
    try {
      await probe();
    } catch (error) {
      this.#untried.push({ what, detail: String(error).slice(0, 300) });
    }
  }

  #add(what: Found['what'], detail: string): void {
    this.#found.push({ what, detail });
  }

  #connects(to: Address): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = process.getBuiltinModule('node:net').connect(to);
      const end = (connected: boolean) => {
        socket.destroy();
        resolve(connected);
      };
      socket.setTimeout(this.#wait_ms, () => end(false));
      socket.once('connect', () => end(true)).once('error', () => end(false));
    });
  }

  #tryInterfaces(): void {
    const { networkInterfaces } = process.getBuiltinModule('node:os');
    for (const [name, addresses] of Object.entries(networkInterfaces()))
      if (addresses?.some(({ internal }) => !internal)) this.#add('network', `interface ${name}`);
  }

  async #tryAddresses(what: 'network' | 'host'): Promise<void> {
    if (this.#targets[what].length === 0) throw new Error('there is no address to try');
    const tryOne = async ({ address, port }: { address: string; port: number }) => {
      if (await this.#connects({ host: address, port })) this.#add(what, address);
    };
    await Promise.all(this.#targets[what].map(tryOne));
  }

  async #tryName(): Promise<void> {
    const { getServers, Resolver } = process.getBuiltinModule('node:dns/promises');
    for (const server of new Set([...getServers(), '127.0.0.11', '127.0.0.53'])) {
      const resolver = new Resolver({ timeout: this.#wait_ms, tries: 1 });
      resolver.setServers([server]);
      const outcome = await resolver.resolve4(this.#targets.name).then(
        () => 'answered',
        (error: unknown) => (error instanceof Error && 'code' in error ? String(error.code) : ''),
      );
      // A refusal is an answer, too: the question has left the container.
      if (!['ECONNREFUSED', 'ETIMEOUT', 'ECANCELLED'].includes(outcome)) this.#add('dns', `${server} (${outcome})`);
    }
  }

  async #tryEngines(): Promise<void> {
    const { existsSync } = process.getBuiltinModule('node:fs');
    for (const path of this.#targets.engines)
      if (existsSync(path) || (await this.#connects({ path }))) this.#add('engine', path);
  }

  #tryFiles(): void {
    const { readFileSync } = process.getBuiltinModule('node:fs');
    for (const path of this.#targets.others)
      try {
        readFileSync(path);
        this.#add('other_worker', path);
      } catch {
        // As it should be.
      }
  }

  #tryPrivileges(): void {
    const status = process.getBuiltinModule('node:fs').readFileSync('/proc/self/status', 'utf8');
    const valueOf = (name: string) => {
      const value = new RegExp(`^${name}:\\s*(\\S+)`, 'm').exec(status)?.[1];
      if (value === undefined) throw new Error(`its system does not tell ${name}`);
      return value;
    };
    if (process.getuid?.() === 0) this.#add('privileges', 'it runs as root');
    if (/[1-9a-f]/.test(valueOf('CapBnd') + valueOf('CapEff'))) this.#add('privileges', 'it has capabilities');
    // A sandbox with a kernel of its own, such as gVisor: what that says of itself is not what holds on the machine.
    const { release } = process.getBuiltinModule('node:os');
    if (this.#targets.kernel !== null && release() !== this.#targets.kernel) return;
    if (valueOf('NoNewPrivs') !== '1') this.#add('privileges', 'it can gain privileges');
    if (valueOf('Seccomp') === '0') this.#add('privileges', 'no system call is filtered');
  }
}
