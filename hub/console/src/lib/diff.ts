// What differs between two texts, line by line: the longest common subsequence after what both begin
// and end with. Policies have hundreds of lines, so the plain table is quick enough.
export interface DiffLine {
  what: 'same' | 'add' | 'del';
  text: string;
  before: number | null;
  after: number | null;
}

/** More cells than this are not compared: everything counts as replaced. */
const cellsMost = 4_000_000;

function middle(one: string[], other: string[]): ('same' | 'add' | 'del')[] {
  const rows = one.length;
  const columns = other.length;
  if (rows * columns > cellsMost) {
    return [...one.map(() => 'del' as const), ...other.map(() => 'add' as const)];
  }
  const table = new Uint32Array((rows + 1) * (columns + 1));
  const at = (row: number, column: number): number => table[row * (columns + 1) + column]!;
  for (let row = rows - 1; row >= 0; --row) {
    for (let column = columns - 1; column >= 0; --column) {
      table[row * (columns + 1) + column] = one[row] === other[column]
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1));
    }
  }
  const steps: ('same' | 'add' | 'del')[] = [];
  let row = 0;
  let column = 0;
  while (row < rows || column < columns) {
    if (row < rows && column < columns && one[row] === other[column]) {
      steps.push('same');
      ++row;
      ++column;
    } else if (column >= columns || (row < rows && at(row + 1, column) >= at(row, column + 1))) {
      steps.push('del');
      ++row;
    } else {
      steps.push('add');
      ++column;
    }
  }
  return steps;
}

export function diff(before: string, after: string): DiffLine[] {
  const one = before === '' ? [] : before.split('\n');
  const other = after === '' ? [] : after.split('\n');
  let head = 0;
  while (head < one.length && head < other.length && one[head] === other[head]) ++head;
  let tail = 0;
  while (tail < one.length - head && tail < other.length - head
    && one[one.length - 1 - tail] === other[other.length - 1 - tail]) ++tail;
  const steps = [
    ...Array.from({ length: head }, () => 'same' as const),
    ...middle(one.slice(head, one.length - tail), other.slice(head, other.length - tail)),
    ...Array.from({ length: tail }, () => 'same' as const),
  ];
  let row = 0;
  let column = 0;
  return steps.map((what): DiffLine => {
    if (what === 'del') return { what, text: one[row]!, before: ++row, after: null };
    if (what === 'add') return { what, text: other[column]!, before: null, after: ++column };
    return { what, text: one[row]!, before: ++row, after: ++column };
  });
}
