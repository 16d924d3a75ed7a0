import { describe, expect, it } from 'vitest';
import { serverPath } from '../model/path';
import { changed, freely, message, shown } from '../model/values';

const p = (name: string, value: unknown, text: string) => ({ name, default: value, text });
const KNOWN = [
  p('region', 'north', "'north'"),
  p('rate', 0.5, '0.50'),
  p('fast', true, 'True'),
  p('names', ['a'], "['a']"),
  p('nothing', null, 'None'),
  p('today', null, 'date.today()')
];

describe('parameters of a notebook', () => {
  it('are shown as they are written, a text without its quotes, an expression not at all', () => {
    expect(KNOWN.map(shown)).toEqual(['north', '0.50', 'True', '["a"]', 'None', '']);
  });

  it('are sent only where they differ', () => {
    expect(changed(KNOWN, {})).toEqual({});
    expect(changed(KNOWN, { region: '12', rate: '2', fast: 'False', today: '"2026-01-01"' })).toEqual({
      region: '12',
      rate: 2,
      fast: false,
      today: '2026-01-01'
    });
  });

  it('are refused by name, never guessed, never rounded', () => {
    expect(() => changed(KNOWN, { rate: 'fast' })).toThrow(/^rate: fast is no value/);
    expect(() => changed(KNOWN, { rate: '' })).toThrow(/^rate: nothing is no value/);
    expect(() => changed(KNOWN, { rate: '9007199254740993' })).toThrow(/9007199254740993 is more/);
    expect(changed(KNOWN, { rate: '9007199254740992' })).toEqual({ rate: 9007199254740992 });
    expect(changed(KNOWN, { names: '["12345678901234567891"]' })).toEqual({ names: ['12345678901234567891'] });
  });

  it('are one object where nobody can tell them', () => {
    expect(freely(' ')).toEqual({});
    expect(freely('{"a": 1}')).toEqual({ a: 1 });
    expect(() => freely('[1]')).toThrow(/one JSON object/);
  });
});

describe('the path of a notebook', () => {
  const drives = (known: string[]) => (path: string) =>
    known.some(name => path.startsWith(`${name}:`)) ? path.slice(path.indexOf(':') + 1) : path;

  it('loses the drive of shared editing, whether or not the contents manager knows it', () => {
    expect(serverPath(drives(['RTC']), 'RTC:work/a.ipynb')).toBe('work/a.ipynb');
    expect(serverPath(drives([]), 'RTC:work/a.ipynb')).toBe('work/a.ipynb');
    expect(serverPath(drives([]), 'RTC:/a.ipynb')).toBe('a.ipynb');
    expect(serverPath(drives([]), 'work/RTC:a.ipynb')).toBe('work/RTC:a.ipynb');
    expect(serverPath(drives([]), 'plain.ipynb')).toBe('plain.ipynb');
  });
});

describe('a message to a service', () => {
  it('is JSON where it is JSON, else a text', () => {
    expect(message('{"rate": 2}')).toEqual({ kind: 'JSON', value: { rate: 2 } });
    expect(message('slow down')).toEqual({ kind: 'text', value: 'slow down' });
    expect(message('9007199254740993')).toEqual({ kind: 'text', value: '9007199254740993' });
  });
});
