import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { makeServer } from './make-server.ts';

/*
 * A program: an MCP server over its standard input and output. Where a file is given, it starts a process that does not
 * end by itself, and writes its own id and that one's to the file.
 */

const [file] = process.argv.slice(2);
if (file !== undefined) {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  writeFileSync(file, `${process.pid} ${child.pid}`);
}
await makeServer().connect(new StdioServerTransport());
