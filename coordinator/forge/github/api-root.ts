/** Where the REST API begins: GitHub in the cloud has a host of its own for it, an Enterprise server a path. */
export function apiRoot(origin: string): string {
  return isCloud(origin) ? `https://api.${new URL(origin).host}` : `${origin}/api/v3`;
}

/** What `/graphql` is below. */
export function graphqlRoot(origin: string): string {
  return isCloud(origin) ? apiRoot(origin) : `${origin}/api`;
}

/** Whether GitHub itself runs what is at this origin: github.com, or a company's own subdomain of ghe.com. */
export function isCloud(origin: string): boolean {
  return origin === 'https://github.com' || /^https:\/\/[a-z0-9-]+\.ghe\.com$/.test(origin);
}
