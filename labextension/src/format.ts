/** Small texts of every view: the words of `views/phrases.py`, kept alike by tests/wire/format.json. */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `1204.5` as `1,204.5`: the sign for thousands is the same everywhere. */
function thousands(text: string): string {
  const [whole, rest] = text.split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
  return rest === undefined ? grouped : `${grouped}.${rest}`;
}

/** Round half to even, as Python does. */
function roundEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest !== 0.5) {
    return Math.round(value);
  }
  return below % 2 === 0 ? below : below + 1;
}

/** `812 bytes`, `2.1 KB`, `100 MB`; powers of 1000. */
export function size(bytes: number): string {
  if (bytes < 1000) {
    const whole = roundEven(bytes);
    return `${whole} byte${whole === 1 ? '' : 's'}`;
  }
  let unit = '';
  for (unit of ['KB', 'MB', 'GB', 'TB']) {
    bytes /= 1000;
    if (bytes < 999.5) {
      break;
    }
  }
  return bytes < 9.95 ? `${bytes.toFixed(1)} ${unit}` : `${roundEven(bytes)} ${unit}`;
}

/** Of seconds: `0.42 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 0.0995) {
    return `${roundEven(seconds * 1000)} ms`;
  }
  if (seconds < 9.95) {
    return `${seconds.toFixed(1)} s`;
  }
  const whole = roundEven(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  const units: [number, string, number, string][] = [
    [86400, 'd', 3600, 'h'],
    [3600, 'h', 60, 'min'],
    [60, 'min', 1, 's']
  ];
  const [big, bigName, small, smallName] = units.find(([unit]) => whole >= unit) ?? units[2];
  const rest = Math.floor((whole % big) / small);
  return `${Math.floor(whole / big)} ${bigName}${rest ? ` ${rest} ${smallName}` : ''}`;
}

/** `1 job`, `3 jobs`, `2 retries`. */
export function count(number: number, word: string): string {
  if (number === 1) {
    return `1 ${word}`;
  }
  const plural = /[^aeiou]y$/.test(word) ? `${word.slice(0, -1)}ies` : `${word}s`;
  return `${thousands(String(number))} ${plural}`;
}

/** What a job waits for, in words: of `slot:train`, `rate:api`, `paused:low`, `paused`. */
export function waitingFor(reason: string): string {
  const at = reason.indexOf(':');
  const kind = at < 0 ? reason : reason.slice(0, at);
  const name = at < 0 ? '' : reason.slice(at + 1);
  switch (kind) {
    case 'slot':
      return `waits for a free slot of ${name}`;
    case 'rate':
      return `waits for its time under the rate of ${name}`;
    case 'paused':
      return name ? `waits: the queue ${name} is paused` : 'waits: everything is paused';
    case 'window':
      return 'waits for its window to open';
    case 'constraint':
      return `waits for the machine: ${name}`;
    default:
      return `waits for ${reason}`;
  }
}

/** `text` in one line of at most `longest` characters, an ellipsis in the middle. */
export function brief(text: string, longest: number): string {
  const line = [...text.split(/\s+/).filter(Boolean).join(' ')];
  if (line.length <= longest) {
    return line.join('');
  }
  const head = Math.floor(((longest - 1) * 2) / 3);
  return `${line.slice(0, head).join('')}…${line.slice(line.length - (longest - 1 - head)).join('')}`;
}

/** Rounded down, so that 100 % means done. */
export function percent(fraction: number): string {
  return `${Math.floor(fraction * 100 + 1e-9)} %`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Local `10:32`. */
export function clock(at: Date): string {
  return `${two(at.getHours())}:${two(at.getMinutes())}`;
}

/** Local time: `10:32:05` today, `3 Mar 10:32` this year, else with the year. */
export function moment(at: Date, now: Date): string {
  if (at.toDateString() === now.toDateString()) {
    return `${clock(at)}:${two(at.getSeconds())}`;
  }
  const year = at.getFullYear() === now.getFullYear() ? '' : ` ${at.getFullYear()}`;
  return `${at.getDate()} ${MONTHS[at.getMonth()]}${year} ${clock(at)}`;
}

/** `in 5 min`, `3 h ago`, `now`. */
export function relative(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  if (Math.abs(seconds) < 1) {
    return 'now';
  }
  const coarse = Math.abs(seconds) < 9.95 ? Math.round(Math.abs(seconds)) : Math.abs(seconds);
  const words = coarse < 10 ? `${coarse} s` : duration(coarse).split(' ').slice(0, 2).join(' ');
  return seconds > 0 ? `in ${words}` : `${words} ago`;
}

/** Seconds as one types them: `30s`, `1h30m`, `2d`. */
export function interval(seconds: number): string {
  let rest = seconds;
  const parts: string[] = [];
  for (const [unit, name] of [
    [86400, 'd'],
    [3600, 'h'],
    [60, 'm']
  ] as const) {
    if (rest >= unit) {
      parts.push(`${Math.floor(rest / unit)}${name}`);
      rest %= unit;
    }
  }
  return rest > 0 || parts.length === 0 ? [...parts, `${rest}s`].join('') : parts.join('');
}
