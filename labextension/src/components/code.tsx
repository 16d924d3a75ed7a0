/** Code with its line numbers, coloured by JupyterLab's own highlighter; the line that failed stands out. */

import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import * as React from 'react';
import type { Source } from '../wire';

export function Code(props: { source: Source; languages: IEditorLanguageRegistry | null }): JSX.Element {
  const { source, languages } = props;
  const node = React.useRef<HTMLPreElement>(null);
  const failed = React.useRef<HTMLDivElement>(null);
  const text = source.source.replace(/\n$/, '');
  const lines = text.split('\n').length;

  React.useEffect(() => {
    const target = node.current;
    if (!target) {
      return;
    }
    target.textContent = text;
    const language = languages?.findByName(source.language === 'shell' ? 'shell' : 'ipython');
    if (!languages || !language || text.length > 200_000) {
      return;
    }
    const drawn = document.createElement('pre');
    let wanted = true;
    languages.highlight(text, language, drawn).then(
      () => wanted && target.replaceChildren(...drawn.childNodes),
      () => undefined // plain text stands there already
    );
    return () => {
      wanted = false;
    };
  }, [text, source.language, languages]);

  // In braces: scrollIntoView returns a promise in newer browsers, and React would call it at the end.
  React.useEffect(() => {
    failed.current?.scrollIntoView({ block: 'nearest' });
  }, [source.line]);

  return (
    <div className="tl-CodeBlock" role="region" aria-label="Code" tabIndex={0}>
      {source.line !== null && source.line <= lines && (
        <div
          ref={failed}
          className="tl-CodeBlock-failed"
          style={{ '--tl-at': source.line - 1 } as React.CSSProperties}
          aria-hidden="true"
        />
      )}
      <pre className="tl-CodeBlock-numbers" aria-hidden="true">
        {Array.from({ length: lines }, (_, i) => i + 1).join('\n')}
      </pre>
      <pre className="tl-CodeBlock-text jp-RenderedHTMLCommon" ref={node} />
    </div>
  );
}
