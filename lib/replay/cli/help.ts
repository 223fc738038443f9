export const HELP = `fastify-floodgate replay: who would have been denied?

Usage: fastify-floodgate replay [options] <file> ...
  - stands for the standard input. Files may be gzip, and come in any order.

Which limits would your clients have noticed?
  fastify-floodgate replay access.log
  fastify-floodgate replay /var/log/nginx/access.log*

What would this policy have done? And these, side by side?
  fastify-floodgate replay --policy 'rate=100 per=minute burst=20' access.log
  fastify-floodgate replay --policy 'rate=60 burst=10' \\
    --policy 'algorithm=sliding-window rate=60' access.log
  fastify-floodgate replay --policy 'rate=9 per=second + rate=500 per=hour' \\
    access.log

Failed logins, with a block of an hour
  fastify-floodgate replay --where 'route=/login' --status 4xx \\
    --policy 'algorithm=sliding-window rate=5 per=15m block=1h' access.log

The log of a Fastify application, by API key; any JSON log, by user
  fastify-floodgate replay --key req.headers.x-api-key app.log
  fastify-floodgate replay --time ts --ip client.addr --key user.id events.jsonl

A report with charts, to look at and to share
  fastify-floodgate replay --html report.html access.log

A test that holds a policy against a recorded log
  fastify-floodgate replay --policy 'rate=100' --fail-above 0.1% test.log.gz

Who is counted
  --policy TEXT       a policy as in code, or as JSON; repeat it to compare;
                      ' + ' joins policies that must all allow
  --key FIELD         ip (default), global, user, agent, or a path in JSON
  --cost FIELD        units of a request: a number, or a field (default 1)
  --where CONDITION   route=/login, method!=GET, route=/api/*; repeat it: all
                      must hold
  --status LIST       2xx, or 401,403
  --ipv6-prefix BITS  how much of an IPv6 address counts (default 64)
  --skew PERIOD       how much lines may be out of order (default 5 seconds)

What the files are
  --format NAME       combined, common, pino or json (default: detected)
  --time PATH, --ip PATH, --route PATH, --status PATH
                      where these fields are in JSON
  --duration PATH     how long a request took: in ms, or with a unit: took:s

What comes out
  --advise            advice in addition to the policies
  --rates LIST        rates to advise about: 10/minute,5/second
  --show-keys         whole keys, also those that are no addresses
  --json              all numbers, as JSON
  --html FILE         also a page with charts and advice: one file, no scripts
  --fail-above SHARE  exit code 1 if a policy denies more of the requests: 0.1%
  -h, --help

Exit codes: 0 done; 1 more was denied than --fail-above allows; 2 wrong
arguments, a log that has no request or is mostly unreadable, or output that
cannot be written.
`
