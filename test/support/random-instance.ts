import type { Random } from './random.ts';

type Schema = Record<string, unknown>;

/** A text for each pattern in the schemas. */
const SAMPLES: Record<string, string> = {
  '^\\s*\\S+(\\s+\\S+){4}\\s*$': '0 3 * * 1-5',
  '^[0-9a-hjkmnp-tv-z]{20}$': '01m82pqrzqs0mha2mpj9',
  '^[a-z][a-z0-9-]{0,31}$': 'docker',
  '^[a-z0-9][a-z0-9._-]{0,49}$': 'web.site-2',
  '^[a-z0-9][a-z0-9._-]{0,31}$': 'rust-1.90',
  '^[a-zA-Z0-9][a-zA-Z0-9-]{0,98}$': 'my-org',
  '^[0-9a-f]{40}([0-9a-f]{24})?$': 'c0ffee'.padEnd(40, '0'),
  '^[A-Za-z0-9][A-Za-z0-9.:@-]*$': 'claude-sonnet-5-5',
  '^(\\*\\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$': '*.example.org',
  '^[A-Za-z_][A-Za-z0-9_]*$': 'NODE_ENV',
  '^[^:\\p{Cc}]+$': 'x-access-token',
  '^https?:\\/\\/[^\\s/?#@]+([/?#]\\S*)?$': 'https://push.example.org/a?b',
  '^[\\w-]{87}=?$': 'A'.repeat(87),
  '^[\\w-]{22}(==)?$': 'A'.repeat(22),
  '^[-_A-Za-z0-9]{1,64}$': 'errands',
  '^[\\x21-\\x7e]{1,200}$': 'tk_1',
};

/** Makes random values that are valid for a schema, and breaks them. */
export class RandomInstance {
  readonly #random: Random;
  readonly #definitions: Record<string, Schema>;

  constructor(random: Random, definitions: Record<string, Schema>) {
    this.#random = random;
    this.#definitions = definitions;
  }

  /** A random value of a named type. */
  of(name: string): unknown {
    const schema = this.#definitions[name];
    if (!schema) throw new Error(`There is no type ${name}.`);
    return this.#value(schema);
  }

  /**
   * A copy with one change at a random place: a field that is missing, unknown, null, of another type, or out of its
   * range. The value may still be valid.
   */
  broken(value: unknown): unknown {
    const copy: unknown = structuredClone({ value });
    const places: [holder: Record<string, unknown>, key: string][] = [];
    const visit = (holder: unknown) => {
      if (typeof holder !== 'object' || holder === null) return;
      for (const key of Object.keys(holder)) {
        places.push([holder as Record<string, unknown>, key]);
        visit((holder as Record<string, unknown>)[key]);
      }
    };
    visit(copy);
    const [holder, key] = this.#random.pick(places);
    const changes = [
      () => (Array.isArray(holder) ? holder.push({ unexpected: 1 }) : delete holder[key]),
      () => (Array.isArray(holder) ? holder.pop() : (holder['unexpected'] = 'field')),
      () => (holder[key] = this.#random.pick([null, true, '', 'text', -1, 0, 0.5, 2 ** 54, [], {}, { a: [1] }])),
      () =>
        (holder[key] =
          typeof holder[key] === 'string' ? holder[key] + 'x'.repeat(this.#random.pick([1, 200_001])) : [holder[key]]),
    ];
    this.#random.pick(changes)();
    return (copy as { value?: unknown }).value ?? null;
  }

  #value(schema: Schema): unknown {
    const { $ref, type } = schema;
    if (typeof $ref === 'string') return this.of($ref.slice('#/$defs/'.length));
    if ('const' in schema) return schema['const'];
    const choices = schema['oneOf'] ?? schema['anyOf'];
    if (Array.isArray(choices)) return this.#value(this.#random.pick(choices as Schema[]));
    if (Array.isArray(schema['enum'])) return this.#random.pick(schema['enum'] as unknown[]);
    switch (Array.isArray(type) ? this.#random.pick(type) : type) {
      case 'object':
        return this.#object(schema);
      case 'array':
        return this.#array(schema);
      case 'string':
        return this.#text(schema);
      case 'integer':
      case 'number':
        return this.#number(schema);
      case 'boolean':
        return this.#random.pick([true, false]);
      case 'null':
        return null;
      case undefined:
        return this.#random.pick([null, 1, 'anything', { a: [true] }]);
      default:
        throw new Error(`There is no value for ${JSON.stringify(schema)}.`);
    }
  }

  #array({ items, minItems = 0, maxItems = 3, uniqueItems }: Schema): unknown[] {
    const length = this.#random.whole(Number(minItems), Math.max(Number(minItems), Math.min(Number(maxItems), 3)));
    const values = Array.from({ length }, () => this.#value(items as Schema));
    return uniqueItems === true ? [...new Set(values)] : values;
  }

  #object({ properties = {}, required = [], minProperties = 0, ...more }: Schema): Schema {
    const { additionalProperties, propertyNames } = more;
    const value: Schema = {};
    for (const [name, schema] of Object.entries(properties as Record<string, Schema>))
      if ((required as string[]).includes(name) || this.#random.next() < 0.5) value[name] = this.#value(schema);
    const left = Object.entries(properties as Record<string, Schema>).filter(([name]) => !(name in value));
    while (Object.keys(value).length < Number(minProperties)) {
      const [name, schema] = this.#random.pick(left);
      value[name] ??= this.#value(schema);
    }
    if (typeof additionalProperties === 'object' && additionalProperties !== null) {
      const name = propertyNames === undefined ? 'added' : this.#text(propertyNames as Schema);
      if (this.#random.next() < 0.5) value[name] = this.#value(additionalProperties as Schema);
    }
    return value;
  }

  #text({ pattern, format, minLength = 0 }: Schema): string {
    if (format === 'date') return new Date(this.#random.whole(0, 4e12)).toISOString().slice(0, 10);
    if (format === 'uri') return 'https://github.com/login/device';
    if (format === 'date-time') return new Date(this.#random.whole(0, 4e12)).toISOString();
    if (typeof pattern !== 'string') return 'word'.repeat(this.#random.whole(1, 5)).padEnd(Number(minLength), '.');
    const sample = SAMPLES[pattern];
    if (sample === undefined) throw new Error(`There is no sample for the pattern ${pattern}.`);
    return sample;
  }

  #number({ type, minimum, exclusiveMinimum, maximum }: Schema): number {
    const least = Number(minimum ?? exclusiveMinimum ?? -1000) + (exclusiveMinimum === undefined ? 0 : 1);
    const value = this.#random.whole(least, Math.min(Number(maximum ?? 1e6), this.#random.pick([least + 3, 1e6])));
    return JSON.stringify(type).includes('integer')
      ? value
      : value + this.#random.pick([0, 0.25]) * Number(value < Number(maximum ?? Infinity));
  }
}
