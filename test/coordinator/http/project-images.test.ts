import test from 'ava';
import { startApi } from '../../support/start-api.ts';

const repo_url = 'https://forge.example/a/b';
const IMAGES = { ERRAND_WORKER_IMAGES: 'rust=errand-rust:latest,go=errand-go' };

test('a project has one of the images that the server offers, by its name, or the default', async (t) => {
  const { api } = await (await startApi(t, IMAGES)).person();
  t.deepEqual((await api.call('server', {})).images, ['rust', 'go']);
  const { id, image } = await api.call('createProject', { body: { name: 'P', repo_url } });
  t.is(image, null);
  const patch = async (body: object) => (await api.call('patchProject', { params: { id }, body })).image;
  t.is(await patch({ image: 'rust' }), 'rust');
  t.is(await patch({ name: 'Q' }), 'rust', 'another field was changed');
  t.is(await patch({ image: null }), null);
  t.is((await api.call('createProject', { body: { name: 'R', repo_url, image: 'go' } })).image, 'go');
});

test('a name that is none of them, also the reference of an image, is refused at its field with those that are', async (t) => {
  const { api } = await (await startApi(t, IMAGES)).person();
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url } });
  for (const image of ['python', 'errand-rust', 'constructor', 'default'])
    for (const refused of [
      await api.refused('createProject', { body: { name: 'Q', repo_url, image } }),
      await api.refused('patchProject', { params: { id }, body: { image } }),
    ])
      t.like(refused, {
        code: 'invalid',
        errors: [{ field: '/image', message: "is none of this server's images: rust, go" }],
      });
  for (const image of ['errand-rust:latest', 'Rust', '', 'a'.repeat(33), 'ro ot'])
    t.like(await api.refused('patchProject', { params: { id }, body: { image } }), { errors: [{ field: '/image' }] });
});

test('a server without further images says so, and a project keeps a name that is offered no more', async (t) => {
  const { api, db } = await startApi(t).then(async (server) => ({ ...server, ...(await server.person()) }));
  t.deepEqual((await api.call('server', {})).images, []);
  const { id } = await api.call('createProject', { body: { name: 'P', repo_url } });
  const refused = await api.refused('patchProject', { params: { id }, body: { image: 'rust' } });
  t.like(refused, {
    errors: [{ field: '/image', message: "is none of this server's images: it has only its default" }],
  });
  db.prepare("UPDATE projects SET image = 'rust' WHERE id = ?").run(id);
  const patch = async (body: object) => (await api.call('patchProject', { params: { id }, body })).image;
  t.is(await patch({ verify_command: 'cargo test' }), 'rust');
  t.is(await patch({ image: null }), null);
});
