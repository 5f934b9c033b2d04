// Times as SuiteQL has them: by the clock on the wall of the user whose token it is, to the second.
// A "wall" is that clock's reading, in milliseconds, as if it were UTC.

export class WallClock {
  #zone;
  #format;
  #known = new Map();

  constructor(zone) {
    this.#zone = zone;
    const parts = { year: 'numeric', month: '2-digit', day: '2-digit' };
    const time = { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' };
    this.#format = new Intl.DateTimeFormat('en-CA', { timeZone: zone, ...parts, ...time });
  }

  /** What the wall shows at a moment, which is cut to the second. */
  wallOf(milliseconds) {
    const second = Math.floor(milliseconds / 1000) * 1000;
    if (['UTC', 'Atlantic/Reykjavik'].includes(this.#zone)) {
      return second;
    }
    if (!this.#known.has(second)) {
      const told = {};
      for (const { type, value } of this.#format.formatToParts(second)) {
        told[type] = Number(value);
      }
      const { year, month, day, hour, minute, second: seconds } = told;
      this.#known.set(second, Date.UTC(year, month - 1, day, hour, minute, seconds));
    }
    return this.#known.get(second);
  }
}

const pieces = /YYYY|MM|DD|HH24|MI|SS/g;

/** TO_CHAR of a wall: YYYY, MM, DD, HH24, MI, SS; all else stands as it is. */
export function formatWall(wall, format) {
  const iso = new Date(wall).toISOString();
  const at = { YYYY: [0, 4], MM: [5, 7], DD: [8, 10], HH24: [11, 13], MI: [14, 16], SS: [17, 19] };
  return format.replace(pieces, (piece) => iso.slice(...at[piece]));
}

/** TO_DATE; NaN where the text is not of the format. */
export function parseWall(text, format) {
  const names = [];
  const escaped = format.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pattern = escaped.replace(pieces, (piece) => {
    names.push(piece);
    return piece === 'YYYY' ? '(\\d{4})' : '(\\d{1,2})';
  });
  const match = new RegExp(`^${pattern}$`).exec(text);
  if (!match) {
    return NaN;
  }
  const told = Object.fromEntries(names.map((name, i) => [name, Number(match[i + 1])]));
  const { YYYY = 1970, MM = 1, DD = 1, HH24 = 0, MI = 0, SS = 0 } = told;
  const wall = Date.UTC(YYYY, MM - 1, DD, HH24, MI, SS);
  return new Date(wall).getUTCDate() === DD ? wall : NaN;
}
