import { openWebApp } from './build.ts';

/* `npm run web` builds the app ahead of the first start, such as for an image or before `npm prune --omit=dev`. */
await openWebApp();
