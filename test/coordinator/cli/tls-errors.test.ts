import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import test, { type ExecutionContext } from 'ava';
import { makeCertificate } from '../../support/certificate.ts';
import { CommandLine } from '../../support/command-line.ts';
import { temporaryFolder } from '../../support/folder.ts';

async function listen(t: ExecutionContext, server: Server): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('an address with https:// of a server without TLS, and a certificate of an unknown authority, are told in words', async (t) => {
  const plain = await listen(t, createHttpServer());
  const sealed = await listen(t, createServer(await makeCertificate(await temporaryFolder(t), ['127.0.0.1'])));
  const cli = await CommandLine.create(t);
  const logIn = async (server: string) =>
    (await cli.run(['login', '--server', server, '--email', 'ada@example.org'], { stdin: 'secret words' })).stderr;
  t.is(
    await logIn(`https://127.0.0.1:${plain}`),
    `https://127.0.0.1:${plain} does not answer: wrong version number.\nIt speaks no TLS there: write http:// in place of https://\n`,
  );
  t.regex(
    await logIn(`https://127.0.0.1:${sealed}`),
    /does not answer: self-signed certificate.*\n.* name its certificate: NODE_EXTRA_CA_CERTS=ca\.pem\n$/,
  );
});
