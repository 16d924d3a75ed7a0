/** A grid that draws only the rows in sight: ten thousand cost as much as thirty. */

import * as React from 'react';

const BEYOND = 8;

export interface Virtual {
  /** Heights in pixels, of all rows. */
  heights: ArrayLike<number>;
  draw: (index: number, style: React.CSSProperties) => React.ReactNode;
  label: string;
  rows: number;
  /** A row to bring into sight. */
  reveal: number;
  onEnd: () => void;
  onKeyDown: (event: React.KeyboardEvent) => void;
}

/** Where each row begins, and the end of the last. */
function offsetsOf(heights: ArrayLike<number>): Float64Array {
  const tops = new Float64Array(heights.length + 1);
  for (let i = 0; i < heights.length; i++) {
    tops[i + 1] = tops[i] + heights[i];
  }
  return tops;
}

/** The last row that begins at or above `y`. */
function rowAt(tops: Float64Array, y: number): number {
  let low = 0;
  let high = tops.length - 2;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= y) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return Math.max(0, low);
}

export function VirtualGrid(props: Virtual): JSX.Element {
  const { heights, reveal, onEnd } = props;
  const host = React.useRef<HTMLDivElement>(null);
  const [view, setView] = React.useState({ top: 0, height: 600 });
  const tops = React.useMemo(() => offsetsOf(heights), [heights]);
  const end = tops[tops.length - 1];

  const look = React.useCallback(() => {
    const node = host.current;
    if (node) {
      setView(before =>
        before.top === node.scrollTop && before.height === node.clientHeight
          ? before
          : { top: node.scrollTop, height: node.clientHeight || before.height }
      );
    }
  }, []);

  React.useLayoutEffect(() => {
    const node = host.current;
    if (!node) {
      return;
    }
    const observer = new ResizeObserver(look);
    observer.observe(node);
    return () => observer.disconnect();
  }, [look]);

  React.useLayoutEffect(() => {
    const node = host.current;
    if (!node || reveal < 0 || reveal + 1 >= tops.length) {
      return;
    }
    if (tops[reveal] < node.scrollTop) {
      node.scrollTop = tops[reveal];
    } else if (tops[reveal + 1] > node.scrollTop + node.clientHeight) {
      node.scrollTop = tops[reveal + 1] - node.clientHeight;
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only a new row to reveal moves the list
  }, [reveal]);

  const atEnd = view.top + view.height > end - 400;
  React.useEffect(() => {
    if (atEnd) {
      onEnd();
    }
  }, [atEnd, end, onEnd]);

  const from = Math.max(0, rowAt(tops, view.top) - BEYOND);
  const to = Math.min(heights.length, rowAt(tops, view.top + view.height) + BEYOND);
  const drawn: React.ReactNode[] = [];
  for (let i = from; i < to; i++) {
    drawn.push(props.draw(i, { top: tops[i], height: heights[i] }));
  }
  return (
    <div
      className="tl-Grid"
      ref={host}
      role="grid"
      aria-label={props.label}
      aria-rowcount={props.rows}
      aria-multiselectable="true"
      onScroll={look}
      onKeyDown={props.onKeyDown}
    >
      <div className="tl-Grid-all" role="rowgroup" style={{ height: end }}>
        {drawn}
      </div>
    </div>
  );
}
