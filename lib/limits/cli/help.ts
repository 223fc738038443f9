export const HELP = `fastify-floodgate limits: see and change the limits of a running fleet

Usage: fastify-floodgate limits <verb> [options]

  check <file> ...    says whether files are JSON that holds limits
  show [version]      prints the document in Redis, or one of its history
  diff <file>         what would change: what it was -> what it is
  push <file> --comment TEXT
                      checks the file whole, then puts it in force
  history             the last 20 versions: when, by whom, and why
  rollback [version]  puts an older version in force: that before the current
                      one, or the one named; a second rollback undoes the first

An incident, from the first look to the end of it
  fastify-floodgate limits show > limits.json
  fastify-floodgate limits diff limits.json
  fastify-floodgate limits push limits.json --comment 'INC-42: scraper'
  fastify-floodgate limits rollback

Options
  --redis URL         redis://user:password@host:6379/0, or rediss:// for TLS
                      (default: the environment variable REDIS_URL)
  --key NAME          the key that the app's redisLimits({ client, key }) reads
                      (default: limits)
  --comment TEXT      why; 'rollback' has one of its own
  --who NAME          who (default: the environment variable USER)
  --expect VERSION    refuses unless this version is in force now: the one that
                      'diff' or 'show' named (default: what is in force when the
                      command starts)
  --force             does not refuse: whatever is in force by then is replaced
  -h, --help

It uses the client of Redis that is installed: ioredis, iovalkey or redis.
Files: errors name the path in the file, and the nearest known name. Only an app
knows whether its limiters have these names: it logs an error if not, and keeps
its limits. Apps follow a push within 2 seconds.

Exit codes: 0 done, sound, or no difference; 1 a file of 'check' is not sound,
'diff' found differences, or a change was refused because another version is in
force; 2 wrong arguments, a file that is not sound, or Redis does not answer.
`
