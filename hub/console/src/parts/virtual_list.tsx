// A list of any length of which only what is seen is in the page. Rows have one height, so where a
// row stands is a multiplication. The keyboard moves a cursor through all rows, not only those drawn.
import { Component, type ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useKeys } from '../lib/use';

const overscan = 6;

interface LineProps {
  at: number;
  row: unknown;
  top: number;
  here: boolean;
  mark: unknown;
  draw: (row: unknown, at: number) => ComponentChildren;
}

/** Drawn again only when it shows something else: most of a list only moves. */
class Line extends Component<LineProps> {
  override shouldComponentUpdate(next: LineProps): boolean {
    const now = this.props;
    return now.row !== next.row || now.top !== next.top || now.here !== next.here
      || now.mark !== next.mark;
  }

  override render({ at, row, top, here, draw }: LineProps) {
    return (
      <div role="row" aria-rowindex={at + 2} class={`vrow${here ? ' cursor' : ''}`}
        aria-current={here ? 'true' : undefined}
        style={{ transform: `translateY(${top}px)` }}>
        {row === undefined
          ? <span role="cell" class="vblank"><span class="hidden">loading</span></span>
          : draw(row, at)}
      </div>
    );
  }
}

export function VirtualList<T>({ label, rows, total, rowHeight, cursor, onCursor, onOpen, onMore,
  markOf, header, children }: {
  label: string;
  rows: T[];
  /** How many there are in all; those that are not loaded yet are drawn as blanks. */
  total: number;
  rowHeight: number;
  cursor: number;
  onCursor: (at: number) => void;
  onOpen: (at: number) => void;
  /** The last row that is seen is not loaded yet, or nearly. */
  onMore: (upTo: number) => void;
  /** What beside the row itself changes how it is drawn. */
  markOf?: (row: T) => unknown;
  header: ComponentChildren;
  children: (row: T, at: number) => ComponentChildren;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  useLayoutEffect(() => {
    const element = box.current!;
    const measure = (): void => setView({ top: element.scrollTop, height: element.clientHeight });
    measure();
    const watcher = new ResizeObserver(measure);
    watcher.observe(element);
    element.addEventListener('scroll', measure, { passive: true });
    return () => {
      watcher.disconnect();
      element.removeEventListener('scroll', measure);
    };
  }, []);
  const first = Math.max(0, Math.floor(view.top / rowHeight) - overscan);
  const end = Math.min(total, Math.ceil((view.top + view.height) / rowHeight) + overscan);
  useEffect(() => onMore(end), [end, rows.length]);
  useEffect(() => {
    const element = box.current;
    if (element === null || cursor < 0) return;
    const top = cursor * rowHeight;
    const room = element.clientHeight - rowHeight * 2;
    if (top < element.scrollTop) element.scrollTop = top;
    if (top > element.scrollTop + room) element.scrollTop = top - room;
  }, [cursor]);
  useKeys((event) => {
    const steps: Record<string, number> = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1,
      PageDown: 20, PageUp: -20, End: total, Home: -total };
    const step = steps[event.key];
    if (step !== undefined && total > 0) {
      onCursor(Math.min(total - 1, Math.max(0, cursor + step)));
      return true;
    }
    const free = !(event.target instanceof HTMLButtonElement) &&
      !(event.target instanceof HTMLAnchorElement);
    if (event.key === 'Enter' && cursor >= 0 && free) {
      onOpen(cursor);
      return true;
    }
    return false;
  });
  const drawn = [];
  for (let at = first; at < end; ++at) {
    drawn.push(<Line key={at} at={at} row={rows[at]} top={at * rowHeight} here={at === cursor}
      mark={markOf?.(rows[at]!)} draw={children as (row: unknown, at: number) => ComponentChildren} />);
  }
  const press = (event: MouseEvent): void => {
    const line = (event.target as Element).closest('[aria-rowindex]');
    const at = Number(line?.getAttribute('aria-rowindex')) - 2;
    if (line === null || rows[at] === undefined) return;
    onCursor(at);
    onOpen(at);
  };
  return (
    <div class="vlist" role="table" aria-label={label} aria-rowcount={total + 1}>
      <div role="rowgroup" class="vhead"><div role="row" class="vrow-head">{header}</div></div>
      <div role="rowgroup" class="vbody" ref={box} tabIndex={0} aria-label={label}>
        <div class="vspace" role="presentation" onClick={press} style={{ height: `${total * rowHeight}px` }}>
          {drawn}
        </div>
      </div>
    </div>
  );
}
