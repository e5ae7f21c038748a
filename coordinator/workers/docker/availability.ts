import { ErrandError } from '../../../protocol/problem.ts';
import { CONTRACT_VERSION, contractFault } from '../../../protocol/worker.ts';
import { addressOf, statusOf } from './engine.ts';
import { isOwnImage } from './image.ts';
import { errorCode } from '../../base/error-code.ts';

/**
 * Whether a Docker engine can start workers. `fault` is a sentence that says what is wrong and how to fix it. `absent`:
 * the machine has no engine socket. `image_missing`: only the worker image is missing. `image_unsupported`: it speaks a
 * newer version of the worker contract; `image_outdated`: an older one. `unusable`: an engine exists, or was named, but
 * cannot be used.
 */
export type Availability = { kind: 'ready' } | Fault;

export type Fault = {
  kind: 'absent' | 'image_missing' | 'image_unsupported' | 'image_outdated' | 'unusable';
  fault: string;
};

/** Whether workers of an image are supported that speaks this version of the worker contract. */
export function imageAvailability(image: string, version: number): Availability {
  const fault = contractFault(version);
  if (fault === null) return { kind: 'ready' };
  if (version > CONTRACT_VERSION) return { kind: 'image_unsupported', fault };
  return { kind: 'image_outdated', fault: isOwnImage(image) ? `${fault} Build it: npm run image` : fault };
}

/** Explains the error of a call to the engine. `docker_host`: as in DOCKER_HOST. `image`: the worker image. */
export function readFault(
  error: unknown,
  { docker_host, image }: { docker_host: string | undefined; image: string },
): Fault {
  if (error instanceof ErrandError) return unusable(error.message);
  const cause = error instanceof Error ? error.message.trim() : String(error);
  const status = statusOf(error);
  if (status === undefined) return readConnectionFault(error, docker_host, cause);
  // 400: the name is not valid for an image.
  if ((status === 404 || status === 400) && /no such image/i.test(cause))
    return { kind: 'image_missing', fault: missingImage(image) };
  return unusable(`Docker refused: ${cause}`);
}

function readConnectionFault(error: unknown, docker_host: string | undefined, cause: string): Fault {
  const address = addressOf(docker_host);
  if (!('socketPath' in address))
    return unusable(
      `Docker does not answer at ${address.host}:${address.port} (${cause}). Is it running there, and is DOCKER_HOST right?`,
    );
  const socket = address.socketPath;
  switch (errorCode(error)) {
    case 'ENOENT':
    case 'ENOTDIR':
      return {
        kind: 'absent',
        fault:
          `Docker does not answer: it is not installed, or its engine is not running (there is no ${socket}). ` +
          `Install or start it, or set DOCKER_HOST if its socket has another path.`,
      };
    case 'ECONNREFUSED':
      return unusable(
        `Docker does not answer: its engine is not running (nothing listens on ${socket}). Start it: sudo systemctl start docker`,
      );
    case 'EACCES':
    case 'EPERM':
      return unusable(
        `This user may not use Docker (permission denied on ${socket}). ` +
          `Join the docker group with "sudo usermod -aG docker $USER", then log in again.`,
      );
    default:
      return unusable(`Docker does not answer on ${socket} (${cause}). Is it running?`);
  }
}

function missingImage(image: string): string {
  if (isOwnImage(image)) return `The workers' image ${image} is missing. Build it: npm run image`;
  return (
    `ERRAND_WORKER_IMAGE is '${image}', and Docker has no such image. Correct the name, or get the image with "docker pull ${image}". ` +
    `For Errand's own agent leave ERRAND_WORKER_IMAGE unset; "npm run image" builds it.`
  );
}

const unusable = (fault: string): Fault => ({ kind: 'unusable', fault });
