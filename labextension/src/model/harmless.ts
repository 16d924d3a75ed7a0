/**
 * Keeps what nobody trusts from asking other machines: a picture can tell a stranger who reads a job's outputs.
 *
 * JupyterLab's sanitizer keeps scripts out and pictures in. What it lets through is looked at once more, as
 * the browser will read it: only what lies in the output itself (`data:`, `#…`) is loaded; in the place of all
 * else stands a note.
 */

import type { IOutput } from '@jupyterlab/nbformat';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';

type Options = Parameters<IRenderMime.ISanitizer['sanitize']>[1];

/** Attributes whose address the browser goes to by itself. */
const LOADING = ['src', 'srcset', 'imagesrcset', 'poster', 'background', 'lowsrc', 'dynsrc', 'data', 'ping'];
/** Elements whose `href` it goes to as well. */
const BY_HREF = 'link, image, use, feimage, script, base, pattern, filter, lineargradient, radialgradient, mpath, textpath';
/** Elements that are nothing but a page, a program or a sheet from somewhere. */
const WHOLE = 'iframe, frame, object, embed, applet, portal, link, meta, base, script, template, noscript';
/** Whether there is anything to look at; most texts have nothing. */
const SUSPECT = /<(?:img|image|picture|source|video|audio|track|input|use|svg|style|iframe|frame|object|embed|link|meta|base|template|noscript)\b|\b(?:src|srcset|poster|background|style|data|ping|href)\s*=/i;
const INSIDE = /^\s*(?:data:|#)/i;
const FETCHING = /(?:^|[^a-z-])(?:url|src|image|image-set|-webkit-image-set|cross-fade|element)\s*\(|@import/i;

/** HTML of which the browser loads nothing from anywhere. */
export function harmless(html: string): string {
  if (!SUSPECT.test(html)) {
    return html;
  }
  const page = new DOMParser().parseFromString(`<body>${html}`, 'text/html'); // inert: it loads nothing
  for (const element of page.body.querySelectorAll(WHOLE)) {
    element.replaceWith(note(page, element, addressOf(element)));
  }
  for (const element of [...page.body.querySelectorAll('*')]) {
    if (element.localName === 'style' ? fetches(element.textContent ?? '') : loads(element)) {
      const whole = element.closest('picture, video, audio, svg') ?? element; // in there no note would be seen
      whole.replaceWith(note(page, element, addressOf(element)));
    } else if (fetches(element.getAttribute('style') ?? '')) {
      element.before(note(page, element, element.getAttribute('style') ?? ''));
      element.removeAttribute('style');
    }
  }
  return page.body.innerHTML;
}

function loads(element: Element): boolean {
  const isByHref = element.matches(BY_HREF);
  return [...element.attributes].some(({ localName, value }) =>
    LOADING.includes(localName) || (isByHref && localName === 'href')
      ? value.trim() !== '' && (localName.endsWith('srcset') ? !isInside(value) : !INSIDE.test(value))
      : localName !== 'style' && /\burl\s*\(/i.test(value) && fetches(value)
  );
}

/** Every picture of a `srcset` must lie inside; an address of `data:` holds a comma itself. */
function isInside(srcset: string): boolean {
  return srcset.split(/,\s+/).every(one => INSIDE.test(one));
}

/** Whether a style asks for something that is not inside. Its escapes and comments are read as CSS reads them. */
function fetches(style: string): boolean {
  const plain = style
    .replace(/\/\*[\s\S]*?(?:\*\/|$)/g, ' ')
    .replace(/\\([0-9a-f]{1,6})\s?/gi, (_, code: string) => String.fromCodePoint(Math.min(parseInt(code, 16), 0x10ffff)))
    .replace(/\\/g, '');
  const rest = plain.replace(/\burl\s*\(\s*(["']?)\s*(?:data:(?:"[^"]*"|'[^']*'|[^)"'])*|#[^)"']*)\1\s*\)/gi, ' ');
  return FETCHING.test(rest);
}

function addressOf(element: Element): string {
  const names = ['src', 'srcset', 'poster', 'href', 'xlink:href', 'data', 'background'];
  const inner = element.querySelector('source[src], source[srcset]');
  return [element, inner].flatMap(one => names.map(name => one?.getAttribute(name))).find(Boolean) ?? '';
}

/** Says what is not there, and which machine would have been asked. */
function note(page: Document, element: Element, address: string): Element {
  const said = page.createElement('span');
  said.className = 'tl-LeftOut';
  const host = /^\s*(?:[a-z][a-z0-9+.-]*:)?\/\/([^/?#\s]+)/i.exec(address)?.[1] ?? /\/\/([^/?#\s)"']+)/.exec(address)?.[1];
  const what = ['img', 'image', 'picture', 'source'].includes(element.localName) ? 'picture' : element.localName;
  said.textContent = `not loaded: ${element.hasAttribute('style') ? 'style' : what}${host ? ` from ${host.slice(0, 80)}` : ''}`;
  return said;
}

/** JupyterLab's sanitizer, and then ours. */
export function quiet(strict: IRenderMime.ISanitizer): IRenderMime.ISanitizer {
  return {
    sanitize: (dirty: string, options?: Options) => harmless(strict.sanitize(dirty, options)),
    getAutolink: () => strict.getAutolink?.() ?? true,
    allowNamedProperties: strict.allowNamedProperties
  };
}

/** Charts are JSON that may name data or pictures elsewhere: such a form of the output is left away. */
export function withoutCharts(output: IOutput, kept: string): IOutput {
  const data = output.data as Record<string, unknown> | undefined;
  if (!data) {
    return output;
  }
  const gone = Object.keys(data).filter(type => type.endsWith('+json') && type !== kept && namesOthers(data[type]));
  if (gone.length === 0) {
    return output;
  }
  const left = Object.fromEntries(Object.entries(data).filter(([type]) => !gone.includes(type)));
  const said = `not loaded: ${gone.join(', ')} names other machines`;
  return { ...output, data: { 'text/plain': said, ...left } };
}

function namesOthers(value: unknown, name = ''): boolean {
  if (typeof value === 'string') {
    return name !== '$schema' && /^\s*(?:[a-z][a-z0-9+.-]*:)?\/\//i.test(value);
  }
  return typeof value === 'object' && value !== null && Object.entries(value).some(([key, one]) => namesOthers(one, key));
}
