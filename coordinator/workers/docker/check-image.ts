import { contractFault, CONTRACT_VERSION } from '../../../protocol/worker.ts';
import { OWN_WORKER_IMAGE } from '../../base/settings.ts';
import type { ImageState } from '../runner.ts';
import type { Image } from './client.ts';
import { statusOf, type Engine } from './engine.ts';
import { contractVersionOf } from './image-contract.ts';

/** How fit an image of ERRAND_WORKER_IMAGES is for workers. Rejects if the engine does not answer. */
export async function checkImage(engine: Engine, image: string): Promise<ImageState> {
  const [found, own] = await Promise.all([find(engine, image), find(engine, OWN_WORKER_IMAGE)]);
  if (!found) return unusable(missingImage(image));
  const version = contractVersionOf(found);
  const fault = contractFault(version);
  if (fault !== null)
    return unusable(
      version > CONTRACT_VERSION ? fault : `${fault} First build ${OWN_WORKER_IMAGE}: npm run image. ${rebuild(image)}`,
    );
  if (own && hasOtherAgent(found, own))
    return {
      kind: 'outdated',
      words: `It was not built from the ${OWN_WORKER_IMAGE} that is here now. ${rebuild(image)}`,
    };
  return { kind: 'ready' };
}

/** Says that an image of ERRAND_WORKER_IMAGES is missing. */
export function missingImage(image: string): string {
  return `Docker has no image '${image}': build it, or correct ERRAND_WORKER_IMAGES.`;
}

/** 400: the name is not valid for an image. */
async function find({ checks }: Engine, image: string): Promise<Image | undefined> {
  try {
    return await checks.inspectImage(image);
  } catch (error) {
    const status = statusOf(error);
    if (status === 404 || status === 400) return undefined;
    throw error;
  }
}

/** Whether an image starts the agent of Errand's own image, and was not built on top of that image as it is now. */
function hasOtherAgent(image: Image, own: Image): boolean {
  const [starts, starts_own] = [image, own].map(({ Config }) => JSON.stringify(Config?.Entrypoint));
  const layers = image.RootFS?.Layers ?? [];
  return starts === starts_own && (own.RootFS?.Layers ?? []).some((layer, index) => layer !== layers[index]);
}

function rebuild(image: string): string {
  return `Build it again with its Dockerfile: docker build --tag ${image} - < Dockerfile`;
}

const unusable = (words: string): ImageState => ({ kind: 'unusable', words });
