// A chart over time by uPlot, with a line at completeThrough. Drag or press + to zoom; arrow keys read its points.
import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { useScheme } from '../hooks.ts';
import { compact, whole } from '../logic/format.ts';
import { GRAIN_MS, type ShownGrain, shownTime } from '../logic/zone.ts';

export interface ChartSeries {
  readonly label: string;
  /** In the legend, instead of the label. */
  readonly legend?: string;
  readonly kind: 'bars' | 'line' | 'area' | 'steps';
  /** A CSS variable. */
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
  /** For a screen reader. */
  readonly summary: string;
  /** The length of a point, milliseconds. */
  readonly stepMs?: number;
  /** The length of the axis up to the last point, milliseconds; by default it begins with the first point. */
  readonly windowMs?: number;
  readonly completeThroughMs?: number | undefined;
  readonly onZoom?: (fromMs: number, toMs: number) => void;
  readonly onZoomOut?: () => void;
  /** Gets the chart's canvas. */
  readonly canvas?: RefObject<HTMLCanvasElement | null>;
  /** More of the legend. */
  readonly children?: ComponentChildren;
}

const { bars, linear, stepped } = uPlot.paths as Required<uPlot.Series.PathBuilderFactories>;

/** Labels by distance of ticks: the usual one, and what the first of a year or a day adds. */
const TICKS: uPlot.Axis.Values = [
  [3600 * 24 * 365, '{YYYY}', null, null, null, null, null, null, 1],
  [3600 * 24 * 28, '{MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [3600 * 24, '{D} {MMM}', '\n{YYYY}', null, null, null, null, null, 1],
  [3600, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
  [60, '{HH}:{mm}', '\n{D} {MMM}', null, '\n{D} {MMM}', null, null, null, 1],
  [1, ':{ss}', '\n{HH}:{mm}', null, '\n{HH}:{mm}', null, '\n{HH}:{mm}', null, 1],
];

export function Chart(props: ChartProps) {
  const { times, series, tz, grain, height, summary, stepMs = 0, onZoom, canvas, children } = props;
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
    const options = optionsOf(current, element.clientWidth, setHovered);
    const chart = new uPlot(options, dataOf(current.current), element);
    plot.current = chart;
    if (canvas !== undefined) canvas.current = chart.ctx.canvas;
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
    const [firstMs, lastMs] = [times[0], times.at(-1)];
    if (chart === undefined || firstMs === undefined || lastMs === undefined || event.ctrlKey) return;
    const { key } = event;
    const chosen = chart.cursor.idxs?.[0] ?? undefined;
    const step = { ArrowLeft: -1, ArrowRight: 1, Home: -times.length, End: times.length }[key];
    if (step !== undefined) {
      const index = Math.min(times.length - 1, Math.max(0, (chosen ?? times.length) + step));
      const left = chart.valToPos(((times[index] ?? 0) + stepMs / 2) / 1000, 'x');
      chart.setCursor({ left, top: 10 });
    } else if (key === '+' || key === '=') {
      const lengthMs = (lastMs + stepMs - firstMs) / 2;
      const middleMs = (times[chosen ?? times.length >> 1] ?? 0) + stepMs / 2;
      const fromMs = Math.min(Math.max(firstMs, middleMs - lengthMs / 2), lastMs + stepMs - lengthMs);
      if (lengthMs > GRAIN_MS.minute) onZoom?.(fromMs, fromMs + lengthMs);
    } else if (key === '-') props.onZoomOut?.();
    else return;
    event.preventDefault();
  };

  const at = hovered && times[hovered.index];
  return (
    <>
      {/* biome-ignore lint/a11y/useSemanticElements: a chart is no fieldset */}
      <div
        class="chart"
        role="group"
        aria-roledescription="chart"
        aria-label={summary}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: keys read its points and zoom
        tabIndex={0}
        onKeyDown={onKeyDown}
      >
        <div ref={host} aria-hidden="true" />
        {hovered !== undefined && at !== undefined && (
          <output class="small card chart-tip" style={{ left: `${hovered.left}px` }}>
            <b>{shownTime(at, tz, grain)}</b>
            {series.map(({ label, values }) => {
              const value = values[hovered.index];
              return (
                value != null && (
                  <span key={label}>
                    {label} <b>{whole(value)}</b>
                  </span>
                )
              );
            })}
          </output>
        )}
      </div>
      <div class="row small muted legend">
        {series.map(({ label, legend = label, colour, faint, dashed }) => (
          <span
            key={label}
            class={`key ${faint ? 'faint' : ''} ${dashed ? 'dashed' : ''}`}
            style={{ '--key': `var(${colour})` }}
          >
            {legend}
          </span>
        ))}
        {children}
      </div>
    </>
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
    font: `12px ${style.fontFamily}`,
    grid: { stroke: colour('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(width, 200),
    height,
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), tz),
    legend: { show: false },
    padding: [12, 20, 0, 0],
    scales: {
      x: {
        range: (_, min, max) => [windowMs === undefined ? min : max - windowMs / 1000, max + stepMs / 1000],
      },
      y: { range: (_, __, max) => [0, Math.max(4, max * 1.06)] },
    },
    axes: [
      { ...axis, grid: { show: false }, values: TICKS, space: 60 },
      { ...axis, size: 44, values: (_, ticks) => ticks.map((n) => (Number.isInteger(n) ? compact(n) : '')) },
    ],
    cursor: {
      y: false,
      // A bar extends from its point's start to the next one's.
      dataIdx: ({ data: [times] }, _, nearest, at) =>
        stepMs > 0 && nearest > 0 && (times[nearest] ?? 0) > at ? nearest - 1 : nearest,
      points: { show: false },
      drag: { x: onZoom !== undefined, y: false, setScale: false },
    },
    series: [{}, ...series.map((each) => seriesOf(each, colour))],
    hooks: {
      setCursor: [
        ({ cursor: { idxs: [index] = [], left = -1 }, over, width }) => {
          const tipLeft = Math.min(over.offsetLeft + left, Math.max(0, width - 160));
          onHover(index == null || left < 0 ? undefined : { index, left: tipLeft });
        },
      ],
      setSelect: [
        (chart) => {
          const { left, width } = chart.select;
          if (width < 4) return;
          const [from, to] = [chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x')];
          chart.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
          current.current.onZoom?.(from * 1000, to * 1000);
        },
      ],
      draw: [(chart) => drawCompleteThrough(chart, current.current.completeThroughMs, colour('--good'))],
    },
  };
}

function seriesOf(series: ChartSeries, colourOf: (name: string) => string): uPlot.Series {
  const { label, kind, colour, faint, dashed } = series;
  const stroke = colourOf(colour);
  const mixed = (percent: number) => `color-mix(in srgb, ${stroke} ${percent}%, transparent)`;
  const points = { show: false };
  if (kind === 'bars') {
    const fill = faint ? mixed(45) : stroke;
    const paths = bars({ size: [0.76, 64], align: 1, radius: 0.2 });
    return { label, stroke: fill, fill, width: 0, points, paths };
  }
  const paths = kind === 'steps' ? stepped({ align: 1 }) : linear();
  const line = { label, stroke, width: 2, points, paths, dash: dashed ? [4, 4] : [] };
  return kind === 'area' ? { ...line, fill: mixed(18) } : line;
}

/** Everything that arrived left of the line is counted. */
function drawCompleteThrough(chart: uPlot, throughMs: number | undefined, colour: string): void {
  const { min, max } = chart.scales['x'] ?? {};
  const at = (throughMs ?? 0) / 1000;
  if (min == null || max == null || at <= min || at > max) return;
  const { ctx, bbox } = chart;
  const x = Math.round(chart.valToPos(at, 'x', true));
  const scale = devicePixelRatio;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.fillStyle = colour;
  ctx.lineWidth = 2 * scale;
  ctx.setLineDash([4 * scale, 4 * scale]);
  ctx.beginPath();
  ctx.moveTo(x, bbox.top);
  ctx.lineTo(x, bbox.top + bbox.height);
  ctx.stroke();
  ctx.font = `${11 * scale}px ${getComputedStyle(document.documentElement).fontFamily}`;
  const isRight = x > bbox.left + bbox.width / 2;
  ctx.textAlign = isRight ? 'right' : 'left';
  ctx.fillText('complete to here', x + (isRight ? -6 : 6) * scale, bbox.top + 10 * scale);
  ctx.restore();
}
