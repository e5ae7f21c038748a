/** What the API does not take at the top of a schema. */
const NOT_AT_TOP = ['oneOf', 'anyOf', 'allOf', '$ref'];
/** The names of fields that it takes. */
const FIELD_NAME = /^[a-zA-Z0-9_.-]{1,64}$/;

/**
 * Whether the API takes the schema of a tool's input. For one that is no JSON Schema of the draft 2020-12 it refuses
 * every request that has the tool.
 */
export async function takesSchema(schema: Record<string, unknown>): Promise<boolean> {
  const { properties } = schema;
  const fields = typeof properties === 'object' && properties !== null ? Object.keys(properties) : [];
  if (NOT_AT_TOP.some((key) => key in schema) || !fields.every((name) => FIELD_NAME.test(name))) return false;
  const { Ajv2020 } = await import('ajv/dist/2020.js');
  try {
    new Ajv2020({ strict: false, validateFormats: false, logger: false }).compile(schema);
    return true;
  } catch {
    return false;
  }
}
