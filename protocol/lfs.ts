import { z } from 'zod';
import { LIMITS } from './limits.ts';

/*
 * Git LFS at the git proxy: the batch API (https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md) with basic
 * transfers. There are no locks.
 */

export const LFS_MEDIA_TYPE = 'application/vnd.git-lfs+json';

/**
 * The request header with the address under which the sender's git reaches the repository. The addresses of objects
 * begin with it. Absent: the address of the request itself, with http.
 */
export const GIT_URL_HEADER = 'errand-git-url';
export const GitUrl = z
  .string()
  .max(2_000)
  .regex(/^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/);

/** An object of Git LFS: the SHA-256 of its content, and its length in bytes. */
export const LfsObject = z.object({
  oid: z.string().regex(/^[0-9a-f]{64}$/),
  size: z.number().int().min(0),
});
export type LfsObject = z.infer<typeof LfsObject>;

/** Asks for the transfers of some objects. Other fields have no effect. */
export const LfsBatchRequest = z.object({
  operation: z.enum(['download', 'upload']),
  transfers: z.array(z.string().max(100)).max(20).optional(),
  hash_algo: z.literal('sha256').optional(),
  objects: z.array(LfsObject).min(1).max(LIMITS.lfs_objects_per_batch_max),
});
export type LfsBatchRequest = z.infer<typeof LfsBatchRequest>;
