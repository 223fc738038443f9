/** JSON Schemas of the API, for documentation: the calls check their bodies themselves, with coded errors. */

type Schema = Readonly<Record<string, unknown>>

const TEXT = { type: 'string' } as const
const INTEGER = { type: 'integer' } as const
const NUMBER = { type: 'number' } as const
const YES_OR_NO = { type: 'boolean' } as const
const TIME = { type: 'string', format: 'date-time' } as const
const ANY = { type: 'object', additionalProperties: true } as const

const orNull = (schema: Schema) => ({ ...schema, nullable: true })
const list = (items: Schema) => ({ type: 'array', items })

/** An object that has all of its properties. */
function object(properties: Readonly<Record<string, Schema>>) {
  return { type: 'object', properties, required: Object.keys(properties) }
}

const COUNTS = {
  allowed: INTEGER,
  delayed: INTEGER,
  denied: INTEGER,
  blocked: INTEGER,
  shadowDenied: INTEGER,
}

const POLICY = object({
  name: TEXT,
  text: { ...TEXT, description: 'In words' },
  enforce: NUMBER,
  limit: INTEGER,
  nearLimit: INTEGER,
  units: INTEGER,
  options: { ...orNull(ANY), description: 'As preview and update take it' },
  ...COUNTS,
})

const SERIES = object({
  end: { ...INTEGER, description: 'The end of the last interval, in milliseconds since 1970' },
  step: { ...INTEGER, description: 'Milliseconds from point to point' },
  ...Object.fromEntries(Object.keys(COUNTS).map((outcome) => [outcome, list(INTEGER)])),
})

const OFFENDER = object({
  limiter: TEXT,
  id: { ...TEXT, description: 'Stands for the key in calls' },
  key: { ...TEXT, description: 'As it is shown' },
  denied: INTEGER,
  blocked: INTEGER,
  shadowDenied: INTEGER,
  error: { ...INTEGER, description: 'Most denials that are missing in the counts' },
  first: TIME,
  last: TIME,
})

const OVERRIDE = {
  text: { ...TEXT, description: 'In words' },
  until: orNull(TIME),
  comment: TEXT,
}

const CHANGE = object({
  at: TIME,
  who: orNull(TEXT),
  verb: { ...TEXT, enum: ['update', 'override', 'block', 'reset', 'document'] },
  limiter: orNull(TEXT),
  key: { ...orNull(TEXT), description: 'As it is shown' },
  text: TEXT,
  comment: TEXT,
})

const PROCESS = object({
  id: TEXT,
  host: TEXT,
  pid: INTEGER,
  isThis: YES_OR_NO,
  at: TIME,
  state: { ...TEXT, enum: ['up', 'down'], description: 'Of its store' },
  ...COUNTS,
})

export const STATE = object({
  now: { ...INTEGER, description: 'Milliseconds since 1970' },
  since: TIME,
  limiters: list(object({ name: TEXT, policies: list(POLICY) })),
  series: object({ total: SERIES, limiters: { type: 'object', additionalProperties: SERIES } }),
  store: ANY,
  waiting: INTEGER,
  lost: INTEGER,
  overrides: list(object({ limiter: TEXT, id: TEXT, key: TEXT, ...OVERRIDE, used: INTEGER })),
  overridesInForce: INTEGER,
  offenders: orNull(list(OFFENDER)),
  limits: orNull(ANY),
  changes: list(CHANGE),
  processes: list(PROCESS),
})

const MILLISECONDS = { ...orNull(INTEGER), description: 'Milliseconds; null: never' }

export const KEY = object({
  limiter: TEXT,
  key: { ...TEXT, description: 'As it is shown' },
  policies: list(
    object({
      name: TEXT,
      text: TEXT,
      allowed: YES_OR_NO,
      blocked: YES_OR_NO,
      shadow: { ...YES_OR_NO, description: 'Whether it denies nobody, and only counts' },
      remaining: INTEGER,
      limit: INTEGER,
      retryAfter: MILLISECONDS,
      resetAfter: MILLISECONDS,
    }),
  ),
  override: orNull(object(OVERRIDE)),
})

export const PREVIEW = object({
  limiter: TEXT,
  before: list(TEXT),
  after: list(TEXT),
  changed: YES_OR_NO,
  offenders: list(object({ key: TEXT, denied: INTEGER, text: TEXT })),
  warnings: list(TEXT),
})

const FAULT = object({ statusCode: INTEGER, code: TEXT, error: TEXT, message: TEXT })

/** The responses of a call that a client may get wrong. */
export function responses(description: string, schema: Schema, faults: readonly number[]) {
  const all = faults.map((status) => [status, { description: FAULTS[status], ...FAULT }])
  return { 200: { description, ...schema }, ...Object.fromEntries(all) }
}

const FAULTS: Readonly<Record<number, string>> = {
  400: 'The body says what is not allowed',
  403: 'Another site may have sent it',
  404: 'There is no such limiter, or no key of that id',
  503: 'The store does not answer, or too many pages follow',
}

const SUBJECT = {
  limiter: TEXT,
  key: { ...TEXT, description: 'The key as it is counted' },
  offender: { ...TEXT, description: 'In place of the key: the id of an offender or of an override' },
}
const COMMENT = { ...TEXT, maxLength: 1000, description: 'The reason, for readers of the changes' }
const POLICIES = { description: 'A policy, a list of policies, or null: as app.rateLimit.update() takes it' }

/** What the bodies of calls may say. */
export const BODIES = {
  look: { type: 'object', properties: SUBJECT, required: ['limiter'] },
  reset: { type: 'object', properties: SUBJECT, required: ['limiter'] },
  block: {
    type: 'object',
    properties: {
      ...SUBJECT,
      period: { description: "'10 minutes', or a number of milliseconds" },
      comment: COMMENT,
    },
    required: ['limiter', 'period'],
  },
  override: {
    type: 'object',
    properties: {
      ...SUBJECT,
      policy: { description: 'A policy; false: no limit; null: ends the override' },
      until: { ...TIME, description: 'When it ends. Default: never' },
      comment: COMMENT,
    },
    required: ['limiter', 'policy'],
  },
  preview: {
    type: 'object',
    properties: { limiter: TEXT, policies: POLICIES },
    required: ['limiter', 'policies'],
  },
  update: {
    type: 'object',
    properties: { limiter: TEXT, policies: POLICIES, comment: COMMENT },
    required: ['limiter', 'policies'],
  },
} as const
