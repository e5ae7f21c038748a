import { ErrandError } from '../../protocol/problem.ts';
import type { Config } from '../base/config.ts';

/** Throws `invalid` for an image that the server does not offer. Undefined and null leave it to the server. */
export function requireImage({ worker_images }: Pick<Config, 'worker_images'>, name: string | null | undefined): void {
  if (name === undefined || name === null || worker_images.has(name)) return;
  const names = [...worker_images.keys()].join(', ');
  const message =
    names === ''
      ? "is none of this server's images: it has only its default"
      : `is none of this server's images: ${names}`;
  throw new ErrandError('invalid', `The image '${name}' ${message}.`, { errors: [{ field: '/image', message }] });
}
