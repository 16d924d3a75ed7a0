/** What is sent to the kernel so that a cell becomes a job. Pure. */

/** A cell's line of options, if it has one of its own, and the rest. */
export function parts(source: string): { line: string; body: string } {
  const found = /^\s*%%job\b([^\n]*)\n?/.exec(source);
  return found ? { line: found[1].trim(), body: source.slice(found[0].length) } : { line: '', body: source };
}

/** Python's own way to write a text; JSON's is the same but for what is not ASCII. */
function literal(text: string): string {
  return JSON.stringify(text).replace(/[\u007f-\uffff]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** A text of Python's that holds pairs of surrogates is put together again by the kernel. */
function python(text: string): string {
  const said = literal(text);
  return /\\ud[89ab]/i.test(said) ? `${said}.encode('utf-16', 'surrogatepass').decode('utf-16')` : said;
}

/** One request: the extension is loaded if need be, then the cell goes through `%%job` as if typed there. */
export function asJob(source: string): string {
  const { line, body } = parts(source);
  return [
    'try:',
    "    get_ipython().extension_manager.load_extension('tether_lab')",
    'except ModuleNotFoundError as error:',
    "    if error.name != 'tether_lab':",
    '        raise',
    "    raise ModuleNotFoundError('Tether Lab is not installed for this kernel. In a cell: %pip install tether-lab') from None",
    `get_ipython().run_cell_magic('job', ${python(line)}, ${python(body)})`
  ].join('\n');
}
