/** Where the REST API begins: that of github.com, or of an Enterprise server at any other origin. */
export function apiRoot(origin: string): string {
  return isGitHubCom(origin) ? 'https://api.github.com' : `${origin}/api/v3`;
}

export function isGitHubCom(origin: string): boolean {
  return origin === 'https://github.com';
}
