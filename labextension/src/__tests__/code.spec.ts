import { describe, expect, it } from 'vitest';
import { asJob, parts } from '../cells/code';

describe('a cell on its way to the kernel', () => {
  it('keeps the options of a line of its own', () => {
    expect(parts('%%job train --retries 3 lr=0.1\nfit()')).toEqual({ line: 'train --retries 3 lr=0.1', body: 'fit()' });
    expect(parts('%%jobs\nx')).toEqual({ line: '', body: '%%jobs\nx' });
    expect(parts('x = 1')).toEqual({ line: '', body: 'x = 1' });
  });

  it('is a literal of Python, whatever is in it', () => {
    const sent = asJob('print("a\\n\'\'\' ü {x} $y")\n');
    expect(sent).toContain(String.raw`run_cell_magic('job', "", "print(\"a\\n''' \u00fc {x} $y\")\n")`);
    expect(asJob('"🎉"')).toContain(String.raw`"\"\ud83c\udf89\"".encode('utf-16', 'surrogatepass').decode('utf-16')`);
  });
});
