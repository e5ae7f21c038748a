import { pipeline, Readable } from 'node:stream';
import { ErrandError } from '../../protocol/problem.ts';
import { ensureSampleRepository } from './sample-repository.ts';
import { mediaType, type GitRequest, type GitResponse, type GitService } from '../worker-api/git/backend.ts';
import { FLUSH, pktLine } from '../worker-api/git/pkt-line.ts';
import { startGit } from '../worker-api/git/process.ts';

/** The sample is small; a push to it has no reason to be large. */
const PUSH_BYTES_MAX = 16 * 1024 * 1024;

/** Serves the sample repository of this data folder, making it at first use. It speaks what `git http-backend` would. */
export function sampleBackend(data_dir: string): (request: GitRequest) => Promise<GitResponse> {
  return async (request) => {
    const path = await ensureSampleRepository(data_dir).catch((cause: unknown) => {
      throw new ErrandError(
        'unavailable',
        'The sample repository could not be made on the server. Is git installed there?',
        {
          cause,
        },
      );
    });
    const version = /^version=[12]$/.exec(request.headers['git-protocol'] ?? '')?.[0];
    const args = ['--stateless-rpc', ...(request.body ? [] : ['--advertise-refs']), path];
    const child = startGit([request.service.slice('git-'.length), ...args], {
      settings: [`safe.directory=${path}`, `receive.maxInputSize=${PUSH_BYTES_MAX}`],
      env: version ? { GIT_PROTOCOL: version } : {},
      signal: request.signal,
    });
    // Its end closes its output, and that ends the answer; that it was killed or hung up on is no news here.
    child.on('error', () => child.stdout.destroy());
    child.stderr.resume();
    pipeline(Readable.from(request.body?.chunks ?? []), child.stdin, (error) => {
      // Git may stop reading early, and has then said why. A body that broke off must not look like one that ended.
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

/** Over HTTP the list of refs begins with the name of the service, save in version 2 of the protocol. */
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
