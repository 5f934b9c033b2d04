// Record ids: 15 case-sensitive characters, and the 18-character form whose last three say which
// of the 15 are capitals, so that it survives systems that fold case.

const suffixAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ012345';
const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

export function withSuffix(id15) {
  let suffix = '';
  for (let start = 0; start < 15; start += 5) {
    let bits = 0;
    for (let i = 0; i < 5; i += 1) {
      const character = id15[start + i];
      if (character >= 'A' && character <= 'Z') {
        bits |= 1 << i;
      }
    }
    suffix += suffixAlphabet[bits];
  }
  return id15 + suffix;
}

/** The 18-character form of a 15- or 18-character id (any case for 18), or null. */
export function normaliseId(text) {
  if (typeof text !== 'string' || !/^[A-Za-z0-9]+$/.test(text)) {
    return null;
  }
  if (text.length === 15) {
    return withSuffix(text);
  }
  return text.length === 18 ? restoreCase(text) : null;
}

function restoreCase(id18) {
  let restored = '';
  for (let i = 0; i < 15; i += 1) {
    const bits = suffixAlphabet.indexOf(id18[15 + Math.floor(i / 5)].toUpperCase());
    if (bits < 0) {
      return null;
    }
    const capital = (bits >> (i % 5)) & 1;
    restored += capital ? id18[i].toUpperCase() : id18[i].toLowerCase();
  }
  const whole = withSuffix(restored);
  return whole.slice(15) === id18.slice(15).toUpperCase() ? whole : null;
}

/** The id of the `number`-th record of an object: prefix, instance, then nine base-62 digits. */
export function makeId(keyPrefix, number) {
  let digits = '';
  for (let rest = number; rest > 0; rest = Math.floor(rest / 62)) {
    digits = base62[rest % 62] + digits;
  }
  return withSuffix(`${keyPrefix}Sy0${digits.padStart(9, '0')}`);
}
