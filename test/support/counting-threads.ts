import { ThreadPool, type Job, type Payer } from '../../coordinator/base/threads.ts';

/** A pool of threads that notes what they were given. */
export class CountingThreads extends ThreadPool {
  readonly jobs: { name: string; key: string; bytes: number; args: unknown[]; value?: unknown }[] = [];
  readonly charged: number[] = [];

  override async run<A extends unknown[], T>(payer: Payer, job: Job<A, T>, bytes: Buffer, args: A) {
    const noted: CountingThreads['jobs'][number] = { name: job.name, key: payer.key, bytes: bytes.length, args };
    this.jobs.push(noted);
    const charge = (ms: number) => {
      this.charged.push(ms);
      payer.charge(ms);
    };
    const done = await super.run({ key: payer.key, charge }, job, bytes, args);
    noted.value = done.value;
    return done;
  }
}
