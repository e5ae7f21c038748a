import { z } from 'zod';

/** A kind of forge. `gitea` is Forgejo too: both have one API. */
export const ForgeKind = z.enum(['github', 'gitea']);
export type ForgeKind = z.infer<typeof ForgeKind>;
