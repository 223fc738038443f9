import 'reflect-metadata'
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  Get,
  type MiddlewareConsumer,
  Module,
  type NestModule,
  Post,
  UseGuards,
} from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication, RouteConfig } from '@nestjs/platform-fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type Test, test } from 'tap'
import rateLimit, { type RateLimitOptions } from '../../../../lib/index.js'
import { ask, frozenStore, only } from '../../support/app.js'
import { codes, emitted } from '../../support/warnings.js'
import { byHand, sub } from './ways.js'

interface Who {
  headers: Record<string, string | undefined>
  user?: { sub: string }
}

/** Stands for the check of a token. */
function authenticate(request: Who): void {
  const name = request.headers['x-user']
  if (name !== undefined) request.user = { sub: name }
}

class UserGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    authenticate(context.switchToHttp().getRequest())
    return true
  }
}

class Notes {
  list(): string {
    return 'notes'
  }

  create(): string {
    return 'created'
  }
}

/** Decorates a method, as `@decorators` in front of it do. esbuild knows no decorators of this kind. */
function decorate(method: 'list' | 'create', ...decorators: MethodDecorator[]): void {
  const property = Object.getOwnPropertyDescriptor(Notes.prototype, method) as PropertyDescriptor
  for (const one of decorators) one(Notes.prototype, method, property)
}
Controller('notes')(Notes)
decorate('list', Get())
decorate('create', Post(), RouteConfig({ rateLimit: { ...only(1), key: 'ip' } }))

class Guarded {
  list(): string {
    return 'notes'
  }
}
Controller('guarded')(Guarded)
const guarded = Object.getOwnPropertyDescriptor(Guarded.prototype, 'list') as PropertyDescriptor
Get()(Guarded.prototype, 'list', guarded)
UseGuards(new UserGuard())(Guarded.prototype, 'list', guarded)

class Plain {}
Module({ controllers: [Notes, Guarded] })(Plain)

class WithMiddleware implements NestModule {
  configure(consumer: MiddlewareConsumer): void {
    const middleware = (request: Who, _response: unknown, next: () => void) => {
      authenticate(request)
      next()
    }
    consumer.apply(middleware).forRoutes(Notes)
  }
}
Module({ controllers: [Notes, Guarded] })(WithMiddleware)

async function start(
  t: Test,
  module: new () => object,
  options: RateLimitOptions,
  prepare: (fastify: FastifyInstance) => void = () => {},
): Promise<FastifyInstance> {
  const app = await NestFactory.create<NestFastifyApplication>(module, new FastifyAdapter(), {
    logger: false,
  })
  t.teardown(() => app.close())
  const all = { ...only(1), guard: only(99), store: frozenStore(), ...options }
  await app.register(rateLimit as never, all as never)
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance
  prepare(fastify)
  await app.init()
  return fastify
}

const as = (name: string, url = '/notes') => ({
  url,
  headers: { 'x-user': name, 'x-token': `token of ${name}` },
})

for (const hook of ['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const) {
  test(`a user whom a ${hook} hook of Fastify knows is limited by himself`, async (t) => {
    const warnings = emitted(t)
    const app = await start(t, Plain, { key: sub }, (fastify) => {
      fastify.decorateRequest('user', null as never)
      if (hook === 'preParsing')
        fastify.addHook(hook, (request, reply, _payload, done) => byHand(request, reply, done))
      else fastify.addHook(hook as 'onRequest', byHand)
    })
    t.same(await ask(app, as('ann'), as('ann'), as('bob')), ['200 0', '429 0', '200 0'])
    t.same(codes(warnings), [])
  })
}

test('a user whom a middleware of NestJS knows is limited by himself, found in request.raw', async (t) => {
  const warnings = emitted(t)
  const key = (request: FastifyRequest) => (request.raw as unknown as Who).user?.sub
  const app = await start(t, WithMiddleware, { key })
  t.same(await ask(app, as('ann'), as('ann'), as('bob')), ['200 0', '429 0', '200 0'])
  t.same(codes(warnings), [])
})

test('what a guard of NestJS knows is known too late: the request counts by IP, with a warning', async (t) => {
  const warnings = emitted(t)
  const app = await start(t, Plain, { key: sub }, (fastify) => fastify.decorateRequest('user', null as never))
  t.same(await ask(app, as('ann', '/guarded'), as('bob', '/guarded')), ['200 0', '429 0'])
  t.same(codes(warnings), ['W002'])
})

test('@RouteConfig gives a route its limiter', async (t) => {
  const app = await start(t, Plain, { ...only(9) })
  t.same(await ask(app, 'POST /notes', 'POST /notes', 'GET /notes'), ['201 0', '429 0', '200 8'])
})

test('a denial keeps its status and its headers through the exception filters of NestJS', async (t) => {
  const app = await start(t, Plain, {})
  await ask(app, 'GET /notes')
  const denied = await app.inject('/notes')
  t.equal(denied.statusCode, 429)
  t.match(denied.headers, { 'retry-after': '3600', 'x-ratelimit-remaining': '0' })
  t.match(denied.json(), { statusCode: 429, message: /Rate limit exceeded/ })
})
