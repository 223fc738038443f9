import { test } from 'tap'
import { problemBody } from '../../lib/http/problem.js'

const QUOTA = { status: 429, retryAfter: 600, blocked: false, inProgress: false } as const

test('a denial as problem details has the type, the status and the policies that denied', async (t) => {
  t.strictSame(JSON.parse(problemBody(QUOTA, ['default', 'a"b'])), {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too Many Requests',
    status: 429,
    detail: 'Rate limit exceeded, retry in 1 second',
    'violated-policies': ['default', 'a"b'],
  })
})

test('a blocked client is told so, and shed load is no fault of the client', async (t) => {
  t.strictSame(JSON.parse(problemBody({ ...QUOTA, blocked: true }, ['login'])), {
    type: 'https://iana.org/assignments/http-problem-types#abnormal-usage-detected',
    title: 'Too Many Requests',
    status: 429,
    detail: 'Blocked after too many requests, retry in 1 second',
    'violated-policies': ['login'],
    blocked: true,
  })
  t.strictSame(JSON.parse(problemBody({ ...QUOTA, status: 503, inProgress: true }, ['all'])), {
    type: 'https://iana.org/assignments/http-problem-types#temporary-reduced-capacity',
    title: 'Service Unavailable',
    status: 503,
    detail: 'Too many requests in progress, retry in 1 second',
    'violated-policies': ['all'],
  })
})
