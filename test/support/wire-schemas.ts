import { readFileSync } from 'node:fs';
import { Ajv2020, type AnySchema } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';

/* Checks values against `protocol/schemas.json`, as a client in another language would. */

const ajv = new Ajv2020({ strict: true, strictTypes: false, code: { optimize: false } });
// The module is CommonJS: its function is the default of its default.
addFormats.default(ajv);
// For code generators: `oneOf` decides what is valid.
ajv.addKeyword({ keyword: 'discriminator', schemaType: 'object' });
const file = new URL('../../protocol/schemas.json', import.meta.url);
ajv.addSchema(JSON.parse(readFileSync(file, 'utf8')) as AnySchema, 'schemas');

/** What is wrong with a value of this type; null if it is valid. */
export function wireFault(type: string, value: unknown): string | null {
  const validate = ajv.getSchema(`schemas#/$defs/${type}`);
  if (!validate) throw new Error(`protocol/schemas.json has no type ${type}.`);
  return validate(value) === true ? null : `${type} ${ajv.errorsText(validate.errors)}`;
}

/** Throws if the value is not valid for this type. */
export function assertOnWire(type: string, value: unknown): void {
  const fault = wireFault(type, value);
  if (fault !== null) throw new Error(`${fault}: ${JSON.stringify(value)}`);
}
