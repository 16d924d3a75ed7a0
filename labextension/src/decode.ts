/**
 * Decoders: from what came over the wire to a value of a type, or an error that says where it is wrong.
 *
 * Fields that are not named are dropped, so that an older page goes on with a newer server.
 */

/** What came over the wire is not what was promised. */
export class WireError extends Error {
  constructor(path: string, wanted: string, found: unknown) {
    super(`the server's answer at ${path}: ${wanted} was expected, not ${describe(found)}`);
  }
}

function describe(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'a list' : typeof value;
}

export type Decoder<T> = (value: unknown, path: string) => T;
export type Decoded<D> = D extends Decoder<infer T> ? T : never;

export const text: Decoder<string> = (value, path) => {
  if (typeof value !== 'string') {
    throw new WireError(path, 'a text', value);
  }
  return value;
};

export const number: Decoder<number> = (value, path) => {
  if (typeof value !== 'number') {
    throw new WireError(path, 'a number', value);
  }
  return value;
};

export const flag: Decoder<boolean> = (value, path) => {
  if (typeof value !== 'boolean') {
    throw new WireError(path, 'true or false', value);
  }
  return value;
};

/** Any JSON value. */
export const anything: Decoder<unknown> = value => value;

/** A moment: ISO 8601 over the wire. */
export const date: Decoder<Date> = (value, path) => {
  const at = new Date(text(value, path));
  if (Number.isNaN(at.getTime())) {
    throw new WireError(path, 'a moment', value);
  }
  return at;
};

export function nullable<T>(inner: Decoder<T>): Decoder<T | null> {
  return (value, path) => (value === null || value === undefined ? null : inner(value, path));
}

/** What an older server leaves out. */
export function withDefault<T>(inner: Decoder<T>, missing: T): Decoder<T> {
  return (value, path) => (value === null || value === undefined ? missing : inner(value, path));
}

export function list<T>(inner: Decoder<T>): Decoder<T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) {
      throw new WireError(path, 'a list', value);
    }
    return value.map((item, index) => inner(item, `${path}[${index}]`));
  };
}

export function record<T>(inner: Decoder<T>): Decoder<Record<string, T>> {
  return (value, path) => {
    const found: Record<string, T> = {};
    for (const [name, item] of Object.entries(mapping(value, path))) {
      found[name] = inner(item, `${path}.${name}`);
    }
    return found;
  };
}

/** One of these words; a word that a newer server has made up becomes `other`. */
export function word<W extends string>(words: readonly W[], other: W): Decoder<W> {
  return (value, path) => {
    const found = text(value, path) as W;
    return words.includes(found) ? found : other;
  };
}

export function pair<A, B>(first: Decoder<A>, second: Decoder<B>): Decoder<[A, B]> {
  return (value, path) => {
    if (!Array.isArray(value) || value.length !== 2) {
      throw new WireError(path, 'a pair', value);
    }
    return [first(value[0], `${path}[0]`), second(value[1], `${path}[1]`)];
  };
}

export function object<F extends Record<string, Decoder<unknown>>>(
  fields: F
): Decoder<{ [K in keyof F]: Decoded<F[K]> }> {
  const entries = Object.entries(fields);
  return (value, path) => {
    const given = mapping(value, path);
    const found: Record<string, unknown> = {};
    for (const [name, inner] of entries) {
      found[name] = inner(given[name], `${path}.${name}`);
    }
    return found as { [K in keyof F]: Decoded<F[K]> };
  };
}

function mapping(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new WireError(path, 'an object', value);
  }
  return value as Record<string, unknown>;
}
