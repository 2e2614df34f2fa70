// Numbers for people: fixed significant digits, units after a narrow no-break space.

/** Stands where there is no value. */
export const NONE = '–';

/** Narrow, for measures, which stand in columns; whole, for times, which stand in sentences. */
const GAP = '\u202f';
const SPACE = '\u00a0';

/** `value` with `digits` significant digits, never in exponent form. */
export function significant(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return NONE;
  if (value === 0) return '0';
  // Rounded first: 9.996 has one digit before the point, but 10.0 has two.
  const magnitude = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(digits)))));
  const places = Math.min(12, Math.max(0, digits - 1 - magnitude));
  return value.toFixed(places);
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let size = Math.abs(value);
  let step = 0;
  // 999.5 would print as 1000 with three digits: move on to the next unit before that.
  while (size >= base * 0.9995 && step < units.length - 1) {
    size /= base;
    step += 1;
  }
  const unit = units[step] ?? '';
  const sign = value < 0 ? '-' : '';
  return sign + significant(size) + (unit === '' ? '' : GAP + unit);
}

/** A plain quantity: `431`, `4.30`, `12.4 k`. */
export function count(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  if (Number.isInteger(value) && Math.abs(value) < 10_000) return String(value);
  if (Math.abs(value) < 0.005) return '0';
  if (Math.abs(value) < 10) return value.toFixed(2);
  return scaled(value, 1000, ['', 'k', 'M', 'G', 'T']);
}

/** Bytes in binary units: `182 MiB`. */
export function bytes(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  if (Math.abs(value) < 1) return `0${GAP}B`;
  return scaled(value, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']);
}

/** Bytes each second. */
export function byteRate(value: number | null | undefined): string {
  return value == null || !Number.isFinite(value) ? NONE : `${bytes(value)}/s`;
}

/** CPU in cores, to a hundredth; less than that to a thousandth. */
export function cores(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  if (value >= 100) return value.toFixed(0);
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value < 0.00995 && value > 0 ? 3 : 2);
}

/** A ratio as a percentage; what is not zero never prints as zero. */
export function percent(ratio: number | null | undefined): string {
  if (ratio == null || !Number.isFinite(ratio)) return NONE;
  const value = ratio * 100;
  if (value === 0) return `0${GAP}%`;
  if (Math.abs(value) < 0.01) return `<0.01${GAP}%`;
  // Nor does what is not all print as all.
  if (value >= 99.5 && value < 100) return (Math.floor(value * 100) / 100).toFixed(2) + `${GAP}%`;
  return (Math.abs(value) < 10 ? value.toFixed(2) : value.toFixed(0)) + `${GAP}%`;
}

/** A latency given in milliseconds: `0.84 ms`, `12.3 ms`, `1.23 s`. */
export function millis(value: number | null | undefined): string {
  if (value == null || !Number.isFinite(value)) return NONE;
  if (value === 0) return `0${GAP}ms`;
  if (Math.abs(value) < 0.01) return `<0.01${GAP}ms`;
  if (Math.abs(value) >= 999.5) return significant(value / 1000) + `${GAP}s`;
  if (Math.abs(value) < 1) return value.toFixed(2) + `${GAP}ms`;
  return significant(value) + `${GAP}ms`;
}

/** A length of time given in seconds, two figures of it: `12 ms`, `0.13 s`, `2 min 10 s`, `3 h 4 min`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return NONE;
  const sign = seconds < 0 ? '-' : '';
  const value = Math.abs(seconds);
  if (value === 0) return `0${SPACE}s`;
  if (value < 0.0995) return `${sign}${Math.max(1, Math.round(value * 1000))}${SPACE}ms`;
  if (value < 0.995) return `${sign}${value.toFixed(2)}${SPACE}s`;
  if (value < 9.95 && !Number.isInteger(value)) return `${sign}${value.toFixed(1)}${SPACE}s`;
  const whole = Math.round(value);
  if (whole < 60) return `${sign}${whole}${SPACE}s`;
  const units: [number, string][] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = units.findIndex(([size]) => whole >= size);
  const [size, unit] = units[first] ?? [1, 's'];
  const [restSize, restUnit] = units[first + 1] ?? [1, 's'];
  const rest = Math.floor((whole % size) / restSize);
  const head = `${sign}${Math.floor(whole / size)}${SPACE}${unit}`;
  return rest === 0 ? head : `${head} ${rest}${SPACE}${restUnit}`;
}

/** How long ago, coarse, for text that is refreshed each second: `now`, `12 s ago`, `3 h ago`. */
export function ago(seconds: number): string {
  if (!Number.isFinite(seconds)) return NONE;
  if (seconds < 1.5) return 'now';
  const steps: [number, number, string][] = [
    [60, 1, 's'],
    [3600, 60, 'min'],
    [86_400, 3600, 'h'],
    [Infinity, 86_400, 'd'],
  ];
  const step = steps.find(([below]) => seconds < below);
  if (step === undefined) return NONE;
  return `${Math.floor(seconds / step[1])}${SPACE}${step[2]} ago`;
}

/** Age without the words, for uptimes. */
export function uptime(seconds: number | null | undefined): string {
  if (seconds == null || !Number.isFinite(seconds)) return NONE;
  return duration(Math.max(0, Math.floor(seconds)));
}

const clockFormat = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hourCycle: 'h23',
});
const minuteFormat = new Intl.DateTimeFormat(undefined, {
  hour: '2-digit',
  minute: '2-digit',
  hourCycle: 'h23',
});
const fullFormat = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium', hourCycle: 'h23' });

/** Local time of day of a Unix time in seconds: `14:03:22`. */
export function clock(seconds: number): string {
  return clockFormat.format(seconds * 1000);
}

/** Local time of day without seconds. */
export function clockMinutes(seconds: number): string {
  return minuteFormat.format(seconds * 1000);
}

/** Local date and time. */
export function dateTime(seconds: number): string {
  return fullFormat.format(seconds * 1000);
}

/** Splits `12.3 ms` into the number and its unit, so that they can be set differently. */
export function splitUnit(text: string): [string, string] {
  const at = text.lastIndexOf(GAP);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
}

/** `1 app`, `2 apps`. */
export function plural(n: number, word: string): string {
  return `${count(n)} ${word}${n === 1 ? '' : 's'}`;
}
