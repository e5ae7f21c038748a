import test from 'ava';
import { takesSchema } from '../../../agent-container/mcp/schema.ts';

const object = (fields: object) => ({ type: 'object', ...fields });

test('takes schemas of the draft 2020-12, with formats and words that it does not know', async (t) => {
  for (const schema of [
    object({}),
    object({ properties: { 'a.b-c_1': { type: 'string', format: 'made-up', 'x-own': 1 } }, required: ['a.b-c_1'] }),
    object({ properties: { a: { anyOf: [{ type: 'string' }, { $ref: '#/definitions/b' }] } }, definitions: { b: {} } }),
  ])
    t.true(await takesSchema(schema), JSON.stringify(schema));
});

test('does not take what the API would refuse every request for', async (t) => {
  for (const schema of [
    object({ anyOf: [{ required: ['a'] }] }),
    object({ properties: { 'two words': {} } }),
    object({ properties: { ['a'.repeat(65)]: {} } }),
    object({ properties: { a: { type: 'nonsense' } } }),
    object({ properties: { a: { type: 'array', items: [{ type: 'string' }] } } }),
    object({ properties: { a: { exclusiveMinimum: true } } }),
    object({ properties: { a: { $ref: '#/$defs/none' } } }),
    object({ properties: { a: { pattern: '[' } } }),
    object({ required: 'a' }),
  ])
    t.false(await takesSchema(schema), JSON.stringify(schema));
});
