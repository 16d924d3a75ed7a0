/** What a person types for a parameter, as the JSON that the server takes. Pure. */

import type { Parameter } from '../wire';

const WORDS: Record<string, unknown> = { True: true, False: false, None: null };
const HOW = 'Write a text in quotes, or a number, true, false, null, [a list] or {"an": "object"}.';

/** As the field shows it at first: a text as it is, everything else as the notebook writes it. */
export function shown(parameter: Parameter): string {
  const { default: value, text } = parameter;
  if (typeof value === 'string') {
    return value;
  }
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : isPlain(parameter) ? text : '';
}

/** Its default is a value, not an expression that only the kernel knows. */
export function isPlain(parameter: Parameter): boolean {
  return parameter.default !== null || parameter.text === 'None';
}

/** The values that differ from the notebook's own. Throws with the parameter's name where one is no value. */
export function changed(parameters: readonly Parameter[], typed: Record<string, string>): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const parameter of parameters) {
    const now = typed[parameter.name] ?? shown(parameter);
    if (now !== shown(parameter)) {
      found[parameter.name] = typeof parameter.default === 'string' ? now : read(parameter.name, now);
    }
  }
  return found;
}

/** One JSON value. A number that this page could not keep exactly is refused, not rounded. */
function read(name: string, typed: string): unknown {
  const words = typed.trim();
  if (words in WORDS) {
    return WORDS[words];
  }
  let value: unknown;
  try {
    value = JSON.parse(words) as unknown;
  } catch {
    throw new Error(`${name}: ${words || 'nothing'} is no value. ${HOW}`);
  }
  const [large] = /(?<![\w.])-?\d{16,}(?![\w.])/.exec(words.replace(/"(?:\\.|[^"\\])*"/g, '""')) ?? [];
  if (large && BigInt(large) !== BigInt(Number(large))) {
    throw new Error(`${name}: ${large} is more than a web page can count exactly. Set it in the notebook or from Python.`);
  }
  return value;
}

/** One JSON object of values, for a notebook that declares none. */
export function freely(typed: string): Record<string, unknown> {
  if (!typed.trim()) {
    return {};
  }
  const value = read('Parameters', typed);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error('Parameters: they are one JSON object, such as {"lr": 0.1}.');
  }
  return value as Record<string, unknown>;
}

/** A message as it will be sent: JSON where it is JSON, else the text. The page says which before it goes. */
export function message(typed: string): { kind: 'JSON' | 'text'; value: unknown } {
  try {
    return { kind: 'JSON', value: read('The message', typed) };
  } catch {
    return { kind: 'text', value: typed };
  }
}
