/** Where the jobs of a chain stand on paper: in layers, each after all that it waits for. Pure. */

import type { Edge } from '../wire';

export interface Place {
  id: number;
  layer: number;
  row: number;
}

export interface Drawing {
  places: Place[];
  layers: number;
  rows: number;
}

/** Layers by the longest way from a start; within one, near the middle of those waited for. */
export function layOut(ids: number[], edges: Pick<Edge, 'from' | 'to'>[]): Drawing {
  const parents = new Map<number, number[]>(ids.map(id => [id, []]));
  for (const edge of edges) {
    parents.get(edge.to)?.push(edge.from);
  }
  const layers = new Map<number, number>();
  const depth = (id: number, seen: Set<number>): number => {
    const known = layers.get(id);
    if (known !== undefined) {
      return known;
    }
    if (seen.has(id)) {
      return 0; // a circle cannot be, but drawing must end
    }
    const before = (parents.get(id) ?? []).filter(parent => parents.has(parent));
    const found = before.length ? Math.max(...before.map(parent => depth(parent, new Set([...seen, id])))) + 1 : 0;
    layers.set(id, found);
    return found;
  };
  ids.forEach(id => depth(id, new Set()));
  const columns: number[][] = [];
  for (const id of ids) {
    (columns[layers.get(id) ?? 0] ??= []).push(id);
  }
  return place(columns, parents);
}

function place(columns: number[][], parents: Map<number, number[]>): Drawing {
  const rows = Math.max(0, ...columns.map(column => column.length));
  const at = new Map<number, number>();
  const places: Place[] = [];
  columns.forEach((column, layer) => {
    const middle = (id: number): number => {
      const rowsOf = (parents.get(id) ?? []).flatMap(parent => at.get(parent) ?? []);
      return rowsOf.length ? rowsOf.reduce((sum, row) => sum + row, 0) / rowsOf.length : rows / 2;
    };
    const sorted = [...column].sort((a, b) => middle(a) - middle(b) || a - b);
    const top = (rows - sorted.length) / 2;
    sorted.forEach((id, index) => {
      at.set(id, top + index);
      places.push({ id, layer, row: top + index });
    });
  });
  return { places, layers: columns.length, rows };
}

/** The lowest row in which the straight way from one job to another runs into a third; null if it is free. */
export function inTheWay(places: Place[], from: Place, to: Place): number | null {
  const met = places.filter(one => {
    const share = (one.layer - from.layer) / (to.layer - from.layer);
    return share > 0 && share < 1 && Math.abs(from.row + share * (to.row - from.row) - one.row) < 0.5;
  });
  return met.length ? Math.max(...met.map(one => one.row)) : null;
}
