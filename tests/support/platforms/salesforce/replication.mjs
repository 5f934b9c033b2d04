// getUpdated and getDeleted. Unlike a query they account for transactions still open: the date
// covered never passes the start of the oldest one. Seconds of start and end are ignored.

import { jsonReply } from '../lib/reply.mjs';
import { ApiError } from './api_error.mjs';
import { parseDatetime, showDatetime } from './values.mjs';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const updatedDaysMax = 30;
const deletedDaysMax = 15;
const idsMax = 600_000;

export class Replication {
  #store;
  #clock;

  constructor({ store, clock }) {
    this.#store = store;
    this.#clock = clock;
  }

  updated(request, object) {
    const window = this.#window(request, updatedDaysMax);
    const rows = this.#rows(object, window, (row) => !row.IsDeleted);
    return jsonReply(200, {
      ids: rows.map(({ Id }) => Id),
      latestDateCovered: this.#covered(request, window),
    });
  }

  deleted(request, object) {
    const window = this.#window(request, deletedDaysMax);
    const rows = this.#rows(object, window, (row) => row.IsDeleted);
    const earliest = this.#clock.nowMs() - deletedDaysMax * dayMs;
    return jsonReply(200, {
      deletedRecords: rows.map(({ Id: id, SystemModstamp }) => ({
        id,
        deletedDate: showDatetime(SystemModstamp),
      })),
      earliestDateAvailable: showDatetime(Math.floor(earliest / minuteMs) * minuteMs),
      latestDateCovered: this.#covered(request, window),
    });
  }

  #window(request, daysMax) {
    const [startMs, endMs] = ['start', 'end'].map((name) => {
      const milliseconds = parseDatetime(request.query.get(name) ?? '');
      if (milliseconds === null) {
        throw invalidDate(`${name} is not a datetime`);
      }
      return Math.floor(milliseconds / minuteMs) * minuteMs;
    });
    if (endMs - startMs < minuteMs) {
      throw invalidDate('startDate and endDate must be at least one minute apart');
    }
    if (startMs < this.#clock.nowMs() - daysMax * dayMs) {
      throw invalidDate(`startDate cannot be more than ${daysMax} days ago`);
    }
    return { startMs, endMs };
  }

  #rows(object, { startMs, endMs }, wanted) {
    const rows = this.#store
      .rows(object.name)
      .filter((row) => wanted(row) && row.SystemModstamp >= startMs && row.SystemModstamp < endMs);
    if (rows.length > idsMax) {
      throw new ApiError(400, 'EXCEEDED_ID_LIMIT', 'too many ids in this window; narrow it');
    }
    return rows;
  }

  #covered(request, { endMs }) {
    const frozen = request.takeFault('freeze_date_covered');
    if (frozen) {
      return frozen.at;
    }
    const openMs = this.#store.oldestOpenMs() ?? Infinity;
    const coveredMs = Math.min(endMs, this.#clock.nowMs(), openMs);
    return showDatetime(Math.floor(coveredMs / minuteMs) * minuteMs);
  }
}

function invalidDate(message) {
  return new ApiError(400, 'INVALID_REPLICATION_DATE', message);
}
