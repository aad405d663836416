// A chart over time: bars and lines by uPlot, with a line at completeThrough, zoom by dragging, and arrow keys.
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useScheme } from '../hooks.ts';
import { compact, whole } from '../logic/format.ts';
import { type ShownGrain, shownTime } from '../logic/zone.ts';

/** One line or row of bars. */
export interface ChartSeries {
  readonly label: string;
  readonly kind: 'bars' | 'line' | 'area';
  /** The CSS variable of its colour. */
  readonly colour: string;
  readonly faint?: boolean;
  readonly dashed?: boolean;
  readonly values: readonly (number | null)[];
}

export interface ChartProps {
  /** Start of each point, epoch milliseconds, ascending. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  readonly tz: string;
  readonly grain: ShownGrain;
  readonly height: number;
  /** What it shows, for those who do not see it. */
  readonly summary: string;
  /** How long a point lasts, milliseconds: bars begin at their point's start. */
  readonly stepMs?: number;
  /** How much time is shown, up to the last point, milliseconds; from the first point on, if left out. */
  readonly windowMs?: number;
  readonly completeThroughMs?: number | undefined;
  readonly onZoom?: (fromMs: number, toMs: number) => void;
  /** Is given the canvas whenever there is a new one. */
  readonly onCanvas?: (canvas: HTMLCanvasElement) => void;
}

/** Ticks by their distance: what each says, and what it says more when a year or a day begins. */
const TICKS: uPlot.Axis.Values = [
  [3600 * 24 * 365, '{YYYY}', null, null, null, null, null, null, 1],
  [3600 * 24 * 28, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [3600 * 24, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [3600, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
  [60, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
  [1, ':{ss}', '\n{D} {MMM} {HH}:{mm}', null, '\n{D} {MMM} {HH}:{mm}', null, '\n{HH}:{mm}', null, 1],
];

export function Chart(props: ChartProps) {
  const { times, series, tz, grain, height, summary, stepMs, onZoom } = props;
  const host = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const current = useRef(props);
  current.current = props;
  const scheme = useScheme();
  const [hovered, setHovered] = useState<{ readonly index: number; readonly left: number }>();
  const shape = JSON.stringify(series.map(({ label, kind, colour, faint }) => [label, kind, colour, faint]));

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const chart = new uPlot(
      optionsOf(current, element.clientWidth, setHovered),
      dataOf(current.current),
      element,
    );
    plot.current = chart;
    current.current.onCanvas?.(chart.ctx.canvas);
    const resized = new ResizeObserver(() =>
      chart.setSize({ width: element.clientWidth, height: current.current.height }),
    );
    resized.observe(element);
    return () => {
      resized.disconnect();
      chart.destroy();
      plot.current = undefined;
      setHovered(undefined);
    };
  }, [shape, tz, grain, height, scheme, stepMs, onZoom === undefined]);

  useEffect(() => plot.current?.setData(dataOf(props)), [times, series]);

  const onKeyDown = (event: KeyboardEvent) => {
    const chart = plot.current;
    if (chart === undefined || times.length === 0) return;
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -times.length, End: times.length }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const index = Math.min(times.length - 1, Math.max(0, (chart.cursor.idx ?? times.length) + step));
    const inside = (props.stepMs ?? 0) / 2;
    chart.setCursor({ left: chart.valToPos(((times[index] ?? 0) + inside) / 1000, 'x'), top: 10 });
  };

  const values = hovered === undefined ? [] : series.filter(({ values }) => values[hovered.index] != null);
  const at = hovered === undefined ? undefined : times[hovered.index];
  return (
    // biome-ignore lint/a11y/useSemanticElements: a chart is no fieldset
    <div
      class="chart"
      role="group"
      aria-roledescription="chart"
      aria-label={summary}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move along its points
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div ref={host} class="chart-canvas" aria-hidden="true" />
      {hovered !== undefined && at !== undefined && (
        <output class="chart-tip" style={{ left: `${hovered.left}px` }}>
          <b>{shownTime(at, tz, grain)}</b>
          {values.map(({ label, values }) => (
            <span key={label}>
              {label} <b>{whole(values[hovered.index] ?? 0)}</b>
            </span>
          ))}
        </output>
      )}
    </div>
  );
}

function dataOf({ times, series }: ChartProps): uPlot.AlignedData {
  return [times.map((ms) => ms / 1000), ...series.map(({ values }) => [...values])] as uPlot.AlignedData;
}

function optionsOf(
  current: { readonly current: ChartProps },
  width: number,
  onHover: (hovered: { index: number; left: number } | undefined) => void,
): uPlot.Options {
  const { tz, height, series, onZoom, stepMs = 0, windowMs } = current.current;
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(name).trim();
  const axis = {
    stroke: colour('--muted'),
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  const font = `12px ${style.fontFamily}`;
  return {
    width: Math.max(width, 200),
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), tz),
    legend: { show: false },
    padding: [12, 8, 0, 0],
    scales: {
      x: {
        range: (_, min, max) => [windowMs === undefined ? min : max - windowMs / 1000, max + stepMs / 1000],
      },
      y: { range: (_, __, max) => [0, Math.max(4, max * 1.06)] },
    },
    axes: [
      { ...axis, font, grid: { show: false }, values: TICKS, space: 60 },
      {
        ...axis,
        font,
        size: 44,
        values: (_, ticks) => ticks.map((n) => (Number.isInteger(n) ? compact(n) : '')),
      },
    ],
    cursor: {
      y: false,
      // A bar is hovered over its whole width, from its point's start on.
      dataIdx: (chart, _, nearest, at) => (stepMs > 0 ? indexAt(chart.data[0], nearest, at) : nearest),
      points: { show: false },
      drag: { x: onZoom !== undefined, y: false, setScale: false },
    },
    series: [{}, ...series.map((each) => seriesOf(each, colour))],
    hooks: {
      setCursor: [
        (chart) => {
          const { idx, left = -1 } = chart.cursor;
          if (idx == null || left < 0) onHover(undefined);
          else {
            const side = chart.over.offsetLeft;
            onHover({ index: idx, left: Math.min(side + left, Math.max(0, chart.width - 150)) });
          }
        },
      ],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < 4) return;
          const [from, to] = [chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x')];
          chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          const minutes = (seconds: number, round: (n: number) => number) => round(seconds / 60) * 60_000;
          current.current.onZoom?.(minutes(from, Math.floor), minutes(to, Math.ceil));
        },
      ],
      draw: [(chart) => drawCompleteThrough(chart, current.current.completeThroughMs, colour)],
    },
  };
}

