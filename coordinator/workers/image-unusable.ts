import { ErrandError } from '../../protocol/problem.ts';

/** No worker can have the image of its project, in words for people. Another attempt would not have it either. */
export class ImageUnusable extends ErrandError {
  constructor(name: string, why: string) {
    super('conflict', `The image '${name}' of the project cannot be used. ${why}`);
  }
}
