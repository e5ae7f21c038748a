import type { Signal } from '@preact/signals';
import type { Project } from '../../../protocol/api.ts';
import type { Client } from '../../client/client.ts';
import { Failure } from '../../client/errors.ts';
import { allProjects } from '../../client/lists.ts';
import { loadWire } from '../../client/load-wire.ts';
import { unlessFull } from './database.ts';
import type { Texts } from './texts.ts';

type Place = {
  client: Client;
  texts: Texts;
  projects: Signal<readonly Project[] | undefined>;
  full: Signal<boolean>;
};

/** Reads the projects, and keeps them on the device. See `Session.readProjects`. */
export async function readProjects({ client, texts, projects, full }: Place): Promise<Failure | undefined> {
  try {
    const [kept, { ProjectPage }] = await Promise.all([texts.read('projects'), loadWire()]);
    if (kept !== undefined && !projects.value)
      projects.value = ProjectPage.shape.items.safeParse(JSON.parse(kept)).data;
    projects.value = await allProjects(client);
    await unlessFull(texts.write('projects', JSON.stringify(projects.value)), full);
    return undefined;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error;
  }
}
