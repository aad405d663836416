// Files that the browser saves.

/** Saves a chart on the page's background, with a title above it. */
export function savePng(name: string, chart: HTMLCanvasElement, title: string): void {
  const style = getComputedStyle(document.documentElement);
  const scale = devicePixelRatio;
  const above = 40 * scale;
  const canvas = document.createElement('canvas');
  canvas.width = chart.width;
  canvas.height = chart.height + above;
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.fillStyle = style.getPropertyValue('--card');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = style.getPropertyValue('--text');
  context.font = `600 ${15 * scale}px ${style.fontFamily}`;
  context.fillText(title, 12 * scale, 26 * scale, canvas.width - 24 * scale);
  context.drawImage(chart, 0, above);
  canvas.toBlob((blob) => blob && save(`${name}.png`, blob), 'image/png');
}

export function save(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser still reads it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
