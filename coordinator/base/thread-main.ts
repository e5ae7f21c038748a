import { parentPort } from 'node:worker_threads';
import { ErrandError } from '../../protocol/problem.ts';
import type { Job, Outcome, ThreadReply, ThreadRequest } from './threads.ts';

/* A thread of a `ThreadPool`. It runs one function after the other, and gives the bytes back with the result. */

parentPort?.on('message', (request: ThreadRequest) => void serve(request));

async function serve(request: ThreadRequest): Promise<void> {
  const { bytes } = request;
  const before = process.threadCpuUsage();
  const outcome = await run(request);
  const { user, system } = process.threadCpuUsage(before);
  const reply: ThreadReply = { outcome, bytes, ms: (user + system) / 1000 };
  parentPort?.postMessage(reply, [bytes]);
}

async function run({ job, bytes, args }: ThreadRequest): Promise<Outcome> {
  try {
    const { [job.name]: found } = (await import(job.module)) as Record<string, Job<unknown[], unknown>>;
    if (!found) throw new Error(`${job.module} has no job ${job.name}.`);
    return { value: found.run(Buffer.from(bytes), ...args) };
  } catch (error) {
    if (!(error instanceof ErrandError)) return { failure: error };
    const { code, message, errors } = error;
    return { refusal: { code, message, ...(errors && { errors }) } };
  }
}
