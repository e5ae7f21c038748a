/** Whether an address leads to the machine that opens it, so that no other device reaches the server by it. */
export function isLocalAddress(url: string): boolean {
  return /^(localhost|127\..*|\[::1\])$/.test(new URL(url).hostname);
}
