import { CONTRACT_LABEL, CONTRACT_VERSION_UNNAMED } from '../../../protocol/worker.ts';
import type { Image } from './client.ts';

/** The version of the worker contract in the label of an image. */
export function contractVersionOf({ Config }: Image): number {
  const label = Config?.Labels?.[CONTRACT_LABEL];
  return label === undefined ? CONTRACT_VERSION_UNNAMED : Number(label);
}
