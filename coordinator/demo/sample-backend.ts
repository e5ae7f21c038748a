import { pipeline, Readable } from 'node:stream';
import { ErrandError } from '../../protocol/problem.ts';
import { ensureSampleRepository } from './sample-repository.ts';
import { mediaType, type GitRequest, type GitResponse, type GitService } from '../worker-api/git/backend.ts';
import { FLUSH, pktLine } from '../worker-api/git/pkt-line.ts';
import { startGit } from '../worker-api/git/process.ts';

/** The limit of a push. The sample is small. */
const PUSH_BYTES_MAX = 16 * 1024 * 1024;

/** Serves the data folder's sample repository like `git http-backend`. Creates the repository at the first use. */
export function sampleBackend(data_dir: string): (request: GitRequest) => Promise<GitResponse> {
  return async (request) => {
    const path = await ensureSampleRepository(data_dir).catch((cause: unknown) => {
      throw new ErrandError(
        'unavailable',
        'The server could not create the sample repository. Is git installed there?',
        { cause },
      );
    });
    const version = /^version=[12]$/.exec(request.headers['git-protocol'] ?? '')?.[0];
    const args = ['--stateless-rpc', ...(request.body ? [] : ['--advertise-refs']), path];
    const child = startGit([request.service.slice('git-'.length), ...args], {
      settings: [`safe.directory=${path}`, `receive.maxInputSize=${PUSH_BYTES_MAX}`],
      env: version ? { GIT_PROTOCOL: version } : {},
      signal: request.signal,
    });
    // Git's exit closes its output, and that ends the response. An abort or a closed connection is not an error here.
    child.on('error', () => child.stdout.destroy());
    child.stderr.resume();
    pipeline(Readable.from(request.body?.chunks ?? []), child.stdin, (error) => {
      // EPIPE: git stopped reading early and has reported why. A body that was cut off must not look complete.
      if (error && 'code' in error && error.code === 'EPIPE') return;
      if (error) child.kill('SIGKILL');
    });
    const headers = {
      'content-type': mediaType(request.service, request.body ? 'result' : 'advertisement'),
      'cache-control': 'no-cache',
    };
    if (request.body) return { headers, body: child.stdout };
    return { headers, body: Readable.from(advertisement(request.service, version, child.stdout)) };
  };
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
