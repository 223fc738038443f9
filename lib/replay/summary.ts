import type { PolicyOptions } from '../../types/index.js'
import { describe } from '../policy/index.js'
import type { Source } from './input/source.js'
import type { Judge } from './judge/judge.js'
import { type Keys, largest } from './judge/keys.js'
import type { Timeline } from './judge/timeline.js'
import { REQUEST, UNREADABLE } from './readers/line.js'
import type { Count, FileReport, PolicyReport, TimelineReport } from './report.js'
import { shownText } from './shown-key.js'
import { isoOf, SECOND } from './time.js'

const MOST_KEYS = 10
/** Most characters of an unreadable line that are shown. */
const LONGEST_TEXT = 80

export function fileReport(source: Source): FileReport {
  const { log, format, lines, counts, firstBad, damage } = source
  return {
    file: log.name,
    format,
    lines,
    requests: counts[REQUEST],
    unreadableLines: counts[UNREADABLE],
    unreadable: firstBad && { ...firstBad, text: shownText(firstBad.text, LONGEST_TEXT) },
    damage,
  }
}

/** What a judge has found. `nameOf` returns a key as it is shown. */
export function policyReport(
  judge: Judge,
  options: readonly PolicyOptions[],
  keys: Keys,
  nameOf: (key: number) => string,
): PolicyReport {
  const { requests, deniedOf, longestRun } = judge
  let keysDenied = 0
  for (let key = 0; key < keys.count; key++) if (deniedOf[key] > 0) keysDenied++
  return {
    name: judge.name ?? describe(judge.policies),
    options,
    requests,
    denied: countOf(judge.denied, requests),
    blocked: countOf(judge.blocked, requests),
    delayed: countOf(judge.delayed, requests),
    keysDenied: countOf(keysDenied, keys.count),
    hardest: largest(deniedOf, keys.count, MOST_KEYS).map((key) => ({
      key: nameOf(key),
      requests: keys.requests[key],
      denied: deniedOf[key],
    })),
    longestRun: longestRun && {
      key: nameOf(longestRun.key),
      denials: longestRun.denials,
      from: isoOf(longestRun.from),
      to: isoOf(longestRun.to),
    },
    timeline: timelineReport(judge.timeline),
    withoutDuration: judge.withoutDuration,
  }
}

function countOf(count: number, all: number): Count {
  return { count, share: all === 0 ? 0 : count / all }
}

function timelineReport(timeline: Timeline): TimelineReport {
  const { length, step, requests, denied } = timeline
  return {
    from: length === 0 ? null : isoOf(timeline.startOf(0)),
    seconds: step / SECOND,
    requests: [...requests.subarray(0, length)],
    denied: [...denied.subarray(0, length)],
  }
}
