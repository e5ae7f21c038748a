import type { ForgeClient, ForgeEvent } from '../../../coordinator/forge/forge.ts';
import { giteaClient } from '../../../coordinator/forge/gitea/gitea-client.ts';
import { gitHubClient } from '../../../coordinator/forge/github/github-client.ts';
import type { ForgeKind } from '../../../protocol/forges.ts';
import type { Ends } from '../folder.ts';
import { forgeHttp } from './forge-http.ts';
import type { Gitea } from './gitea/gitea.ts';
import type { GitHub } from './github/github.ts';
import type { SentHook } from './hooks.ts';
import { startGitHub } from './github/stand-in.ts';
import { startGitea } from './gitea/stand-in.ts';
import type { Person, Repository } from './world.ts';
import { readDelivery } from './read-delivery.ts';

/** A forge of one kind, with a client, two people, and a repository of ada's that bob may write to. */
export type ForgeScene = {
  /** What both stand-ins have. */
  forge: GitHub | Gitea;
  client: ForgeClient;
  ada: Person;
  bob: Person;
  demo: Repository;
  /** A token of a person. */
  access: (person: Person) => { token: string };
  /** The webhooks that were sent, and what the client reads of each. */
  sent: () => SentHook[];
  read: (sent: SentHook) => Promise<ForgeEvent | undefined>;
};

/** Starts a stand-in and a client for it. */
export async function forgeScene(t: Ends, kind: ForgeKind): Promise<ForgeScene> {
  const { forge, client, hooks, secret } = await start(t, kind);
  const [ada, bob] = [forge.world.addPerson('ada'), forge.world.addPerson('bob')];
  const demo = await forge.world.addRepository({ owner: ada, name: 'demo', permissions: { bob: 'write' } });
  const webhook_secret = secret(ada);
  return {
    forge,
    client,
    ada,
    bob,
    demo,
    access: (person) => ({ token: forge.apps.personalToken(person).value }),
    sent: () => hooks.sent,
    read: ({ headers, body }) => readDelivery(client, { headers, body: Buffer.from(body) }, webhook_secret),
  };
}

async function start(t: Ends, kind: ForgeKind) {
  switch (kind) {
    case 'github': {
      const github = await startGitHub(t);
      const secret = (owner: Person) => {
        const app = github.apps.addApp(owner, { name: 'Errand' });
        github.apps.install(app, owner);
        return app.webhook_secret;
      };
      return {
        forge: github,
        client: gitHubClient(forgeHttp(t, [github.host]), github.origin),
        hooks: github.hooks,
        secret,
      };
    }
    case 'gitea': {
      const gitea = await startGitea(t);
      const { hooks, hook } = gitea.webhooks;
      return {
        forge: gitea,
        client: giteaClient(forgeHttp(t, [gitea.host]), gitea.origin),
        hooks,
        secret: () => hook.secret,
      };
    }
  }
}
