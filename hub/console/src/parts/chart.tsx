// uPlot, with the colours of the theme and without anything from elsewhere.
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { isDark } from '../lib/theme';
import { clock } from '../lib/time';
import { short } from '../lib/format';

export interface Series {
  label: string;
  /** Name of a colour of the theme: `line-1`. */
  colour: string;
  values: (number | null)[];
  dash?: boolean;
  fill?: boolean;
}

function colourOf(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}

/** `times` in milliseconds. `summary` is what it shows, in words, for who does not see it. */
export function Chart({ times, series, height = 120, summary, most }: {
  times: number[]; series: Series[]; height?: number; summary: string; most?: number;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const dark = isDark.value;
  const data = [times.map((ms) => ms / 1000), ...series.map((one) => one.values)] as
    uPlot.AlignedData;
  const last = times[times.length - 1] ?? 0;
  const near = last - (times[0] ?? last) < 600_000;
  const names = series.map((one) => one.label).join();
  useEffect(() => {
    const element = box.current!;
    const axis = { stroke: colourOf('ink-2'), grid: { stroke: colourOf('rule'), width: 1 },
      ticks: { show: false }, font: '11px system-ui, sans-serif' };
    plot.current = new uPlot({
      width: element.clientWidth || 300,
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: [6, 26, 0, 0],
      scales: { x: { time: true }, y: { range: (_, low, high) =>
        [Math.min(0, low), most ?? Math.max(1, high * 1.1)] } },
      axes: [
        { ...axis, size: 22, space: 80, values: (_, marks) => marks.map((s) => clock(s * 1000, near)) },
        { ...axis, size: 44, space: 26, values: (_, marks) => marks.map((one) => short(one)) },
      ],
      series: [{}, ...series.map((one): uPlot.Series => ({
        label: one.label, stroke: colourOf(one.colour), width: 1.5, points: { show: false },
        ...(one.dash === true ? { dash: [4, 4] } : {}),
        ...(one.fill === true ? { fill: `${colourOf(one.colour)}22` } : {}),
      }))],
    }, data, element);
    const watcher = new ResizeObserver(() => {
      plot.current?.setSize({ width: element.clientWidth, height });
    });
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      plot.current?.destroy();
    };
  }, [dark, names, height, most, near]);
  useEffect(() => plot.current?.setData(data), [times, series]);
  return (
    <figure class="chart">
      <figcaption>
        {series.map((one) => (
          <span key={one.label} class="legend">
            <svg viewBox="0 0 16 4" aria-hidden="true">
              <line class={one.colour} x1="0" y1="2" x2="16" y2="2"
                stroke-dasharray={one.dash === true ? '4 3' : undefined} />
            </svg>
            {one.label}
          </span>
        ))}
      </figcaption>
      <div ref={box} class="chart-box" role="img" aria-label={summary} />
    </figure>
  );
}
