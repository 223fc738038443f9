import { test } from 'tap'
import { problemBody } from '../../lib/http/problem.js'

test('a denial as problem details has the type, the status and the policies that denied', async (t) => {
  t.strictSame(JSON.parse(problemBody('Rate limit exceeded, retry in 1 second', ['default', 'a"b'])), {
    type: 'https://iana.org/assignments/http-problem-types#quota-exceeded',
    title: 'Too Many Requests',
    status: 429,
    detail: 'Rate limit exceeded, retry in 1 second',
    'violated-policies': ['default', 'a"b'],
  })
})
