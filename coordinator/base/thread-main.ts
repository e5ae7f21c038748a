import { pathToFileURL } from 'node:url';
import { parentPort } from 'node:worker_threads';
import { ErrandError } from '../../protocol/problem.ts';
import { sourcePath } from './source-path.ts';
import type { Job, Outcome, ThreadReply, ThreadRequest } from './threads.ts';

/* A thread of a `ThreadPool`. It runs one function after the other, and gives the bytes back with the result. */

parentPort?.on('message', (request: ThreadRequest) => void serve(request));

async function serve({ job, bytes, args }: ThreadRequest): Promise<void> {
  const found = await load(job);
  // Not before: who sends the first body does not pay for the thread.
  const before = process.threadCpuUsage();
  const outcome = found ? run(found, bytes, args) : { failure: new Error(`${job.module} has no job ${job.name}.`) };
  const { user, system } = process.threadCpuUsage(before);
  const reply: ThreadReply = { outcome, bytes, ms: (user + system) / 1000 };
  parentPort?.postMessage(reply, [bytes]);
}

async function load({ module, name }: ThreadRequest['job']): Promise<Job<unknown[], unknown> | undefined> {
  const { [name]: found } = (await import(pathToFileURL(sourcePath(module)).href)) as Record<
    string,
    Job<unknown[], unknown>
  >;
  return found;
}

function run(job: Job<unknown[], unknown>, bytes: ArrayBuffer, args: unknown[]): Outcome {
  try {
    return { value: job.run(Buffer.from(bytes), ...args) };
  } catch (error) {
    if (!(error instanceof ErrandError)) return { failure: error };
    const { code, message, errors } = error;
    return { refusal: { code, message, ...(errors && { errors }) } };
  }
}
