/** @file Times, rates and sizes as people read them. */

/** Such as `0:07`, `12:34`, `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (n: number) => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/**
 * Such as `0:42 left`: what remains, at the pace so far.
 *
 * @param remaining in the unit of `done`, of which there is some, after `seconds`
 */
export const timeLeft = (remaining: number, done: number, seconds: number): string =>
  `${duration((remaining * seconds) / done)} left`;

/** Such as `1.3 s/step` or `7.4 steps/s`: whichever number is above 1. */
export function stepRate(secondsPerStep: number): string {
  if (secondsPerStep >= 1) return `${short(secondsPerStep)} s/step`;
  return `${short(1 / Math.max(secondsPerStep, 1e-6))} steps/s`;
}

function short(value: number): string {
  return value < 100 ? value.toFixed(1) : value.toFixed(0);
}

/** Such as `512 B`, `24.1 MB`, `6.94 GB`: powers of 1000, as file managers and download pages count. */
export function fileSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  if (unit === 0) return `${value} B`;
  return `${value.toPrecision(3)} ${units[unit]}`;
}

/** Such as `1 picture`, `3 pictures`. */
export function counted(count: number, noun: string): string {
  return `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;
}