function seriesOf(
  { label, kind, colour, faint, dashed }: ChartSeries,
  colours: (name: string) => string,
): uPlot.Series {
  const stroke = colours(colour);
  const { bars } = uPlot.paths;
  if (kind === 'bars' && bars !== undefined) {
    const fill = faint === true ? `color-mix(in srgb, ${stroke} 45%, transparent)` : stroke;
    return {
      label,
      stroke: fill,
      fill,
      width: 0,
      points: { show: false },
      paths: bars({ size: [0.76, 64], align: 1, radius: 0.2 }),
    };
  }
  return {
    label,
    stroke,
    width: 2,
    points: { show: false },
    ...(kind === 'area' ? { fill: `color-mix(in srgb, ${stroke} 18%, transparent)` } : {}),
    ...(dashed === true ? { dash: [4, 4] } : {}),
  };
}

function indexAt(times: ArrayLike<number>, nearest: number, at: number): number {
  const start = times[nearest];
  return start !== undefined && start > at && nearest > 0 ? nearest - 1 : nearest;
}

/** Left of the line everything that arrived is counted. */
function drawCompleteThrough(
  chart: uPlot,
  throughMs: number | undefined,
  colour: (name: string) => string,
): void {
  const { min, max } = chart.scales['x'] ?? {};
  if (throughMs === undefined || min == null || max == null) return;
  const at = throughMs / 1000;
  if (at <= min || at > max) return;
  const { ctx, bbox } = chart;
  const x = Math.round(chart.valToPos(at, 'x', true));
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour('--good');
  ctx.fillStyle = colour('--good');
  ctx.lineWidth = 1.5 * scale;
  ctx.setLineDash([4 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `${11 * scale}px ${getComputedStyle(document.documentElement).fontFamily}`;
  ctx.textAlign = x > bbox.left + bbox.width / 2 ? 'right' : 'left';
  ctx.fillText('complete to here', x + (ctx.textAlign === 'right' ? -6 : 6) * scale, bbox.top + 10 * scale);
  ctx.restore();
}
