import { pipeline, Readable } from 'node:stream';
import { ErrandError } from '../../protocol/problem.ts';
import { folderSize } from '../base/folder-size.ts';
import { mediaType, type GitRequest, type GitResponse, type GitService } from '../worker-api/git/backend.ts';
import { GitSlots } from '../worker-api/git/git-slots.ts';
import { FLUSH, pktLine } from '../worker-api/git/pkt-line.ts';
import { runGit, startGit } from '../worker-api/git/process.ts';

/**
 * The limit of a push, and of what a task's repository may hold before one. The sample is small. Tests have lower ones.
 */
const LIMITS = { push_bytes_max: 16 * 1024 * 1024, repository_bytes_max: 64 * 1024 * 1024 };
const MEASURE_MS = 10_000;
/**
 * The git processes that run at once, in all and for one task. Each may take a quarter of a gigabyte of memory. A task
 * pushes one thing at a time: what that leaves is measured before the next one.
 */
const READS = { at_once_max: 3, of_one_max: 2 };
const PUSHES = { at_once_max: 3, of_one_max: 1 };

/** Serves a task's sample repository like `git http-backend`. `repositoryOf`: its path; makes it at the first use. */
export function sampleBackend(
  repositoryOf: (task_id: string) => Promise<string>,
  { push_bytes_max, repository_bytes_max } = LIMITS,
): (request: GitRequest, task_id: string) => Promise<GitResponse> {
  const [reads, pushes] = [new GitSlots(READS), new GitSlots(PUSHES)];
  let capabilities: Promise<string> | undefined;
  return async (request, task_id) => {
    const path = await repositoryOf(task_id).catch((cause: unknown) => {
      throw new ErrandError(
        'unavailable',
        'The server could not create the sample repository. Is git installed there?',
        { cause },
      );
    });
    const version = /^version=[12]$/.exec(request.headers['git-protocol'] ?? '')?.[0];
    if (!request.body && version === 'version=2' && request.service === 'git-upload-pack') {
      capabilities ??= readCapabilities(path);
      capabilities.catch(() => (capabilities = undefined));
      return { headers: headersOf(request), body: Readable.from([Buffer.from(await capabilities)]) };
    }
    const is_push = request.service === 'git-receive-pack' && request.body !== undefined;
    const giveBack = await (is_push ? pushes : reads).take(task_id, request.signal);
    if (is_push)
      await requireRoom(path, repository_bytes_max, request.signal).catch((error: unknown) => {
        giveBack();
        throw error;
      });
    const args = ['--stateless-rpc', ...(request.body ? [] : ['--advertise-refs']), path];
    const request_ended = new AbortController();
    const git = startGit([request.service.slice('git-'.length), ...args], {
      settings: [`safe.directory=${path}`, `receive.maxInputSize=${push_bytes_max}`, 'receive.unpackLimit=1'],
      env: version ? { GIT_PROTOCOL: version } : {},
      signal: AbortSignal.any([request.signal, request_ended.signal]),
    });
    void git.exit.then(giveBack);
    // Git's exit closes its output, and that ends the response. An abort or a closed connection is not an error here.
    git.errors.resume();
    pipeline(Readable.from(request.body?.chunks ?? []), git.input, (error) => {
      // EPIPE: git stopped reading early and has reported why. A body that was cut off must not look complete.
      if (error && 'code' in error && error.code === 'EPIPE') return;
      if (error) request_ended.abort();
    });
    if (request.body) return { headers: headersOf(request), body: git.output };
    return { headers: headersOf(request), body: Readable.from(advertisement(request.service, version, git.output)) };
  };
}

function headersOf({ service, body }: GitRequest): Record<string, string> {
  return { 'content-type': mediaType(service, body ? 'result' : 'advertisement'), 'cache-control': 'no-cache' };
}

/** What git offers in version 2 of the protocol: no refs, and so the same for every copy of the sample. */
function readCapabilities(path: string): Promise<string> {
  const args = ['upload-pack', '--stateless-rpc', '--advertise-refs', path];
  return runGit(['-c', `safe.directory=${path}`, ...args], { GIT_PROTOCOL: 'version=2' });
}

/** Throws `too_large` if the repository has no room for a push. */
async function requireRoom(path: string, bytes_max: number, signal: AbortSignal): Promise<void> {
  if ((await folderSize('bytes', [path], { within_ms: MEASURE_MS, signal })) > bytes_max)
    throw new ErrandError('too_large', "The errand's copy of the sample repository is full.");
}

/** Over HTTP the list of refs starts with the name of the service, except in protocol version 2. */
async function* advertisement(
  service: GitService,
  version: string | undefined,
  refs: AsyncIterable<Buffer>,
): AsyncGenerator<Buffer> {
  if (version !== 'version=2' || service === 'git-receive-pack') {
    yield pktLine(`# service=${service}\n`);
    yield FLUSH;
  }
  yield* refs;
}
