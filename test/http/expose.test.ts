import { test } from 'tap'
import { exposeHeaders } from '../../lib/http/expose.js'

test('names are added to the exposed names, each once, in whatever case', async (t) => {
  t.equal(exposeHeaders(undefined, ['retry-after']), 'retry-after')
  t.equal(exposeHeaders('X-Total', ['x-a', 'x-b']), 'X-Total, x-a, x-b')
  t.equal(exposeHeaders('Retry-After,X-A', ['x-a', 'retry-after']), 'Retry-After, X-A')
  t.equal(exposeHeaders(['a', 'b, c'], ['d']), 'a, b, c, d')
  t.equal(exposeHeaders('', ['d']), 'd')
  t.equal(exposeHeaders('*', ['d']), '*, d', 'the star does not count for requests with credentials')
})
