/** A tool's name for people: that of an MCP server, `mcp__linear__get_issue`, as `linear: get_issue`. */
export function shownToolName(name: string): string {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server === undefined || tool === undefined ? name : `${server}: ${tool}`;
}
