import type { WebApp } from '../../coordinator/http/web-app.ts';

/** For a server without the app in the browser. */
export const NO_APP: WebApp = {
  files: new Map(),
  pageAt: () => undefined,
};
