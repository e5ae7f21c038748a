import type { ForgeKind } from '../../../protocol/forges.ts';
import type { ForgeClient } from '../forge.ts';
import type { ForgeHttp } from '../forge-http.ts';
import { giteaClient } from '../gitea/gitea-client.ts';
import { gitHubClient } from '../github/github-client.ts';

/** The client for a forge of this kind. */
export function openClient(http: ForgeHttp, kind: ForgeKind, origin: string): ForgeClient {
  switch (kind) {
    case 'github':
      return gitHubClient(http, origin);
    case 'gitea':
      return giteaClient(http, origin);
  }
}
