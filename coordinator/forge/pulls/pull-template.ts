import type { Access, ForgeClient, RepositoryName } from '../forge.ts';

const NAME = 'pull_request_template.md';
/** Where forges look for it, the usual places first. */
const PLACES: Record<ForgeClient['kind'], string[]> = {
  github: [`.github/${NAME}`, `.github/${NAME.toUpperCase().replace('.MD', '.md')}`, NAME, `docs/${NAME}`],
  gitea: [`.gitea/${NAME}`, `.forgejo/${NAME}`, `.github/${NAME}`, NAME],
};

/** The repository's template for pull requests; undefined: it has none. */
export async function readTemplate(
  client: ForgeClient,
  access: Access,
  name: RepositoryName,
): Promise<string | undefined> {
  for (const path of PLACES[client.kind]) {
    const text = await client.file(access, name, path);
    if (text !== undefined) return text;
  }
  return undefined;
}
