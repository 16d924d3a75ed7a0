/** Which rows are chosen: clicks with Ctrl and Shift, keys, as lists everywhere. Pure. */

export interface Choice {
  chosen: ReadonlySet<number>;
  /** The row with the keyboard; 0 is none. */
  active: number;
  /** Where a range with Shift begins. */
  anchor: number;
}

export const NOTHING: Choice = { chosen: new Set(), active: 0, anchor: 0 };

/** A click: alone, added to the others (Ctrl), or up to there from the anchor (Shift). */
export function click(choice: Choice, id: number, order: number[], add: boolean, range: boolean): Choice {
  if (range && choice.anchor) {
    return { chosen: new Set(between(order, choice.anchor, id)), active: id, anchor: choice.anchor };
  }
  if (add) {
    const chosen = new Set(choice.chosen);
    if (!chosen.delete(id)) {
      chosen.add(id);
    }
    return { chosen, active: id, anchor: id };
  }
  return { chosen: new Set(), active: id, anchor: id };
}

/** An arrow key by `step` rows; with Shift the range grows. */
export function move(choice: Choice, step: number, order: number[], range: boolean): Choice {
  if (order.length === 0) {
    return choice;
  }
  const at = order.indexOf(choice.active);
  const next = at < 0 ? (step > 0 ? 0 : order.length - 1) : Math.min(order.length - 1, Math.max(0, at + step));
  const id = order[next];
  if (!range) {
    return { ...choice, active: id, anchor: id };
  }
  const anchor = choice.anchor || id;
  return { chosen: new Set(between(order, anchor, id)), active: id, anchor };
}

/** Without those that are gone. */
export function among(choice: Choice, has: (id: number) => boolean): Choice {
  const left = [...choice.chosen].filter(has);
  return left.length === choice.chosen.size ? choice : { ...choice, chosen: new Set(left) };
}

function between(order: number[], a: number, b: number): number[] {
  const [from, to] = [order.indexOf(a), order.indexOf(b)].sort((x, y) => x - y);
  return from < 0 ? [b] : order.slice(from, to + 1);
}
